"""The bar over the traces with which events are judged, and which says whether results follow."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from superqt import QFlowLayout

from napari_calcium.plurals import count_of
from napari_calcium.results.event_choices import STATUS_WORDS
from napari_calcium.widgets.event_judge import EventJudge, Verdict
from napari_calcium.widgets.event_update import EventUpdate
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.progress_line import ProgressLine
from napari_calcium.widgets.workbench import Workbench

__all__ = ["JudgeBar"]


class JudgeBar(QWidget):
    """Buttons that say their keys, what is known of the event at hand, and whether results follow.

    Parameters
    ----------
    bench : Workbench
    judge : EventJudge
    step : callable
        Goes to the next (1) or the previous (−1) event.
    parent : QWidget
    """

    def __init__(
        self, bench: Workbench, judge: EventJudge, step: Callable[[int], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._bench, self._judge, self._step = bench, judge, step
        self.updates = EventUpdate(bench, self)
        self.previous = self._button("◀", "The event before (P)", lambda: step(-1), "Previous event")
        self.next = self._button("▶", "The next event (N)", lambda: step(1), "Next event")
        self.accept = self._button("✓ Accept", "It is an event (A)", lambda: self.decide("accept"))
        self.reject = self._button("✗ Reject", "It is none (R)", lambda: self.decide("reject"))
        self.delete = self._button(
            "Delete",
            "Take away what you added; reject what was detected (Delete)",
            lambda: self.decide("delete"),
        )
        self.go_on = QCheckBox("Go on")
        self.go_on.setChecked(True)
        self.go_on.setToolTip("After Accept or Reject go to the next event")
        self.follow = QCheckBox("Update at once")
        self.follow.setChecked(True)
        self.follow.setToolTip(
            "Coactivity, ensembles and all that is made of events follow your decisions in the background"
        )
        self.update_button = self._button(
            "Update", "Make coactivity, ensembles and all that follows anew", self.updates.update
        )
        self.says = QLabel()
        self.says.setAccessibleName("Event at hand")
        self.says.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.progress = ProgressLine(self.updates.runner)
        self._build()
        self.follow.toggled.connect(self._set_by_itself)
        self.updates.changed.connect(self.show_state)
        Links(self).join(judge.changed, self.show_state)
        self.show_state()

    def decide(self, verdict: Verdict) -> None:
        """Decide about the event at hand, and go on if the user wants that."""
        if self._bench.runner.busy:
            self.say("A run is going on; decide when it is done.")
            return
        why_not = self._judge.decide(verdict)
        if why_not:
            self.say(why_not)
        elif self.go_on.isChecked() and verdict in ("accept", "reject"):
            self._step(1)

    def add(self, cell: int, seconds: float) -> None:
        """Add an event near a moment."""
        if self._bench.runner.busy:
            self.say("A run is going on; add events when it is done.")
        else:
            self.say(self._judge.add(cell, seconds))

    def say(self, words: str) -> None:
        """Show a line until something changes."""
        self.says.setText(words)

    def set_active(self, on: bool) -> None:
        """Show the bar, and let results follow while it is there."""
        self.setVisible(on)
        self._set_by_itself()
        self.show_state()

    def show_state(self) -> None:
        """Say which event is at hand, what was decided in all, and what waits."""
        judge = self._judge
        row, n = judge.row, len(judge.review)
        counts = judge.counts()
        done = n - counts["unreviewed"]
        words = [f"{done:,} of {n:,} judged"]
        words += [f"{counts[word]:,} {word}" for word in STATUS_WORDS[2:] if counts[word]]
        if row is not None:
            review = judge.review
            at = f"cell {self._name(int(review.roi_id[row]))}, {review.onset_s[row]:.2f} s"
            words.insert(0, f"{at}: {STATUS_WORDS[review.status[row]]}")
        pending = self.updates.pending
        if pending:
            words.append(f"◐ results do not know {count_of(pending, 'decision')} yet")
        self.says.setText(
            "  ·  ".join(words) if n else "No events yet: run Events in the Calcium pipeline dock."
        )
        for button in (self.accept, self.reject, self.delete):
            button.setEnabled(row is not None)
        self.previous.setEnabled(n > 0)
        self.next.setEnabled(n > 0)
        self.update_button.setEnabled(bool(pending) and not self.updates.runner.busy)

    def _set_by_itself(self, *_: object) -> None:
        self.updates.by_itself = self.follow.isChecked() and not self.isHidden()

    def _name(self, cell: int) -> str:
        recording = self._bench.session.recording
        return recording.cell_name(cell) if recording is not None else str(cell)

    def _button(self, text: str, tip: str, slot: Callable[[], object], name: str = "") -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(name or text.lstrip("✓✗ "))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys stay with the traces
        button.clicked.connect(lambda _=False: slot())
        return button

    def _build(self) -> None:
        for button in (self.previous, self.next):
            button.setFixedWidth(34)
        for box in (self.go_on, self.follow):
            box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        flow = QFlowLayout()
        flow.setContentsMargins(0, 0, 0, 0)
        flow.setHorizontalSpacing(8)
        flow.setVerticalSpacing(2)
        parts = (self.previous, self.next, self.accept, self.reject, self.delete)
        for part in (*parts, self.go_on, self.follow, self.update_button):
            flow.addWidget(part)
        line = QHBoxLayout()
        line.addWidget(self.says, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 0, 6, 0)
        column.setSpacing(2)
        column.addLayout(flow)
        column.addLayout(line)
        column.addWidget(self.progress)
