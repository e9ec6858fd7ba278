"""From ΔF/F to the number of spikes behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_calcium.spikes.inference import infer_spike_rate

__all__ = ["infer_spike_rate"]


def __getattr__(name: str) -> Any:
    """Load the public function when it is first asked for, so that importing the package stays light."""
    if name == "infer_spike_rate":
        from napari_calcium.spikes.inference import infer_spike_rate

        return infer_spike_rate
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
