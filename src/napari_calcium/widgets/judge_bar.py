"""The bar over the traces with which events are judged, and which says whether results follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QPushButton, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_calcium.results.event_choices import STATUS_WORDS
from napari_calcium.widgets.event_judge import EventJudge, Verdict
from napari_calcium.widgets.event_update import EventUpdate
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.workbench import Workbench
from napari_calcium.widgets.worker import Failure

__all__ = ["JudgeBar"]

_SIGN_WIDTH = 30
_LEAST_SAID = 260
"""Pixels that the words on the event have at least, before the buttons say theirs."""
_FINE = 1000


class JudgeBar(QWidget):
    """Buttons that say their keys, what is known of the event at hand, and whether results follow.

    It is one line at any width: where it is narrow the buttons are signs without words, and what does not fit
    of the words is in their tooltip.

    Parameters
    ----------
    bench : Workbench
    judge : EventJudge
    step : callable
        Goes to the next (1) or the previous (−1) event.
    add_here : callable
        Adds an event at the cursor.
    parent : QWidget
    """

    def __init__(
        self,
        bench: Workbench,
        judge: EventJudge,
        step: Callable[[int], None],
        add_here: Callable[[], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._bench, self._judge, self._step = bench, judge, step
        self.updates = EventUpdate(bench, self)
        self.previous = _SignButton("◀", "", "Previous event", "The event before (P)", lambda: step(-1))
        self.next = _SignButton("▶", "", "Next event", "The next event (N)", lambda: step(1))
        self.accept = _SignButton(
            "✓", "Accept", "Accept", "It is an event (A)", lambda: self.decide("accept")
        )
        self.reject = _SignButton("✗", "Reject", "Reject", "It is none (R)", lambda: self.decide("reject"))
        self.add_button = _SignButton(
            "+",
            "Add",
            "Add",
            "<qt>Add an event at the cursor (I); or drag over it on a trace</qt>",
            add_here,
        )
        self.delete = _SignButton(
            "−",
            "Delete",
            "Delete",
            "Take away what you added; reject what was detected (Delete)",
            lambda: self.decide("delete"),
        )
        self.undo = _SignButton("↶", "Undo", "Undo", "", self.take_back)
        self.update_button = _SignButton(
            "↻",
            "Update",
            "Update results",
            "Make coactivity, ensembles and all that follows anew, with your decisions",
            self.updates.update,
        )
        self._build()
        self.follow.toggled.connect(self._set_by_itself)
        runner = self.updates.runner
        runner.progressed.connect(self._progressed)
        runner.finished.connect(self._finished)
        self.updates.changed.connect(self.show_state)
        links = Links(self)
        links.join(judge.changed, self.show_state)
        links.join(bench.session.history_changed, self._show_undo)
        self.show_state()
        self._show_undo()

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

    def add(self, cell: int, seconds: float, until: float | None = None) -> None:
        """Add an event near a moment, or the one between two moments."""
        if self._bench.runner.busy:
            self.say("A run is going on; add events when it is done.")
        elif until is None:
            self.say(self._judge.add(cell, seconds))
        else:
            self.say(self._judge.add_within(cell, seconds, until))

    def take_back(self) -> None:
        """Undo the last step."""
        if self._bench.runner.busy:
            self.say("A run is going on; undo when it is done.")
        else:
            self._bench.session.undo()

    def say(self, words: str) -> None:
        """Show a line until something changes."""
        self.says.setText(words)
        self.says.setToolTip(f"<qt>{words}</qt>")

    def set_active(self, on: bool) -> None:
        """Show the bar, and let results follow while it is there."""
        self.setVisible(on)
        self._set_by_itself()
        self.show_state()

    def show_state(self) -> None:
        """Say which event is at hand, what was decided in all, and what waits."""
        judge, pending = self._judge, self.updates.pending
        row, n = judge.row, len(judge.review)
        busy = self.updates.runner.busy
        self.say(
            self._words(row, pending) if n else "No events yet: run Events in the Calcium pipeline dock."
        )
        for button in (self.accept, self.reject, self.delete):
            button.setEnabled(row is not None)
        for button in (self.previous, self.next):
            button.setEnabled(n > 0)
        self.update_button.setEnabled(bool(pending) and not busy)
        # In one place, and it keeps it: what comes and goes must not move the buttons under the mouse.
        self.update_button.setVisible(not busy)
        for part in (self.progress, self.stop):
            part.setVisible(busy)

    def resizeEvent(self, event: Any) -> None:
        """Put words on the buttons where there is room."""
        super().resizeEvent(event)
        self._show_words()

    def _words(self, row: int | None, pending: int) -> str:
        judge = self._judge
        counts, review = judge.counts(), judge.review
        words = [f"{len(review) - counts['unreviewed']:,} of {len(review):,} judged"]
        if row is not None:
            at = f"cell {self._name(int(review.roi_id[row]))}, {review.onset_s[row]:.2f} s"
            words.insert(0, f"{at}: {STATUS_WORDS[review.status[row]]}")
        if pending:
            words.append(f"◐ results do not know {pending:,} decision{'' if pending == 1 else 's'} yet")
        words += [f"{counts[word]:,} {word}" for word in STATUS_WORDS[2:] if counts[word]]
        return "  ·  ".join(words)

    def _show_undo(self) -> None:
        session = self._bench.session
        self.undo.setEnabled(session.can_undo)
        last = f": {session.history[session.position]}" if session.can_undo else ""
        self.undo.setToolTip(f"Undo{last} (Z)")

    def _progressed(self, share: float | None, seconds: float | None) -> None:
        self.progress.setRange(0, _FINE if share is not None else 0)
        self.progress.setValue(round(_FINE * (share or 0)))

    def _finished(self, title: str, failure: Failure | None) -> None:
        self.show_state()
        if failure is not None:
            self.say(f"⚠ {failure.message}")

    def _set_by_itself(self, *_: object) -> None:
        self.updates.by_itself = self.follow.isChecked() and not self.isHidden()

    def _name(self, cell: int) -> str:
        recording = self._bench.session.recording
        return recording.cell_name(cell) if recording is not None else str(cell)

    # --- how it looks

    def _build(self) -> None:
        self.says = QElidingLabel()
        self.says.setAccessibleName("Event at hand")
        self.says.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.says.setMinimumWidth(60)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Results after your decisions")
        self.progress.setToolTip("Coactivity, ensembles and all that follows are made anew")
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(70)
        self.stop = _SignButton(
            "■", "", "Stop the update", "Stop; results stay as they are", self.updates.runner.cancel
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        row.setSpacing(4)
        for group in (self._buttons[:2], self._buttons[2:6], self._buttons[6:]):
            for button in group:
                row.addWidget(button)
            row.addSpacing(4)
        row.addWidget(self.says, 1)
        for part in (self.progress, self.stop, self.update_button, self._options()):
            row.addWidget(part)
        self._show_words()

    def _options(self) -> QPushButton:
        """Return a button with what is seldom changed."""
        button = _SignButton("⋯", "", "Options of judging", "Options", lambda: None)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        self.go_on = menu.addAction("Go on to the next event after Accept or Reject")
        self.follow = menu.addAction("Update results at once")
        self.follow.setToolTip(
            "Coactivity, ensembles and all that is made of events follow your decisions in the background"
        )
        for option in (self.go_on, self.follow):
            option.setCheckable(True)
            option.setChecked(True)
        button.setMenu(menu)
        return button

    @property
    def _buttons(self) -> Sequence[_SignButton]:
        own = (self.accept, self.reject, self.add_button, self.delete)
        return self.previous, self.next, *own, self.undo

    def _show_words(self) -> None:
        named = (*self._buttons, self.update_button)
        room = self.width() - _LEAST_SAID - 2 * _SIGN_WIDTH
        full = room >= sum(button.full_width + 4 for button in named)
        for button in named:
            button.show_word(full)


class _SignButton(QPushButton):
    """A button with a sign, and a word beside it where there is room."""

    def __init__(self, sign: str, word: str, name: str, tip: str, slot: Callable[[], object]) -> None:
        super().__init__(sign)
        self._sign, self._word = sign, word
        self.setToolTip(tip)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # keys stay with the traces
        self.clicked.connect(lambda _=False: slot())
        self.show_word(False)

    @property
    def full_width(self) -> int:
        """Width with the word."""
        text = f"{self._sign} {self._word}" if self._word else ""
        return max(_SIGN_WIDTH, self.fontMetrics().horizontalAdvance(text) + 18)

    def show_word(self, on: bool) -> None:
        """Show sign and word, or the sign alone."""
        self.setText(f"{self._sign} {self._word}" if on and self._word else self._sign)
        self.setFixedWidth(self.full_width if on else _SIGN_WIDTH)
