from typing import Annotated

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from qtpy.QtCore import Qt

from napari_calcium.pipeline import STAGES, TITLES, PipelineSettings
from napari_calcium.recording import Trace
from napari_calcium.results.tables import Coactivity, Events
from napari_calcium.session import Session
from napari_calcium.settings import SettingsError
from napari_calcium.traces.baseline import MaximinBaseline, PercentileBaseline
from napari_calcium.widgets.background import BackgroundWidget
from napari_calcium.widgets.baseline import BaselinePanel, BaselineWidget
from napari_calcium.widgets.coactivity import CoactivityWidget
from napari_calcium.widgets.denoise import DenoisePanel, DenoiseWidget
from napari_calcium.widgets.ensemble_detection import EnsemblesWidget
from napari_calcium.widgets.event_detection import EventsWidget
from napari_calcium.widgets.features import FeaturesWidget
from napari_calcium.widgets.form import SettingsForm, is_constant
from napari_calcium.widgets.pipeline_dock import _PANELS
from napari_calcium.widgets.significance import SignificanceWidget
from napari_calcium.widgets.stage_docks import stage_widget
from napari_calcium.widgets.union_form import alternatives
from napari_calcium.widgets.workbench import NO_RATE, Workbench, workbench_of


@pytest.fixture
def recording(few):
    return few


@pytest.fixture
def session(few_session):
    return few_session


class Previews:
    """Stands in for the previewer: notes what it is told."""

    def __init__(self, previewer):
        self.calls = []
        previewer.show = lambda stage, settings: self.calls.append(("show", stage, settings))
        previewer.stop = lambda stage=None: self.calls.append(("stop", stage))


@pytest.fixture
def bench(qapp, session, fake_stages):
    made = Workbench(session)
    yield made
    made.let_go()


@pytest.fixture
def panel(bench, qtbot):
    bench.plan.set_stage("baseline", PercentileBaseline())
    made = BaselinePanel(bench)
    qtbot.addWidget(made)
    made.show()
    return made


def test_every_stage_has_a_panel_in_the_order_of_the_pipeline():
    assert tuple(_PANELS) == tuple(TITLES)


@pytest.mark.parametrize("stage", TITLES)
def test_a_panel_says_what_it_does_and_shows_the_plans_settings(bench, qtbot, stage):
    panel = _PANELS[stage](bench)
    qtbot.addWidget(panel)
    assert panel.sentence.endswith(".")
    assert panel.form.settings == bench.plan.stage(stage)
    assert panel.run.accessibleName() == f"Run {TITLES[stage]}"


def test_an_edit_goes_to_the_plan_and_to_every_other_form_of_the_stage(panel, bench, qtbot):
    other = BaselinePanel(bench)
    qtbot.addWidget(other)
    panel.form.row("percentile").editor.setValue(12)
    assert bench.plan.stage("baseline") == PercentileBaseline(percentile=12)
    assert other.form.settings == PercentileBaseline(percentile=12)
    bench.plan.set_stage("baseline", MaximinBaseline(window=5))
    assert panel.form.settings == MaximinBaseline(window=5)


def test_run_shows_what_came_of_it(panel, bench, qtbot):
    with qtbot.waitSignal(bench.runner.finished):
        qtbot.mouseClick(panel.run, Qt.MouseButton.LeftButton)
    assert panel.result == ("F0 and ΔF/F of 6 cells", "Note of baseline")
    assert "Note of baseline" in panel._result.text()
    bench.session.undo()
    assert panel.result == ()
    assert not panel._result.isVisible()


def test_run_waits_while_another_run_goes_on(panel, bench, fake_stages, qtbot):
    fake_stages.gate.clear()
    bench.run_stage("denoise")
    assert not panel.run.isEnabled()
    with qtbot.waitSignal(bench.runner.finished):
        fake_stages.gate.set()
    assert panel.run.isEnabled()


def test_without_a_frame_rate_run_says_where_to_set_it(panel, session, recording):
    session.open(recording.replace(frame_rate=None))
    assert not panel.run.isEnabled()
    assert panel.run.toolTip() == NO_RATE


def test_a_recording_that_came_as_dff_has_no_baseline_to_run(panel, session, recording):
    session.open(recording.replace(traces={"dff": Trace(recording.traces["raw"].values, "ΔF/F")}))
    assert not panel.run.isEnabled()
    assert "came as ΔF/F" in panel.result[0]


def test_turning_a_knob_previews_and_unticking_stops(panel, bench):
    previews = Previews(bench.previewer)
    panel.form.row("percentile").editor.setValue(12)
    assert previews.calls == [("show", "baseline", PercentileBaseline(percentile=12))]
    panel.preview.setChecked(False)
    assert previews.calls[-1] == ("stop", "baseline")
    panel.form.row("percentile").editor.setValue(13)
    assert len(previews.calls) == 2
    panel.preview.setChecked(True)
    assert previews.calls[-1] == ("show", "baseline", PercentileBaseline(percentile=13))


