"""What holds for every widget of the plugin: it can be named, it says what to do next, and it goes whole."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
import yaml
from napari.components import ViewerModel
from napari.utils.theme import get_theme
from pyqtgraph import AxisItem, GraphicsView
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollBar,
    QSlider,
    QToolButton,
    QWidget,
)
from tests.widgets.settling import settle

from napari_calcium.widgets.plots.time_plot import TimePlot
from napari_calcium.widgets.stage_docks import STAGE_WIDGETS
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import workbench_of

MANIFEST = yaml.safe_load((Path(__file__).parents[2] / "napari.yaml").read_text("utf-8"))["contributions"]
NAMES = {c["id"]: c["python_name"] for c in MANIFEST["commands"]}
WIDGETS = {w["display_name"]: NAMES[w["command"]] for w in MANIFEST["widgets"]}
DOCKS = tuple(WIDGETS)
WIDGETS |= {stage: f"napari_calcium.widgets.{place}" for stage, place in STAGE_WIDGETS.items()}
WORDS = ("open", "run", "click", "choose", "select", "add", "load", "drop", "nothing", "no ", "set", "press")


def made(name: str, viewer: ViewerModel) -> QWidget:
    module, _, kind = WIDGETS[name].partition(":")
    return getattr(import_module(module), kind)(viewer)


def unnamed(widget: QWidget) -> list[str]:
    """Return what a screen reader could not name."""
    buddies = {label.buddy() for label in widget.findChildren(QLabel) if label.buddy() is not None}
    kinds = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QSlider, QAbstractItemView)
    found = []
    for part in widget.findChildren(QWidget):
        if not isinstance(part, kinds) or isinstance(part, QHeaderView | QScrollBar):
            continue
        parents, above = [], part.parentWidget()
        while above is not None and above is not widget:
            parents.append(above)
            above = above.parentWidget()
        # Parts that Qt or superqt makes inside a box are told of as the box is.
        inner = any(
            isinstance(p, QComboBox | QAbstractSpinBox | QLineEdit | QAbstractItemView) for p in parents
        )
        own = part.accessibleName() or (part.text() if isinstance(part, QAbstractButton) else "")
        if isinstance(part, QToolButton) and part.objectName().startswith("Scroll"):
            continue  # of Qt's own tab bar
        plot = any(type(p).__module__.startswith("pyqtgraph") for p in (part, *parents))
        if not (own or inner or part in buddies or any(p in buddies for p in parents) or plot):
            found.append(
                f"{type(part).__name__} {part.toolTip()[:40]!r} in {type(part.parentWidget()).__name__}"
            )
    return found


@pytest.mark.parametrize("name", WIDGETS)
def test_everything_has_a_name_for_screen_readers(qtbot, viewer, populated, name):
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    session_of(viewer).open(populated)
    widget.resize(500, 600)
    widget.show()
    settle()
    assert unnamed(widget) == []


@pytest.mark.parametrize("name", WIDGETS)
def test_with_nothing_open_it_says_what_to_do_next(qtbot, viewer, name):
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    widget.resize(500, 600)
    widget.show()
    settle()
    assert says_what_to_do(widget) or name == "Help"


@pytest.mark.parametrize("name", WIDGETS)
def test_a_dock_with_nothing_to_show_yet_says_what_to_do_next(qtbot, viewer, raw_recording, name):
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    session_of(viewer).open(raw_recording)
    widget.resize(500, 600)
    widget.show()
    settle()
    hint = getattr(widget, "hint", None)
    if isinstance(hint, QLabel) and hint.isVisible():
        assert says_what_to_do(widget), hint.text()


def says_what_to_do(widget: QWidget) -> bool:
    seen = [label.text() for label in widget.findChildren(QLabel) if label.isVisible()]
    seen += [button.text() for button in widget.findChildren(QAbstractButton) if button.isVisible()]
    return any(word in " ".join(seen).lower() for word in WORDS)


@pytest.mark.parametrize("name", WIDGETS)
def test_a_recording_that_comes_and_goes_is_no_trouble(qtbot, viewer, populated, traces_only, few, name):
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    widget.resize(500, 600)
    widget.show()
    session = session_of(viewer)
    for recording in (populated, traces_only, few, populated.replace(frame_rate=None)):
        session.open(recording)
        settle()
    session.choose_ensemble(None)
    session.close()
    settle()
    assert says_what_to_do(widget) or name == "Help"


@pytest.mark.parametrize("name", WIDGETS)
def test_it_takes_no_more_room_than_a_small_screen_has(qtbot, viewer, populated, name):
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    session_of(viewer).open(populated)
    widget.show()
    settle()
    hint = widget.minimumSizeHint().expandedTo(widget.minimumSize())
    # Forms stand beside the image, plots under it.
    assert hint.width() <= 560, hint
    assert hint.height() <= 420, hint


@pytest.mark.parametrize("name", DOCKS)
def test_its_plots_follow_the_theme_while_it_is_open(qtbot, viewer, populated, monkeypatch, name):
    viewer.theme = "dark"
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    session_of(viewer).open(populated)
    widget.resize(500, 600)
    widget.show()
    settle()
    for theme, background in (("light", "light"), ("dark", "dark"), ("system", "light")):
        monkeypatch.setattr("napari.utils.theme.get_system_theme", lambda to=background: to)
        monkeypatch.setattr("napari_calcium.widgets.theme.get_system_theme", lambda to=background: to)
        viewer.theme = theme
        settle()
        wanted = get_theme(background).background.as_hex("long")[:7]
        plots = widget.findChildren(GraphicsView)
        assert {plot.backgroundBrush().color().name() for plot in plots} <= {wanted}
        for plot in plots:
            axes = [item for item in plot.scene().items() if isinstance(item, AxisItem)]
            ground = QColor(wanted).lightness()
            for axis in axes:
                assert abs(axis.textPen().color().lightness() - ground) > 60, (name, theme)


@pytest.mark.parametrize("name", DOCKS)
def test_a_marked_stretch_is_in_every_plot_over_time(qtbot, viewer, populated, name):
    widget = made(name, viewer)
    qtbot.addWidget(widget)
    session = session_of(viewer)
    session.open(populated)
    session.selection.marked = (5.0, 12.0)
    settle()
    assert {plot._mark.stretch for plot in widget.findChildren(TimePlot)} <= {(5.0, 12.0)}


@pytest.mark.parametrize("name", WIDGETS)
def test_when_it_is_gone_nobody_calls_it(qtbot, viewer, populated, name):
    session, bench = session_of(viewer), workbench_of(viewer)
    selection = session.selection
    signals = (
        session.recording_changed, session.history_changed, session.preview_changed, selection.marked_changed,
        bench.plan.states_changed, bench.plan.stage_changed,
        selection.cells_changed, selection.ensemble_changed, selection.time_changed, selection.focus_changed,
        selection.span_changed,
    )  # fmt: skip

    def listeners() -> list[int]:
        return [*(len(signal) for signal in signals), len(viewer.events.theme.callbacks)]

    before = listeners()
    widget = made(name, viewer)
    widget.show()
    settle()
    with qtbot.waitSignal(widget.destroyed):
        widget.deleteLater()
    assert listeners() == before
    session.open(populated)
    session.choose_ensemble(1)
    viewer.theme = "light"
    settle()
