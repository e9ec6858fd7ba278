"""What the commands share: settings joined, a file run, errors and progress told."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from napari_calcium.cluster import ClusterError
from napari_calcium.commands.failure import Failure, Misuse
from napari_calcium.commands.result_place import check_place, check_space, write_or_keep
from napari_calcium.io.behaviour_csv import BehaviourFileSettings
from napari_calcium.io.csv import CsvSettings
from napari_calcium.plurals import count_of
from napari_calcium.system_refusal import refusal

if TYPE_CHECKING:
    from napari_calcium.pipeline import PipelineSettings
    from napari_calcium.recording import Recording

__all__ = [
    "Failure",
    "Misuse",
    "Report",
    "behaviour_files",
    "check_place",
    "description",
    "one_line",
    "one_line_errors",
    "run_file",
    "settings_for",
]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what a user can mend into one line and exit code 1; let bugs through with their traceback."""
    try:
        yield
    except BrokenPipeError:
        # Whoever read our output has enough (… | head); nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except KeyboardInterrupt:
        print("napari-calcium: interrupted; nothing was changed", file=sys.stderr)
        raise typer.Exit(130) from None
    except Exception as error:
        text = one_line(error)
        if text is None:
            raise
        print(f"napari-calcium: {text}", file=sys.stderr)
        raise typer.Exit(error.exit_code if isinstance(error, Failure) else 1) from None


def one_line(error: Exception) -> str | None:
    """Say in one line what a user can mend; None for a bug."""
    from napari_calcium.io.errors import ReadError
    from napari_calcium.pipeline import StageError
    from napari_calcium.settings import SettingsError

    if isinstance(error, ReadError | StageError | SettingsError | Failure | ClusterError):
        return " ".join(str(error).split())
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs, or cut the recording in parts"
    return refusal(error) if isinstance(error, OSError) else None


class Report:
    """Says on standard error what is going on: a moving line on a terminal, plain lines elsewhere."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._moving = sys.stderr.isatty() and not quiet
        self._stage = ""
        self._last = 0.0

    def line(self, text: str) -> None:
        """Say something that stays."""
        if not self._quiet:
            print(("\r\x1b[K" if self._moving else "") + text, file=sys.stderr)

    def stage(self, name: str) -> None:
        """Say which stage begins."""
        from napari_calcium.pipeline import TITLES

        self._stage = TITLES.get(name, name)

    def progress(self, done: int, total: int) -> None:
        """Move the line on, ten times a second at most."""
        now = time.monotonic()
        if self._moving and now - self._last > 0.1:
            self._last = now
            share = done / total if total else 1.0
            print(f"\r\x1b[K{share:4.0%}  {self._stage}", end="", file=sys.stderr, flush=True)


def settings_for(
    file: Path,
    options: dict[str, Any],
    rois: Path | None,
    image: Path | None,
    pipeline: Path | None,
    mode: str | None,
    behaviour: dict[str, Any] | None = None,
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
    if behaviour:
        settings = _with_behaviour(settings, behaviour, file.parent)
    given = {"labels": rois, "image": image}
    places = {name: _relative(path, file.parent) for name, path in given.items() if path is not None}
    return settings.replace(
        read=settings.read.replace(**options), positions=settings.positions.replace(**places)
    )


def behaviour_files(given: dict[str, Any], folder: Path) -> BehaviourFileSettings:
    """Return which files of the behaviour to read, seen from the recording's folder."""
    told = {k: v if k == "time_unit" else _relative(Path(v), folder) for k, v in given.items()}
    return BehaviourFileSettings.validated(told)


def _with_behaviour(settings: PipelineSettings, given: dict[str, Any], folder: Path) -> PipelineSettings:
    """Return settings with these files, and with the stages of the behaviour where they are skipped."""
    from napari_calcium.pipeline_settings import default_settings
    from napari_calcium.stages.pipeline_behaviour import BEHAVIOUR_STAGES

    told = behaviour_files(given, folder).model_dump(exclude_unset=True)
    stages = {stage: getattr(settings, stage) or default_settings(stage) for stage in BEHAVIOUR_STAGES}
    return settings.replace(behaviour_file=settings.behaviour_file.replace(**told), **stages)


def _relative(path: Path, folder: Path) -> str:
    """Say where a file lies, seen from the recording's folder, so that the settings travel with the data."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive, on Windows
        return path.absolute().as_posix()


def run_file(
    file: Path,
    settings: PipelineSettings,
    output: Path,
    figures: bool,
    report: Report,
    extra: Callable[[Path], None] = lambda folder: None,
    executor: Executor | None = None,
) -> Recording:
    """Run the whole analysis on a file and write its results folder; return the recording."""
    from napari_calcium.cells.cell_measures import measure_cells
    from napari_calcium.io.opening import open_recording
    from napari_calcium.io.results_folder import write_results
    from napari_calcium.pipeline import run

    start = time.perf_counter()
    recording = open_recording(
        file, settings.read, settings.positions, settings.behaviour_file, on_progress=report.progress
    )
    for line in description(recording):
        report.line(line)
    check_space(recording, output)
    settings = _resolved(settings, recording)
    before = recording.log
    recording = run(
        recording, settings, on_progress=report.progress, on_stage=report.stage, executor=executor
    )
    for entry in recording.log[len(before) :]:
        for note in entry.notes:
            report.line(f"{entry.stage}: {note}")

    def write(folder: Path) -> None:
        write_results(recording, folder, settings.to_yaml(), measure_cells(recording))
        if figures:
            from napari_calcium.figures.export import draw_all
            from napari_calcium.figures.figure_sheet import write_sheet

            report.stage("Figures")
            draw_all(recording, folder / "figures", on_progress=report.progress)
            write_sheet(recording, folder / "figures" / "sheet.pdf")
        extra(folder)

    write_or_keep(output, write)
    report.line(f"results are in {output} ({time.perf_counter() - start:.1f} s)")
    return recording


def _resolved(settings: PipelineSettings, recording: Recording) -> PipelineSettings:
    """Return the settings with the reader's guesses filled in, so that a rerun guesses nothing."""
    read = next((entry for entry in recording.log if entry.stage == "read"), None)
    return settings.replace(read=CsvSettings.validated(dict(read.settings))) if read else settings


def description(recording: Recording) -> list[str]:
    """Say what a recording is and what was guessed about it, line by line."""
    rate = f"{recording.frame_rate:g} Hz" if recording.frame_rate else "frame rate not known"
    length = f", {recording.duration_s:,.1f} s" if recording.frame_rate else ""
    unit = ", ".join(f"{name} in {trace.unit}" for name, trace in recording.traces.items())
    places = f", {len(recording.rois):,} with a position" if recording.rois is not None else ""
    # A raw movie has none yet.
    counted = (
        f"{count_of(recording.n_rois, 'cell')}{places}, " if recording.traces or recording.n_rois else ""
    )
    head = f"{recording.name}: {counted}{count_of(recording.n_frames, 'frame')}, {rate}{length}"
    head += f"; {unit}" if unit else ""
    return [head, *(f"  {note}" for entry in recording.log for note in entry.notes)]
