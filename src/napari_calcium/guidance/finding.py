"""What a whole analysis found, in a line; and where it found no ensembles, why and what to try."""

from __future__ import annotations

import numpy as np

from napari_calcium.plurals import count_of
from napari_calcium.recording import Recording

__all__ = ["finding", "why_no_ensembles"]


def finding(recording: Recording) -> str:
    """Say what came of the search for ensembles.

    Examples
    --------
    ``Found 6 ensembles of 10 to 17 neurons, active 90 times in all; chance alone would give 0.``

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    str
        Empty as long as no ensembles were looked for. Where there are none, what stood in the way.
    """
    known = recording.ensembles
    if known is None:
        return ""
    if not len(known):
        return f"Found no ensembles. {why_no_ensembles(recording)}".rstrip()
    sizes = [len(known.members_of(k)) for k in known.ids]
    low, high = min(sizes), max(sizes)
    neurons = f"{low:,} to {high:,} neurons" if low < high else count_of(low, "neuron")
    each = "of" if len(known) == 1 or low < high else "each of"
    chance = known.expected_by_chance
    by_chance = f"; chance alone would give {chance:.2g}" if np.isfinite(chance) else ""
    return (
        f"Found {count_of(len(known), 'ensemble')} {each} {neurons}, active "
        f"{count_of(len(known.activations), 'time')} in all{by_chance}."
    )


def why_no_ensembles(recording: Recording) -> str:
    """Say which stage left nothing to build ensembles of, and what to try.

    The first that holds of: too few cells, no events, nothing beyond chance, moments that are not alike.

    Parameters
    ----------
    recording : Recording
        For one that has ensembles, or in which none were looked for, the answer is empty.
    """
    if recording.ensembles is None or len(recording.ensembles):
        return ""
    if recording.n_rois < 2:
        are = "is" if recording.n_rois == 1 else "are"
        return f"There {are} {count_of(recording.n_rois, 'cell')}, and an ensemble takes several."
    events, moments = recording.events, recording.ensemble_events
    if events is not None and not len(events):
        return (
            "There are no events in any trace. Look at the traces: if transients are there, lower the "
            "threshold of Events; if not, check the frame rate and whether the file holds ΔF/F already."
        )
    if moments is not None and not len(moments):
        return (
            "Cells are active together no more often than chance alone lets expect. Look at Coactivity: if "
            "peaks stand out, try another window there or a lower threshold of Events; if none do, there "
            "may be no ensembles in this recording."
        )
    if moments is not None:
        are = "is" if len(moments) == 1 else "are"
        return (
            f"There {are} {count_of(len(moments), 'ensemble event')}, but no "
            "group of cells comes back in several of them more alike than chance lets expect. Look at "
            "Similarity: blocks along the diagonal would be ensembles. A longer recording helps most."
        )
    return "Look at the notes of each stage in the Calcium pipeline dock."