def test_reset_goes_back_to_the_defaults(panel, bench, qtbot):
    default = PipelineSettings().baseline
    bench.plan.set_stage("baseline", default)
    assert not panel.reset.isEnabled()
    bench.plan.set_stage("baseline", MaximinBaseline(window=3))
    assert panel.reset.isEnabled()
    qtbot.mouseClick(panel.reset, Qt.MouseButton.LeftButton)
    assert panel.form.settings == bench.plan.stage("baseline") == default
    assert not panel.reset.isEnabled()


def test_hiding_the_panel_takes_its_preview_away(panel, bench):
    previews = Previews(bench.previewer)
    panel.hide()
    assert previews.calls == [("stop", "baseline")]


def test_what_the_previewer_says_stands_with_its_stage_only(panel, bench, qtbot):
    other = DenoisePanel(bench)
    qtbot.addWidget(other)
    bench.previewer.said.emit("baseline", "Select a cell to see a preview.")
    assert not panel._note.isHidden()
    assert other._note.isHidden()
    bench.previewer.said.emit("baseline", "")
    assert panel._note.isHidden()


def test_population_stages_have_no_preview(bench, qtbot):
    panel = _PANELS["coactivity"](bench)
    qtbot.addWidget(panel)
    panel.show()
    assert not panel.preview.isVisible()


FORMS = [kind for field in PipelineSettings.model_fields.values() for kind in alternatives(field.annotation)]


def value_of(field):
    """Any value a field may have, as far as its annotation tells."""
    if field.metadata:
        return st.from_type(Annotated[(field.annotation, *field.metadata)])
    return st.from_type(field.annotation)


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.__name__)
def test_a_form_gives_back_any_settings_a_stage_can_have(qtbot, kind):
    form = SettingsForm(kind())
    qtbot.addWidget(form)
    # What has no row is drawn by hand on the image; its values say more than types can.
    typed = {name: field for name, field in kind.model_fields.items() if field.json_schema_extra is None}
    plain = st.fixed_dictionaries({name: value_of(field) for name, field in typed.items()})

    @settings(max_examples=15, deadline=None)
    @given(plain)
    def law(data):
        try:
            given_settings = kind.validated(data)
        except SettingsError:
            reject()
        form.settings = given_settings
        assert form.settings == given_settings
        assert form.error == ""

    law()


@pytest.mark.parametrize("kind", FORMS, ids=lambda kind: kind.__name__)
def test_every_field_has_a_title_and_an_explanation(kind):
    for name, field in kind.model_fields.items():
        if not is_constant(field):
            assert field.title, name
            assert field.description, name


WIDGETS = (
    BaselineWidget,
    BackgroundWidget,
    DenoiseWidget,
    EventsWidget,
    CoactivityWidget,
    SignificanceWidget,
    EnsemblesWidget,
    FeaturesWidget,
)


@pytest.mark.parametrize("kind", WIDGETS, ids=lambda kind: kind.panel.stage)
def test_a_stage_stands_by_itself(kind, few, fake_stages, qtbot):
    viewer = ViewerModel()
    widget = kind(viewer)
    qtbot.addWidget(widget)
    widget.show()
    bench = workbench_of(viewer)
    assert widget.state == "○ not run"
    assert not widget.stage_panel.run.isEnabled()
    bench.session.open(few)
    with qtbot.waitSignal(bench.runner.finished):
        qtbot.mouseClick(widget.stage_panel.run, Qt.MouseButton.LeftButton)
    assert f"Note of {kind.panel.stage}" in widget.stage_panel.result
    # Alone it is out of order: the stages before it have not run.
    assert widget.state == ("✓ up to date" if kind is BaselineWidget else "◐ out of date")


def test_stages_are_numbered_in_the_order_in_which_they_run():
    stages = [kind.panel.stage for kind in WIDGETS]
    assert stages == sorted(stages, key=STAGES.index)
    for number, kind in enumerate(WIDGETS, 1):
        assert kind.name.startswith(f"Stage {number}: ")
        assert stage_widget(kind.panel.stage) is kind


def test_what_came_of_a_real_run_is_said_in_words(few, qtbot):
    events = Events(*(np.zeros(4, t) for t in (np.int64, *[float] * 5)))
    counts = Coactivity(
        *(np.zeros(3), np.array([1, 4, 2]), np.ones(3), np.ones(3)),
        np.array([3.0, 5.0, 3.0]),
        np.zeros(3, bool),
    )
    done = few.replace(events=events, coactivity=counts, features={"rate": np.ones(6)})
    bench = Workbench(Session())
    said = {stage: kind(bench).summary(done) for stage, kind in _PANELS.items()}
    assert said["coactivity"] == "At most 4 of 6 cells active together"
    assert said["significance"] == "Threshold: more than 3 to 5 neurons, following the slow rate"
    assert said["features"] == "1 number for each of 6 cells"
    nothing = {
        stage: kind(bench).summary(few.replace(coactivity=Coactivity())) for stage, kind in _PANELS.items()
    }
    assert nothing["coactivity"] == nothing["significance"] == ""
