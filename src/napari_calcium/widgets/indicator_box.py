"""One choice of indicator for all stages."""

from __future__ import annotations

from napari_calcium.guidance.indicator_choice import indicator_of, with_indicator
from napari_calcium.numerics.indicators import INDICATORS
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.plan import Plan
from napari_calcium.widgets.rows import ChoiceBox

__all__ = ["IndicatorBox"]

_DIFFER = "differs between stages"


class IndicatorBox(ChoiceBox):
    """Sets everything that depends on the indicator, and shows what is set.

    Parameters
    ----------
    plan : Plan
        Of the viewer.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self.setAccessibleName("Indicator")
        self.setToolTip(
            "<qt>The calcium indicator of this recording: sets the decay time in every stage that uses one "
            "(detection of cells, events). <i>Measured</i> estimates it from the traces.</qt>"
        )
        self.addItem("measured in the traces", "estimate")
        for name, kinetics in INDICATORS.items():
            self.addItem(f"{name} (decay {kinetics.decay_s:g} s)", name)
        self.addItem(_DIFFER, "")
        self.activated.connect(self._choose)
        Links(self).join(plan.states_changed, self._show)
        self._show()

    def _choose(self, *_: object) -> None:
        name = self.currentData()
        if name:
            self._plan.load(with_indicator(self._plan.settings, name))
        self._show()

    def _show(self) -> None:
        self.setCurrentIndex(self.findData(indicator_of(self._plan.settings)))
