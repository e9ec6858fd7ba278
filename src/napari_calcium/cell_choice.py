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
    by_classifier: tuple[int, ...] = Field(
        (),
        title="Decided by a classifier",
        description="Those of the accepted and rejected ids that a classifier decided on and nobody else; a "
        "classifier does not learn from them.",
        json_schema_extra={"form": False},
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

    @property
    def own(self) -> frozenset[int]:
        """Ids that the user accepted or rejected, not a classifier."""
        return frozenset(self.accepted).union(self.rejected).difference(self.by_classifier)

    def among(self, ids: Iterable[int]) -> Self:
        """Return the settings without decisions about cells other than these."""
        there = set(ids)
        names = ("accepted", "rejected", "by_classifier")
        return self.replace(**{name: tuple(i for i in getattr(self, name) if i in there) for name in names})

    def after_edits(self, edits: Iterable[RoiEdit], candidates: Rois) -> Self:
        """Return the settings after more changes by hand; decisions about cells that are gone go.

        Parameters
        ----------
        edits : iterable of RoiEdit
        candidates : Rois
            As they are after the changes.
        """
        return self.among(candidates.ids.tolist()).replace(edits=(*self.edits, *edits))

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

    def decide(self, known: Rois, ids: Iterable[int], *, cells: bool) -> Self:
        """Return the settings after some of the known cells were called cells, or none, by hand.

        A decision that says the same as the threshold is kept, too: it stands when the threshold moves, and
        a classifier learns from it. The last one about a cell counts.
        """
        changed = set(ids).intersection(known.ids.tolist())
        left = self.among({*self.accepted, *self.rejected} - changed)
        name = "accepted" if cells else "rejected"
        return left.replace(**{name: tuple(sorted({*getattr(left, name), *changed}))})

    def decide_by_classifier(self, ids: NDArray[np.int64], cells: NDArray[np.bool_]) -> Self:
        """Return the settings after a classifier judged some cells; what the user decided himself stands.

        Parameters
        ----------
        ids : (n,) int64
        cells : (n,) bool
            Whether it takes each for a cell.
        """
        own = self.own
        mine = self.among(own)
        judged = [(int(i), bool(cell)) for i, cell in zip(ids, cells, strict=True) if int(i) not in own]
        yes, no = ({i for i, cell in judged if cell is wanted} for wanted in (True, False))
        return self.replace(
            accepted=tuple(sorted({*mine.accepted, *yes})),
            rejected=tuple(sorted({*mine.rejected, *no})),
            by_classifier=tuple(sorted(yes | no)),
        )

    def without_ids(self) -> Self:
        """Return the settings without what was done by hand, for candidates found anew: ids mean others."""
        return self.replace(accepted=(), rejected=(), by_classifier=(), edits=())

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
