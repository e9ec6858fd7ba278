"""The command line: the same analysis without a window."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_calcium import __version__
from napari_calcium.cluster import where_to_run
from napari_calcium.commands.cli_options import with_options
from napari_calcium.commands.cli_running import (
    Failure,
    Report,
    behaviour_files,
    check_place,
    description,
    one_line_errors,
    run_file,
    settings_for,
)
from napari_calcium.io.behaviour_csv import BehaviourFileSettings
from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.nwb_session import NwbSession

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
ResultsArgument = Annotated[
    Path, typer.Argument(metavar="RESULTS", help="Results folder, or an NWB file saved from the window.")
]
ClusterOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Scheduler of a dask.distributed cluster to work on, such as tcp://192.168.0.2:8786.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        print(__version__)
        raise typer.Exit


_with_behaviour = with_options(
    BehaviourFileSettings,
    "What the animal did (switches the stages of the behaviour on)",
    into="of_behaviour",
    called={"file": "behaviour", "time_unit": "behaviour_time_unit"},
)


@app.command("run")
@with_options(CsvSettings, "How to read the file (each overrules a guess)")
@_with_behaviour
def run_command(
    file: FileArgument,
    options: dict[str, Any],
    of_behaviour: dict[str, Any],
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
    cluster: ClusterOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run the whole analysis on FILE and write a results folder."""
    with one_line_errors():
        if pipeline is not None and mode is not None:
            raise Failure("--pipeline says what to run already; leave --mode out")
        settings = settings_for(file, options, rois, image, pipeline, mode, of_behaviour)
        output = output or Path(f"{file.stem}_results")
        check_place(output)
        with where_to_run(cluster) as executor:
            run_file(file, settings, output, figures, Report(quiet), executor=executor)


@app.command("batch")
@with_options(CsvSettings, "How to read the files (each overrules a guess)")
def batch_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Recordings, as for run.")],
    options: dict[str, Any],
    pipeline: Annotated[Path | None, typer.Option(help="Settings of every stage (YAML), for all.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the results folders and the table batch.csv.")
    ] = Path("batch_results"),
    figures: Annotated[bool, typer.Option(help="Draw the figures.")] = True,
    cluster: ClusterOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run the whole analysis on many recordings; one that fails does not stop the others."""
    from napari_calcium.commands.cli_batch import run_batch

    with one_line_errors():
        report = Report(quiet)
        settings = settings_for(files[0], options, None, None, pipeline, None)
        with where_to_run(cluster) as executor:
            rows = run_batch(
                files,
                output,
                lambda file, folder: run_file(file, settings, folder, figures, report, executor=executor),
                report,
            )
        failed = [row.file for row in rows if row.status == "failed"]
        if failed:
            raise Failure(
                f"{len(failed)} of {len(rows)} recordings failed ({', '.join(failed)}); see batch.csv"
            )


@app.command("demo")
def demo_command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Results folder.")] = Path("demo_results"),
    view: Annotated[
        bool | None, typer.Option(help="Open napari; by default where there is a screen.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Run the analysis on the bundled sample, and look at the result in napari where there is a screen."""
    with one_line_errors():
        _demo(output, Report(quiet))
        if view or (view is None and _has_screen()):
            _view(output)


@app.command("sample")
def sample_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; made if it is not there.")],
    kind: Annotated[
        Literal["course", "demo", "movie", "behaviour"],
        typer.Option(
            help="course: 324 cells, 15,000 frames; demo: 120 cells; movie: a raw movie; "
            "behaviour: 120 cells with what the animal did."
        ),
    ] = "course",
    quiet: QuietOption = False,
) -> None:
    """Write sample data with known ensembles: fluorescence (CSV) with ROIs and image (TIFF), or a movie."""
    with one_line_errors():
        for path in _write_sample(folder, kind):
            Report(quiet).line(str(path))


def _write_sample(folder: Path, kind: str) -> list[Path]:
    """Simulate, write the files and return them."""
    from napari_calcium import simulate as samples
    from napari_calcium.simulate.behaviour_simulation import simulate_behaviour

    if kind == "movie":
        return [samples.simulate(samples.raw_movie_settings()).write_movie(folder / "movie.tif")]
    more: list[Path] = []
    if kind == "behaviour":
        animal = simulate_behaviour()
        sample, name = animal.simulation, "cells"
        more = list(animal.write_files(folder).values())
    else:
        name = kind
        sample = samples.simulate(samples.course_settings() if kind == "course" else samples.demo_settings())
    return [
        sample.write_csv(folder / f"{name}.csv"),
        sample.write_labels(folder / f"{name}_rois.tif"),
        sample.write_mean_image(folder / f"{name}_mean.tif"),
        *more,
    ]


@app.command("inspect")
@with_options(CsvSettings, "How to read the file (each overrules a guess)")
@_with_behaviour
def inspect_command(file: FileArgument, options: dict[str, Any], of_behaviour: dict[str, Any]) -> None:
    """Say what FILE is, what was guessed about it and why."""
    from napari_calcium.io.opening import open_recording

    with one_line_errors():
        files = behaviour_files(of_behaviour, file.parent)
        recording = open_recording(file, CsvSettings.validated(options), behaviour=files)
        print("\n".join(description(recording)))


