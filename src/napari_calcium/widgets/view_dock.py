"""What docks that show results have in common: session, theme, empty state, drawing once and when seen."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QLabel, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from napari_calcium.figures.bad_spans import bad_spans, no_spans
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.abstract import refuse_abstract
from napari_calcium.widgets.dock_place import DockPlace
from napari_calcium.widgets.in_sight import InSight
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plots.time_mark import link_marks
from napari_calcium.widgets.plots.time_plot import TimePlot
from napari_calcium.widgets.theme import PlotColors, plot_colors
from napari_calcium.widgets.viewer_session import session_of

__all__ = ["NO_RECORDING", "ViewDock", "shade_times"]

NO_RECORDING = (
    "Open a recording first: drop a table of fluorescence (CSV) or a movie (TIFF) on the window, "
    "or try File ▸ Open Sample ▸ napari-calcium."
)


def shade_times(owner: QWidget, recording: Recording | None) -> None:
    """Shade the epochs and the bad frames of a recording in every plot over time of a widget."""
    behaviour = recording.behaviour if recording is not None else None
    bad = bad_spans(recording) if recording is not None else no_spans()
    for plot in owner.findChildren(TimePlot):
        plot.show_epochs(behaviour.epochs if behaviour is not None else None)
        plot.bad_frames.show_spans(bad)


class ViewDock(QWidget):
    """A dock that is a view of the session; a subclass has the members of the view protocols that it plays.

    Whatever changes, the subclass calls :meth:`later`: several signals come together (cells and ensemble,
    recording and cells), and all of them are drawn once; while the dock is closed or behind another's tab,
    not before it is seen.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Its theme is followed, and its session shown.
    """

    name: ClassVar[str]
    """As in ``napari.yaml``."""
    area: ClassVar[Literal["bottom", "right"]] = "bottom"
    wanted: ClassVar[tuple[int, int]] = (600, 290)
    """Width and height to ask for."""

    def __init__(self, napari_viewer: Any) -> None:
        refuse_abstract(self)
        super().__init__()
        self._viewer = napari_viewer
        self.session: Session = session_of(napari_viewer)
        self.recording: Recording | None = None
        self._stale = True
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        self._place = DockPlace(self, self.name, self.area)
        self.sight = InSight(self)
        self.sight.turned.connect(self._on_sight)
        self._frame()
        napari_viewer.events.theme.connect(self._on_theme)
        self.links = Links(self)
        self.links.add(lambda: napari_viewer.events.theme.disconnect(self._on_theme))
        self.links.add(self.session.link(self))
        link_marks(self, self.session.selection, self.links)

    def _frame(self) -> None:
        self.setMinimumSize(120, 100)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hint = QLabel()
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.hint.setContentsMargins(12, 8, 12, 8)
        self.hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.build(column, self.colors)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.hint)
        self.pages.addWidget(content)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.pages)

    @property
    def colors(self) -> PlotColors:
        """Colours of the viewer's theme."""
        return plot_colors(self._viewer)

    @property
    def draws_on_canvas(self) -> bool:
        """Whether it shows something on the image as well, which is seen while the dock is behind a tab."""
        return False

    @abstractmethod
    def build(self, column: QVBoxLayout, colors: PlotColors) -> None:
        """Make the widgets that show a recording."""

    @abstractmethod
    def hint_for(self, recording: Recording) -> str:
        """Return what to do first where there is nothing to show; empty where there is."""

    @abstractmethod
    def draw(self, recording: Recording) -> None:
        """Show the recording and what is selected of it; called only while there is something to show."""

    @abstractmethod
    def set_colors(self, colors: PlotColors) -> None:
        """Follow a theme."""

    def show_recording(self, recording: Recording | None) -> None:
        """Show another recording."""
        self.recording = recording
        self.later()

    def later(self, *_: object) -> None:
        """Draw once what changes now is through."""
        self._soon.start()

    def refresh(self) -> None:
        """Draw what is so now; while it cannot be seen, once the dock is in sight again."""
        self._stale = not (self.sight or (self.draws_on_canvas and self.isVisible()))
        if self._stale:
            return
        recording = self.recording
        hint = self.hint_for(recording) if recording is not None else NO_RECORDING
        self.hint.setText(hint)
        self.pages.setCurrentIndex(0 if hint else 1)
        if recording is not None and not hint:
            self.draw(recording)
            shade_times(self, recording)

    def showEvent(self, event: Any) -> None:
        """Draw what happened while the dock was hidden."""
        super().showEvent(event)
        self._place.on_show()
        if self._stale:
            self.later()

    def _on_sight(self, seen: bool) -> None:
        if seen and self._stale:
            self._soon.stop()
            self.refresh()

    def sizeHint(self) -> QSize:
        """Ask for the room that the content needs."""
        return QSize(*self.wanted)

    def keyPressEvent(self, event: Any) -> None:
        """Clear the selection on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.session.selection.clear()
        else:
            super().keyPressEvent(event)

    def _on_theme(self, event: Any = None) -> None:
        self.set_colors(self.colors)
