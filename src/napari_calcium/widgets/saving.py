"""Save results and pipelines from the window, load pipelines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_calcium.pipeline import PipelineSettings
from napari_calcium.progress import Progress, part
from napari_calcium.recording import Recording
from napari_calcium.settings import SettingsError
from napari_calcium.widgets.plan import settings_made
from napari_calcium.widgets.recent_files import remember_file
from napari_calcium.widgets.selection_kept import selection_of
from napari_calcium.widgets.workbench import Workbench

__all__ = ["Saver", "save_recording"]

_YAML = "Pipeline (*.yaml *.yml)"


class Saver:
    """Asks where to, and saves or loads.

    Parameters
    ----------
    bench : Workbench
    say : callable
        Shows a line to the user.
    parent : QWidget
        Of the dialogs.
    """

    def __init__(self, bench: Workbench, say: Callable[[str], None], parent: QWidget) -> None:
        self._bench, self._say, self._parent = bench, say, parent

    def say(self, text: str) -> None:
        """Show a line to the user."""
        self._say(text)

    def save_results(self, then: Callable[[], None] = lambda: None) -> None:
        """Ask for a folder and write the results folder; `then` is called once it is written."""
        recording = self._bench.session.recording
        if recording is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self._parent, "Save results: name of a new folder", f"{recording.name}_results"
        )
        if chosen:
            self.write_results(recording, Path(chosen), then)

    def save_nwb(self) -> None:
        """Ask for a file and save the recording with everything in it, and what is selected."""
        recording = self._bench.session.recording
        if recording is None:
            self._say("There is no recording to save; open one first.")
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self._parent, "Save recording", f"{recording.name}.nwb", "Neurodata Without Borders (*.nwb)"
        )
        if chosen:
            path = Path(chosen)
            self.write_nwb(recording, path if path.suffix == ".nwb" else path.with_name(f"{path.name}.nwb"))

    def write_nwb(self, recording: Recording, path: Path) -> None:
        """Write the recording in a thread."""
        selection = selection_of(self._bench.session)

        def done(_: object) -> None:
            self._bench.saved = recording
            remember_file(path)
            self._say(f"The recording is in {path}")

        def save(on_progress: Progress) -> None:
            from napari_calcium.io.nwb import save_nwb

            save_nwb(recording, path, selection=selection, on_progress=on_progress)

        if not self._bench.runner.start("Save recording", save, done):
            self._say("Another run is going on; save when it is done.")

    def write_results(
        self, recording: Recording, folder: Path, then: Callable[[], None] = lambda: None
    ) -> None:
        """Write the results folder in a thread."""

        def done(_: object) -> None:
            self._bench.saved = recording
            self._say(f"Results are in {folder}")
            then()

        if not self._bench.runner.start("Save results", lambda p: save_recording(recording, folder, p), done):
            self._say("Another run is going on; save when it is done.")

    def save_choice(self) -> None:
        """Ask for suite2p's folder and write there which ROIs are cells."""
        if self._bench.session.recording is None:
            return
        chosen = QFileDialog.getExistingDirectory(self._parent, "suite2p's folder that this was read from")
        if chosen:
            self.write_choice(Path(chosen))

    def write_choice(self, folder: Path) -> None:
        """Write the choice of cells into suite2p's files; the user is told into which, or why not."""
        from napari_calcium.io.errors import ReadError
        from napari_calcium.io.suite2p import write_iscell

        recording = self._bench.session.recording
        assert recording is not None
        try:
            files = write_iscell(recording, folder)
        except (ReadError, ValueError, OSError) as error:
            self._say(f"⚠ {' '.join(str(error).split())}")
        else:
            named = ", ".join(f"{file.parent.name}/{file.name}" for file in files)
            self._say(f"Which ROIs are cells is in {named}")

    def save_pipeline(self) -> None:
        """Ask for a file and write the settings of all stages."""
        chosen, _ = QFileDialog.getSaveFileName(self._parent, "Save pipeline", "pipeline.yaml", _YAML)
        if chosen:
            path = Path(chosen)
            path = path if path.suffix else path.with_suffix(".yaml")
            try:
                path.write_text(self._bench.plan.settings.to_yaml(), encoding="utf-8")
            except OSError as error:
                self._say(f"⚠ {error}")
            else:
                self._say(f"The pipeline is in {path}")

    def load_pipeline(self) -> None:
        """Ask for a file and take over its settings; nothing runs yet."""
        chosen, _ = QFileDialog.getOpenFileName(self._parent, "Load pipeline", "", _YAML)
        if chosen:
            self.read_pipeline(Path(chosen))

    def read_pipeline(self, path: Path) -> None:
        """Take over the settings in a file."""
        try:
            settings = PipelineSettings.from_yaml(path.read_text(encoding="utf-8"))
        except (SettingsError, OSError, UnicodeDecodeError) as error:
            self._say(f"⚠ {path.name}: {' '.join(str(error).split())}")
        else:
            self._bench.plan.load(settings)
            self._say(f"Settings of {path.name} are in the forms; Run all applies them.")


def save_recording(recording: Recording, folder: Path, on_progress: Progress) -> None:
    """Write a results folder with its figures, as the command line does.

    Parameters
    ----------
    recording : Recording
    folder : Path
        Made if it is not there; an older results folder there is replaced once all is written.
    on_progress : Progress
    """
    from napari_calcium.cells.cell_measures import measure_cells
    from napari_calcium.figures.export import draw_all
    from napari_calcium.figures.figure_sheet import write_sheet
    from napari_calcium.io.results_folder import new_results_folder, write_results

    with new_results_folder(folder) as staging:
        on_progress(0, 1)
        write_results(recording, staging, settings_made(recording).to_yaml(), measure_cells(recording))
        draw_all(recording, staging / "figures", on_progress=part(on_progress, 0.3, 0.9))
        write_sheet(recording, staging / "figures" / "sheet.pdf", on_progress=part(on_progress, 0.9, 1.0))
