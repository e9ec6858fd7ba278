from __future__ import annotations

import pytest

from napari_calcium.guidance.indicator_choice import with_indicator
from napari_calcium.numerics.indicators import INDICATORS
from napari_calcium.session import Session
from napari_calcium.widgets.indicator_box import IndicatorBox
from napari_calcium.widgets.plan import Plan


@pytest.fixture
def plan():
    return Plan(Session())


@pytest.fixture
def box(qtbot, plan):
    made = IndicatorBox(plan)
    qtbot.addWidget(made)
    return made


def choose(box: IndicatorBox, name: str) -> None:
    box.setCurrentIndex(box.findData(name))
    box.activated.emit(box.currentIndex())


def test_all_indicators_are_offered_and_none_is_chosen(box):
    assert all(box.findData(name) >= 0 for name in INDICATORS)
    assert box.currentData() == "estimate"


def test_a_choice_sets_the_stages_and_shows(box, plan):
    choose(box, "GCaMP6f")
    assert plan.stage("events").indicator == "GCaMP6f"
    assert plan.stage("segmentation").decay == INDICATORS["GCaMP6f"].decay_s
    assert box.currentData() == "GCaMP6f"
    choose(box, "estimate")
    assert plan.stage("events").indicator == "estimate"


def test_what_is_set_elsewhere_is_shown(box, plan):
    plan.load(with_indicator(plan.settings, "OGB-1"))
    assert box.currentData() == "OGB-1"
    plan.set_stage("events", plan.stage("events").replace(indicator="GCaMP6f"))
    assert box.currentText() == "differs between stages"


def test_choosing_that_stages_differ_changes_nothing(box, plan):
    before = plan.settings
    choose(box, "")
    assert plan.settings == before
    assert box.currentData() == "estimate"


def test_skipped_stages_stay_skipped(box, plan):
    plan.set_enabled("denoise", False)
    choose(box, "GCaMP8s")
    assert not plan.is_enabled("denoise")
