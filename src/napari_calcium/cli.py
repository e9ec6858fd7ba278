"""The command line: the same analysis without a window."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_calcium import __version__
from napari_calcium.cli_options import with_options
from napari_calcium.io.csv import CsvSettings

if TYPE_CHECKING:
    from napari_calcium.pipeline import PipelineSettings
    from napari_calcium.recording import Recording

__all__ = ["app", "main"]

app = typer.Typer(
    name="napari-calcium",
    help="From fluorescence to neuronal ensembles: the analysis of napari-calcium without a window.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="Fluorescence or ΔF/F (CSV, MATLAB), a TIFF movie, NWB, or what suite2p, CaImAn or Minian made.",
    ),
]
ResultsArgument = Annotated[Path, typer.Argument(metavar="RESULTS", help="Results folder.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


class _Failure(Exception):
    """Ends a command with one line on standard error and exit code 1."""


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and exit code 1; let bugs through with their traceback."""
    from napari_calcium.io.errors import ReadError
    from napari_calcium.pipeline import StageError
    from napari_calcium.settings import SettingsError

    try:
        yield
    except (ReadError, StageError, SettingsError, _Failure) as error:
        print(f"napari-calcium: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        # Whoever read our output has enough (… | head); nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        print(f"napari-calcium: {_of_the_system(error)}", file=sys.stderr)
        raise typer.Exit(1) from None
    except MemoryError:
        print(
            "napari-calcium: not enough memory; close other programs, or cut the recording in parts",
            file=sys.stderr,
        )
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        print("napari-calcium: interrupted; nothing was changed", file=sys.stderr)
        raise typer.Exit(130) from None


def _of_the_system(error: OSError) -> str:
    """Say in one line what the operating system refused, without its number and without temporary names."""
    if error.strerror:
        what = f"{error.strerror[0].lower()}{error.strerror[1:]}"
        return f"{error.filename}: {what}" if error.filename else what
    text = " ".join(str(error).split())
    # NumPy tells of a full disk in these words only.
    return "no space left on the disk" if "requested and" in text and text.endswith("written") else text


class _Report:
    """Says on standard error what is going on: a moving line on a terminal, plain lines elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._moving = sys.stderr.isatty() and not quiet
        self._stage = ""
        self._last = 0.0

    def line(self, text: str) -> None:
        if not self._quiet:
            print(("\r\x1b[K" if self._moving else "") + text, file=sys.stderr)

    def stage(self, name: str) -> None:
        from napari_calcium.pipeline import TITLES

        self._stage = TITLES.get(name, name)

    def progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._moving and now - self._last > 0.1:
            self._last = now
            share = done / total if total else 1.0
            print(f"\r\x1b[K{share:4.0%}  {self._stage}", end="", file=sys.stderr, flush=True)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command("run")
@with_options(CsvSettings, "How to read the file (each overrules a guess)")
def run_command(
    file: FileArgument,
    options: dict[str, Any],
    rois: Annotated[
        Path | None, typer.Option(help="Label image (TIFF) that says where the cells lie.")
    ] = None,
    image: Annotated[Path | None, typer.Option(help="Image of the tissue (TIFF).")] = None,
    pipeline: Annotated[Path | None, typer.Option(help="Settings of every stage (YAML).")] = None,
    mode: Annotated[
        Literal["calibrated", "course"] | None,
        typer.Option(
            help="Settings where no --pipeline is given: the calibrated default or the course's text."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Results folder to write.")] = None,
    figures: Annotated[bool, typer.Option(help="Draw the figures.")] = True,
    quiet: QuietOption = False,
) -> None:
    """Run the whole analysis on FILE and write a results folder."""
    with _one_line_errors():
        if pipeline is not None and mode is not None:
            raise _Failure("--pipeline says what to run already; leave --mode out")
        settings = _settings(file, options, rois, image, pipeline, mode)
        output = output or Path(f"{file.stem}_results")
        _check_place(output)
        _run(file, settings, output, figures, _Report(quiet))


@app.command("demo")
def demo_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder.")] = Path("demo_results"),
    view: Annotated[
        bool | None, typer.Option(help="Open napari; by default where there is a screen.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Run the analysis on the bundled sample, and look at the result in napari where there is a screen."""
    with _one_line_errors():
        _demo(output, _Report(quiet))
        if view or (view is None and _has_screen()):
            _view(output)


@app.command("sample")
def sample_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; made if it is not there.")],
    kind: Annotated[
        Literal["course", "demo", "movie"],
        typer.Option(help="course: 324 cells, 15,000 frames; demo: 120 cells; movie: a raw movie."),
    ] = "course",
    quiet: QuietOption = False,
) -> None:
    """Write sample data with known ensembles: fluorescence (CSV) with ROIs and image (TIFF), or a movie."""
    from napari_calcium import simulate as samples

    settings = {
        "course": samples.course_settings,
        "demo": samples.demo_settings,
        "movie": samples.raw_movie_settings,
    }
    with _one_line_errors():
        sample = samples.simulate(settings[kind]())
        if kind == "movie":
            written = [sample.write_movie(folder / "movie.tif")]
        else:
            written = [
                sample.write_csv(folder / f"{kind}.csv"),
                sample.write_labels(folder / f"{kind}_rois.tif"),
                sample.write_mean_image(folder / f"{kind}_mean.tif"),
            ]
        for path in written:
            _Report(quiet).line(str(path))


