"""Train a classifier on accepted and rejected cells, keep it, and judge cells by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QCheckBox, QFileDialog, QGridLayout, QLabel, QPushButton, QWidget

from napari_calcium.cells.cell_learning import accept_by_probability, judged_cells, learn, own_decisions
from napari_calcium.cells.cell_measures import measure_cells
from napari_calcium.curation.classifier import FEWEST, CellClassifier
from napari_calcium.figures.axis_labels import counted
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.settings import SettingsError
from napari_calcium.widgets.form import message_label
from napari_calcium.widgets.latest_job import LatestJob
from napari_calcium.widgets.number_box import NumberBox

__all__ = ["LearningRow"]

_FILES = "Classifier of cells (*.json)"


class LearningRow(QWidget):
    """Buttons to train, save and load a classifier, and to judge by it.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    classifier : CellClassifier or None
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.classifier: CellClassifier | None = None
        self._judged = (0, 0)
        self.job = LatestJob(self)
        self.train = self._button(
            "Train", "Learn from the cells that you accepted and rejected yourself", self._train
        )
        self.apply = self._button(
            "Judge all",
            "Accept cells of at least this probability, reject the others; those you judged yourself stay.\n"
            "Undo takes it back",
            self._apply,
        )
        self.save = self._button("Save…", "Keep the classifier for other recordings", self._save)
        self.load = self._button("Load…", "Use a classifier that was kept", self._load)
        self.least = NumberBox(0, 1)
        self.least.setValue(0.5)
        self.least.setSingleStep(0.05)
        self.least.setAccessibleName("Least probability of a cell")
        self.least.setToolTip("Least probability of a cell")
        self.everything = QCheckBox("Learn from cells I did not judge, too")
        self.everything.setToolTip(
            "As they stand: accepted and rejected by a threshold or by the program that found them.\n"
            "For a recording that was curated elsewhere, such as in suite2p"
        )
        self.everything.toggled.connect(self._show)
        self.says = message_label()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 6, 0, 0)
        grid.setVerticalSpacing(3)
        grid.addWidget(QLabel("<b>By your own decisions</b>"), 0, 0, 1, 4)
        for place, button in enumerate((self.train, self.save, self.load)):
            grid.addWidget(button, 1, place)
        label = QLabel("Least probability")
        label.setBuddy(self.least)
        grid.addWidget(self.everything, 2, 0, 1, 4)
        grid.addWidget(label, 3, 0)
        grid.addWidget(self.least, 3, 1)
        grid.addWidget(self.apply, 3, 2)
        grid.addWidget(self.says, 4, 0, 1, 4)
        self._show()

    def _button(self, title: str, tip: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.clicked.connect(lambda _=False: slot())
        return button

    def _train(self) -> None:
        recording = self._session.recording
        if recording is None:
            return self._say("⚠ Open a recording first.")

        everything = self.everything.isChecked()

        def work(on_progress: Progress) -> CellClassifier | str:
            try:
                if recording.candidates is None:
                    measure_cells(recording, on_progress=on_progress)
                return learn(recording, everything=everything)
            except SettingsError as error:
                return f"⚠ {_sentence(error)}"

        def done(result: CellClassifier | str) -> None:
            if isinstance(result, str):
                return self._say(result)
            self.classifier = result
            return self._show()

        self._say("Learning …")
        self.job.ask("Train the classifier", work, done)
        return None

    def _apply(self) -> None:
        recording, classifier, least = self._session.recording, self.classifier, self.least.value()
        if recording is None or classifier is None:
            return

        def work(on_progress: Progress) -> Recording | str:
            try:
                if recording.candidates is None:
                    measure_cells(recording, on_progress=on_progress)
                return accept_by_probability(recording, classifier, least)
            except SettingsError as error:
                return f"⚠ {_sentence(error)}"

        def done(result: Recording | str) -> None:
            if isinstance(result, str):
                return self._say(result)
            if self._session.recording is not recording:
                return self._say("⚠ The cells were changed meanwhile; judge again.")
            before, after = judged_cells(recording)[1], judged_cells(result)[1]
            self._session.apply(result, f"Judge all cells at probability {least:g}")
            return self._say(
                f"{counted(int(after.sum()), 'cell')}, {int((~after).sum()):,} rejected; "
                f"{int((before != after).sum()):,} changed."
            )

        self.job.ask("Judge all cells", work, done)

    def _save(self) -> None:
        if self.classifier is None:
            return
        path, _ = QFileDialog.getSaveFileName(self, "Save classifier", "cells.json", _FILES)
        if path:
            self.keep(Path(path))

    def keep(self, path: Path) -> None:
        """Save the classifier."""
        assert self.classifier is not None
        try:
            self.classifier.save(path)
        except OSError as error:
            return self._say(f"⚠ {path.name}: {error.strerror or error}")
        return self._say(f"Saved as {path.name}.")

    def _load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load classifier", "", _FILES)
        if path:
            self.take(Path(path))

    def take(self, path: Path) -> None:
        """Load a classifier."""
        try:
            self.classifier = CellClassifier.load(path)
        except (SettingsError, OSError) as error:
            return self._say(f"⚠ {_sentence(error)}")
        return self._show()

    def show_recording(self, recording: Recording) -> None:
        """Say how many cells of a recording there are to learn from."""
        there = recording.rois is not None or recording.candidates is not None
        self.setEnabled(there)
        self._judged = own_decisions(recording) if there else (0, 0)
        if self.classifier is None:
            self._show()

    def _show(self, *_: object) -> None:
        known = self.classifier
        for button in (self.apply, self.save):
            button.setEnabled(known is not None)
        if known is not None:
            return self._say(
                f"Learnt from {known.n_accepted:,} accepted and {known.n_rejected:,} rejected; right on "
                f"{100 * known.accuracy:.0f} % of those held out (50 % is guessing)."
            )
        yes, no = self._judged
        if min(yes, no) >= FEWEST or self.everything.isChecked():
            return self._say(f"You judged {yes:,} as cells and {no:,} as none.")
        return self._say(f"You judged {yes:,} as cells and {no:,} as none; it takes {FEWEST} of each.")

    def _say(self, words: str) -> None:
        self.says.setText(words)
        self.says.setVisible(bool(words))


def _sentence(error: Any) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
