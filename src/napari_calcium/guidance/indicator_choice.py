"""One choice of indicator for the whole pipeline."""

from __future__ import annotations

from typing import Any

from napari_calcium.numerics.indicators import INDICATORS
from napari_calcium.pipeline_settings import TITLES, PipelineSettings
from napari_calcium.settings import SettingsError

__all__ = ["indicator_of", "with_indicator"]

_DECAY_FIELDS = {"segmentation": "decay"}
"""Settings that are a decay time in seconds, by stage."""


def with_indicator(settings: PipelineSettings, indicator: str) -> PipelineSettings:
    """Return settings in which everything that depends on the indicator is set for one.

    Parameters
    ----------
    settings : PipelineSettings
        Skipped stages stay skipped, and methods that know no indicator stay as they are.
    indicator : str
        A key of :data:`~napari_calcium.numerics.indicators.INDICATORS`, or ``"estimate"``: the decay is
        measured in the traces, and what cannot measure it has its default.

    Returns
    -------
    PipelineSettings

    Raises
    ------
    SettingsError
        For an indicator that is not known.
    """
    if indicator != "estimate" and indicator not in INDICATORS:
        raise SettingsError(f"indicator: there is no {indicator!r}; there are {', '.join(INDICATORS)}")
    changes = {}
    for stage in TITLES:
        chosen: Any = getattr(settings, stage, None)
        fields = type(chosen).model_fields if chosen is not None else {}
        decay = _DECAY_FIELDS.get(stage, "")
        if "indicator" in fields:
            # What cannot be told by measuring calls it unknown.
            for name in (indicator, "unknown") if indicator == "estimate" else (indicator,):
                try:
                    changes[stage] = chosen.replace(indicator=name)
                    break
                except SettingsError:
                    continue  # the method has its own list, without this one
        elif decay in fields:
            known = INDICATORS.get(indicator)
            seconds = known.decay_s if known is not None else fields[decay].default
            changes[stage] = chosen.replace(**{decay: seconds})
    return settings.replace(**changes)


def indicator_of(settings: PipelineSettings) -> str:
    """Return the indicator that all stages are set for; ``"estimate"`` for none, empty where they differ."""
    stages: list[Any] = [getattr(settings, stage, None) for stage in TITLES]
    names = {str(chosen.indicator) for chosen in stages if hasattr(chosen, "indicator")}
    known = {name for name in names if name in INDICATORS or name == "estimate"}
    return next(iter(known)) if len(known) == 1 else "" if known else "estimate"