@app.command("inspect")
@with_options(CsvSettings, "How to read the file (each overrules a guess)")
def inspect_command(file: FileArgument, options: dict[str, Any]) -> None:
    """Say what FILE is, what was guessed about it and why."""
    from napari_calcium.io.opening import open_recording

    with _one_line_errors():
        recording = open_recording(file, CsvSettings.validated(options))
        print("\n".join(_description(recording)))


@app.command("export")
def export_command(
    results: ResultsArgument,
    output: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="File to write: .nwb, .csv, .npz or .mat; a folder for suite2p."),
    ],
    stage: Annotated[
        str, typer.Option(help="Which traces: raw, dff, background_corrected, denoised …")
    ] = "dff",
    program: Annotated[
        Literal["suite2p", "cascade"] | None,
        typer.Option("--for", help="Write as this program reads it: suite2p's folder, or ΔF/F for CASCADE."),
    ] = None,
) -> None:
    """Write a results folder as one NWB file, or one stage of its traces, for other programs."""
    from napari_calcium.io.export import export_for, export_traces
    from napari_calcium.io.nwb import save_nwb
    from napari_calcium.io.results_reading import read_results

    with _one_line_errors():
        recording = read_results(results)
        try:
            if program is not None:
                export_for(program, recording, output)
            elif output.suffix.lower() == ".nwb":
                save_nwb(recording, output)
            else:
                export_traces(recording, output, stage)
        except ValueError as error:
            raise _Failure(str(error)) from None


@app.command("figures")
def figures_command(
    results: ResultsArgument,
    style: Annotated[
        Literal["standard", "publication"],
        typer.Option(help="publication: widths of journals, 300 dots per inch; standard: as run draws them."),
    ] = "publication",
    width: Annotated[
        float | None,
        typer.Option(min=60, max=400, help="Width in mm. Journals print 85 (one column), 114 or 174."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", "-f", help="pdf, svg or png; may be given several times. By default pdf and png."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Draw these only: sheet, raster, coactivity …; may be given several times."),
    ] = None,
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="Page of the sheet.")] = "a4",
    font: Annotated[str | None, typer.Option(help="Font, such as Arial, where it is installed.")] = None,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; by default figures_STYLE in RESULTS.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Draw every figure of a results folder, and a sheet with the whole analysis on one page."""
    from napari_calcium.cli_figures import draw_figures

    with _one_line_errors():
        changes = {"width": width, "font": font}
        folder = draw_figures(
            results,
            style,
            {name: value for name, value in changes.items() if value is not None},
            tuple(dict.fromkeys(formats or ("pdf", "png"))),
            tuple(only or ()),
            paper,
            output,
            _Report(quiet).progress,
        )
        _Report(quiet).line(f"figures are in {folder}")


@app.command("view")
def view_command(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Results folder, or whatever run takes.")
    ],
) -> None:
    """Open a results folder (or whatever run takes) in napari."""
    with _one_line_errors():
        _view(results)


def main() -> None:
    """Run the command line; the entry point of the package."""
    app()


def _settings(
    file: Path,
    options: dict[str, Any],
    rois: Path | None,
    image: Path | None,
    pipeline: Path | None,
    mode: str | None,
) -> PipelineSettings:
    """Join the pipeline file with what the flags overrule."""
    from napari_calcium.pipeline import PipelineSettings
    from napari_calcium.settings import SettingsError

    if pipeline is not None:
        try:
            settings = PipelineSettings.from_yaml(pipeline.read_text(encoding="utf-8"))
        except SettingsError as error:
            raise SettingsError(f"{pipeline.name}: {error}") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{pipeline.name}: not a text file in UTF-8") from None
    else:
        settings = PipelineSettings.course() if mode == "course" else PipelineSettings()
    given = {"labels": rois, "image": image}
    places = {name: _relative(path, file.parent) for name, path in given.items() if path is not None}
    return settings.replace(
        read=settings.read.replace(**options), positions=settings.positions.replace(**places)
    )


def _relative(path: Path, folder: Path) -> str:
    """Say where a file lies, seen from the recording's folder, so that the settings travel with the data."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive, on Windows
        return path.absolute().as_posix()