@app.command("export")
@with_options(NwbSession, "What an NWB file says of the session", into="session")
def export_command(
    results: ResultsArgument,
    output: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="File to write: .nwb, .csv, .npz, .mat or .parquet; a folder for suite2p."
        ),
    ],
    stage: Annotated[
        str, typer.Option(help="Which traces: raw, dff, background_corrected, denoised …")
    ] = "dff",
    program: Annotated[
        Literal["suite2p", "iscell", "caiman", "cascade"] | None,
        typer.Option(
            "--for",
            help="Write as this program reads it; ΔF/F alone for CASCADE. iscell: only the choice of cells, "
            "back into the folder of suite2p that the traces came from.",
        ),
    ] = None,
    session: dict[str, Any] | None = None,
) -> None:
    """Write a results folder or NWB file as one NWB file, or one stage of its traces, for other programs."""
    from napari_calcium.io.export import EXPORT_SUFFIXES, export_for, export_traces
    from napari_calcium.io.nwb import save_nwb
    from napari_calcium.io.opening import open_recording

    with one_line_errors():
        recording = open_recording(results)
        try:
            if program is not None:
                export_for(program, recording, output)
            elif output.suffix.lower() == ".nwb":
                save_nwb(recording, output, session=NwbSession.validated(session or {}))
            elif output.suffix not in EXPORT_SUFFIXES:
                raise Failure(
                    f"{output.name}: cannot tell the format; end the name in .nwb for everything, "
                    f"in {', '.join(EXPORT_SUFFIXES)} for one stage of the traces"
                )
            else:
                export_traces(recording, output, stage)
        except ValueError as error:
            raise Failure(str(error)) from None


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
        Path | None,
        typer.Option("--out", "-o", help="Folder; by default figures_STYLE in RESULTS, or beside the file."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Draw every figure of a results folder or NWB file, and a sheet with the whole analysis on one page."""
    from napari_calcium.commands.cli_figures import draw_figures

    with one_line_errors():
        changes = {"width": width, "font": font}
        folder = draw_figures(
            results,
            style,
            {name: value for name, value in changes.items() if value is not None},
            tuple(dict.fromkeys(formats or ("pdf", "png"))),
            tuple(only or ()),
            paper,
            output,
            Report(quiet).progress,
        )
        Report(quiet).line(f"figures are in {folder}")


@app.command("compare")
def compare_command(
    a: Annotated[Path, typer.Argument(metavar="RESULTS_A", help="Results folder or NWB file.")],
    b: Annotated[Path, typer.Argument(metavar="RESULTS_B", help="The same of the same recording.")],
    tolerance: Annotated[
        float,
        typer.Option(min=0, max=10, help="Onsets of one event lie no farther apart than this, in seconds."),
    ] = 0.25,
    table: Annotated[Path | None, typer.Option("--table", "-t", help="CSV to write.")] = None,
) -> None:
    """Say what differs between two results: settings, events, ensemble events, ensembles, members.

    Two recordings of other cells or another length are no two results of one: that is said first, and the
    exit code is 1.
    """
    from napari_calcium.commands.cli_compare import compare_folders

    with one_line_errors():
        text, comparable = compare_folders(a, b, tolerance, table)
        print(text)
        if not comparable:
            raise typer.Exit(1)


@app.command("match")
def match_command(
    a: Annotated[Path, typer.Argument(metavar="A", help="Results folder, NWB, or what else has cells.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another recording of the same field.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write.")] = Path("matches.csv"),
    confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Least confidence: one minus the share of accidents.")
    ] = 0.95,
    max_shift: Annotated[
        float, typer.Option(min=0, max=1000, help="How far the field may have moved, in pixels.")
    ] = 60.0,
    quiet: QuietOption = False,
) -> None:
    """Find the cells of A again in B, and the members of its ensembles."""
    from napari_calcium.commands.cli_match import match_files
    from napari_calcium.curation.matching import MatchSettings

    with one_line_errors():
        report = Report(quiet)
        settings = MatchSettings(confidence=confidence, max_shift=max_shift)
        for line in match_files(a, b, out, settings, report.progress):
            report.line(line)


@app.command("check-spikes")
def check_spikes_command(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Results folder, or a file that holds inferred spikes.")
    ],
    spikes: Annotated[
        Path,
        typer.Argument(
            metavar="SPIKES", help="Table of recorded spikes: columns roi_id and time_s, or a column a cell."
        ),
    ],
    trace: Annotated[
        str, typer.Option(help="Which traces to judge; those not in spikes/s are judged by their timing.")
    ] = "spikes",
    cell: Annotated[int | None, typer.Option(help="Whose spikes they are, if SPIKES has one column.")] = None,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the table and a figure.")
    ] = None,
) -> None:
    """Compare inferred with recorded spikes: correlation, error, bias and timing of every cell."""
    from napari_calcium.commands.cli_spikes import check_spikes, summary

    with one_line_errors():
        for line in summary(*check_spikes(results, spikes, trace, cell, output)):
            print(line)


@app.command("view")
def view_command(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="Results folder, or whatever run takes.")
    ],
) -> None:
    """Open a results folder (or whatever run takes) in napari."""
    with one_line_errors():
        _view(results)


def main() -> None:
    """Run the command line; the entry point of the package."""
    app()


def _demo(output: Path, report: Report) -> None:
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
        settings = settings_for(table, options, labels, image, None, None)
        assert isinstance(settings, PipelineSettings)

        def keep_sample(folder: Path) -> None:
            for path in (table, labels, image):
                shutil.copyfile(path, folder / path.name)

        run_file(table, settings, output, True, report, keep_sample)


def _has_screen() -> bool:
    needs_display = sys.platform.startswith(("linux", "freebsd"))
    return not needs_display or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _view(path: Path) -> None:
    from napari_calcium.io.opening import open_recording

    recording = open_recording(path)
    if not _has_screen():
        raise Failure("there is no screen to open a window on; run this where there is one")
    try:
        from napari_calcium.widgets.launch import open_window
    except ImportError as error:
        raise Failure(
            f"napari cannot open a window here ({error}); install it with: pip install 'napari-calcium[all]'"
        ) from None
    import napari

    open_window(recording)
    napari.run()


if __name__ == "__main__":
    main()
