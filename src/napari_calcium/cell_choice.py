"""Which of the candidates count as cells: a threshold on their quality, and what was decided by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from napari_calcium.roi_edits import RoiEdit
from napari_calcium.rois import Rois
from napari_calcium.settings import Settings

__all__ = ["CellChoice"]


class CellChoice(Settings):
    """Which candidates of a movie become cells; the ids are those of the same segmentation settings."""

    threshold: Annotated[float, Ge(0), Le(1000)] = Field(
        1.0,
        title="Least quality",
        description="Candidates of at least this quality are cells. 1 is what the settings of the detection "
        "ask for; higher keeps fewer, surer cells.",
    )
    accepted: tuple[int, ...] = Field(
        (), title="Accepted by hand", description="Ids of candidates that are cells, whatever their quality."
    )
    rejected: tuple[int, ...] = Field(
        (), title="Rejected by hand", description="Ids of candidates that are none, whatever their quality."
    )
    keep_rejected: bool = Field(
        False,
        title="Keep rejected ones",
        description="Read the fluorescence of rejected candidates as well, marked as not accepted.",
    )
    edits: tuple[RoiEdit, ...] = Field(
        (),
        title="Changes by hand",
        description="Cells drawn, redrawn, merged, split and deleted, one after the other, before it is "
        "decided which count.",
        json_schema_extra={"form": False},
    )

    @property
    def by_hand(self) -> bool:
        """Whether anything was decided or changed by hand."""
        return bool(self.accepted or self.rejected or self.edits)

    def after_edits(self, edits: Iterable[RoiEdit], candidates: Rois) -> Self:
        """Return the settings after more changes by hand; decisions about cells that are gone go.

        Parameters
        ----------
        edits : iterable of RoiEdit
        candidates : Rois
            As they are after the changes.
        """
        there = set(candidates.ids.tolist())
        return self.replace(
            accepted=tuple(i for i in self.accepted if i in there),
            rejected=tuple(i for i in self.rejected if i in there),
            edits=(*self.edits, *edits),
        )

    def accepts(self, candidates: Rois) -> NDArray[np.bool_]:
        """Return which candidates are cells, (n_candidates,) bool.

        Decisions by hand come before the threshold. A candidate without a quality (drawn by hand) counts as
        it was marked; with a threshold of 1 all do, since that is how the detection judged.
        """
        quality = candidates.quality.get("quality")
        chosen = np.array(candidates.accepted)
        if quality is not None and self.threshold != 1:
            known = np.isfinite(quality)
            chosen[known] = quality[known] >= self.threshold
        chosen |= np.isin(candidates.ids, self.accepted)
        return np.asarray(chosen & ~np.isin(candidates.ids, self.rejected))

    def decide(self, candidates: Rois, ids: Iterable[int], *, cells: bool) -> Self:
        """Return the settings after some candidates were called cells, or none, by hand.

        A decision that only says what the threshold says is not kept, so that taking one back leaves nothing
        behind.
        """
        changed = {int(i) for i in ids}
        others = self.replace(
            accepted=tuple(i for i in self.accepted if i not in changed),
            rejected=tuple(i for i in self.rejected if i not in changed),
        )
        anyway = dict(zip(candidates.ids.tolist(), others.accepts(candidates).tolist(), strict=True))
        against = sorted(i for i in changed if i in anyway and anyway[i] != cells)
        name = "accepted" if cells else "rejected"
        return others.replace(**{name: tuple(sorted({*getattr(others, name), *against}))})

    def without_ids(self) -> Self:
        """Return the settings without what was done by hand, for candidates found anew: ids mean others."""
        return self.replace(accepted=(), rejected=(), edits=())

    def kept(self, candidates: Rois) -> Rois:
        """Return the candidates whose fluorescence is read, marked as accepted or not."""
        chosen = self.accepts(candidates)
        marked = Rois(
            candidates.ids,
            candidates.footprints,
            candidates.shape,
            candidates.labels,
            chosen,
            candidates.quality,
        )
        return marked if self.keep_rejected else marked.take(chosen)