def _run(
    file: Path,
    settings: PipelineSettings,
    output: Path,
    figures: bool,
    report: _Report,
    extra: Callable[[Path], None] = lambda folder: None,
) -> None:
    from napari_calcium.io.opening import open_recording
    from napari_calcium.io.results_folder import new_results_folder, write_results
    from napari_calcium.pipeline import run

    start = time.perf_counter()
    recording = open_recording(file, settings.read, settings.positions, on_progress=report.progress)
    for line in _description(recording):
        report.line(line)
    settings = _resolved(settings, recording)
    before = recording.log
    recording = run(recording, settings, on_progress=report.progress, on_stage=report.stage)
    for entry in recording.log[len(before) :]:
        for note in entry.notes:
            report.line(f"{entry.stage}: {note}")
    with new_results_folder(output) as folder:
        write_results(recording, folder, settings.to_yaml())
        if figures:
            from napari_calcium.figures.export import draw_all
            from napari_calcium.figures.figure_sheet import write_sheet

            report.stage("Figures")
            draw_all(recording, folder / "figures", on_progress=report.progress)
            write_sheet(recording, folder / "figures" / "sheet.pdf")
        extra(folder)
    report.line(f"results are in {output} ({time.perf_counter() - start:.1f} s)")


def _check_place(output: Path) -> None:
    """Refuse a place where no results can be written before the work begins, not after it."""
    from napari_calcium.io.results_folder import is_results_folder

    empty = output.is_dir() and not any(output.iterdir())
    if output.exists() and not empty and not is_results_folder(output):
        raise _Failure(
            f"{output}: exists and is not a results folder; choose another place so that nothing is lost"
        )
    place = next(p for p in output.absolute().parents if p.exists())
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        raise _Failure(f"{place}: nothing can be written there; choose another place with --output")


def _resolved(settings: PipelineSettings, recording: Recording) -> PipelineSettings:
    """Return the settings with the reader's guesses filled in, so that a rerun guesses nothing."""
    read = next((entry for entry in recording.log if entry.stage == "read"), None)
    return settings.replace(read=CsvSettings.validated(dict(read.settings))) if read else settings


def _description(recording: Recording) -> list[str]:
    rate = f"{recording.frame_rate:g} Hz" if recording.frame_rate else "frame rate not known"
    length = f", {recording.duration_s:,.1f} s" if recording.frame_rate else ""
    unit = ", ".join(f"{name} in {trace.unit}" for name, trace in recording.traces.items())
    places = f", {len(recording.rois):,} with a position" if recording.rois is not None else ""
    cells = "cell" if recording.n_rois == 1 else "cells"
    size = f"{recording.n_rois:,} {cells}{places}, {recording.n_frames:,} frames"
    head = f"{recording.name}: {size}, {rate}{length}; {unit}"
    return [head, *(f"  {note}" for entry in recording.log for note in entry.notes)]


def _demo(output: Path, report: _Report) -> None:
    import shutil
    import tempfile

    from napari_calcium.pipeline import PipelineSettings
    from napari_calcium.simulate import demo_settings, simulate

    sample = simulate(demo_settings())
    with tempfile.TemporaryDirectory() as scratch:
        table, labels, image = (Path(scratch) / f"sample{end}" for end in (".csv", "_rois.tif", "_mean.tif"))
        sample.write_csv(table)
        sample.write_labels(labels)
        sample.write_mean_image(image)
        options = {"frame_rate": sample.settings.frame_rate}
        settings = _settings(table, options, labels, image, None, None)
        assert isinstance(settings, PipelineSettings)

        def keep_sample(folder: Path) -> None:
            for path in (table, labels, image):
                shutil.copyfile(path, folder / path.name)

        _run(table, settings, output, True, report, keep_sample)


def _has_screen() -> bool:
    needs_display = sys.platform.startswith(("linux", "freebsd"))
    return not needs_display or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _view(path: Path) -> None:
    from napari_calcium.io.opening import open_recording

    recording = open_recording(path)
    if not _has_screen():
        raise _Failure("there is no screen to open a window on; run this where there is one")
    try:
        from napari_calcium.widgets.launch import open_window
    except ImportError as error:
        raise _Failure(
            f"napari cannot open a window here ({error}); install it with: pip install 'napari-calcium[all]'"
        ) from None
    import napari

    open_window(recording)
    napari.run()


if __name__ == "__main__":
    main()
