"""The stages of the behaviour, on screen: alignment, correlation, tuning, averages, epochs, decoding."""

from __future__ import annotations

import numpy as np

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording
from napari_calcium.widgets.stage_widget import StagePanel, StageWidget

__all__ = [
    "BehaviourPanel",
    "BehaviourWidget",
    "DecodingPanel",
    "DecodingWidget",
    "PreferencesPanel",
    "PreferencesWidget",
    "RelationsPanel",
    "RelationsWidget",
    "TriggeredPanel",
    "TriggeredWidget",
    "TuningPanel",
    "TuningWidget",
]

_ALPHA = 0.05


class BehaviourPanel(StagePanel):
    """Settings and result of the alignment."""

    stage = "behaviour"
    sentence = (
        "Brings the behaviour onto the clock and the frames of the recording. Add its file in the Behaviour "
        "dock; without one, the population's mean and first component stand in."
    )
    notes_first = True

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it."""
        found = recording.behaviour
        if found is None:
            return ""
        signals, epochs = len(found.names), len(found.epochs)
        return (
            f"{count_of(signals, 'signal')}, {count_of(epochs, 'epoch')}: "
            f"{', '.join((*found.names, *found.epochs.labels))}"
        )


class RelationsPanel(StagePanel):
    """Settings and result of the correlation with behaviour."""

    stage = "relations"
    sentence = (
        "Correlates each cell, each ensemble and the population with each signal, at every lag allowed, and "
        "tests it by shifting the behaviour in time. In the Cells table, to sort and to colour by."
    )

    @classmethod
    def summary(cls, recording: Recording) -> str:
        """Say what came of it, beyond the notes on the cells."""
        found = recording.relations
        if found is None or not (found.kind == "ensemble").any():
            return ""
        own = (found.kind == "ensemble") & (found.q_value <= _ALPHA)
        ids = np.unique(found.id[own])
        return f"{count_of(len(ids), 'ensemble goes', 'ensembles go')} with some signal beyond chance"


class TuningPanel(StagePanel):
    """Settings and result of the tuning."""

    stage = "tuning"
    sentence = (
        "Averages the activity of each cell at each value of each signal, and at each place where there are "
        "an x and a y; tests the information in it by shifting the behaviour. Shown in the Tuning dock."
    )


class TriggeredPanel(StagePanel):
    """Settings and result of the averages around events."""

    stage = "triggered"
    sentence = (
        "Averages the activity of each cell around the start of each kind of epoch, with a confidence band, "
        "and tests the response by shifting the events in time. Shown in the Tuning dock."
    )


class PreferencesPanel(StagePanel):
    """Settings and result of the preferred epochs."""

    stage = "preferences"
    sentence = (
        "Counts in which epochs each ensemble, and each cell, is active more or less often than its rate "
        "lets expect, and tests it by shifting the epochs in time."
    )


class DecodingPanel(StagePanel):
    """Settings and result of the decoders."""

    stage = "decoding"
    sentence = (
        "Tells each signal and each kind of epoch from the activity of the cells, and of the ensembles, on "
        "stretches of time the decoder has not seen, beside what it makes of shifted behaviour."
    )


class BehaviourWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = BehaviourPanel
    name = "Stage 14: behaviour"


class RelationsWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = RelationsPanel
    name = "Stage 16: correlation with behaviour"


class TuningWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = TuningPanel
    name = "Stage 17: tuning"


class TriggeredWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = TriggeredPanel
    name = "Stage 18: triggered averages"


class PreferencesWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = PreferencesPanel
    name = "Stage 19: preferred epochs"


class DecodingWidget(StageWidget):
    """The stage by itself, for the Plugins menu."""

    panel = DecodingPanel
    name = "Stage 20: decoding"
