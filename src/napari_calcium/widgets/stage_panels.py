"""The panels of a pipeline's stages, each made when it is first wanted: all at once take long."""

from __future__ import annotations

from collections.abc import Mapping

from napari_calcium.widgets.section import Section
from napari_calcium.widgets.stage_widget import StagePanel
from napari_calcium.widgets.workbench import Workbench

__all__ = ["StagePanels"]


class StagePanels(dict[str, StagePanel]):
    """Panels by stage; asking for one makes it, iterating goes over those that there are.

    A panel is made when its section is unfolded.

    Parameters
    ----------
    bench : Workbench
    kinds : mapping of str to type of StagePanel
    sections : mapping of str to Section
        Where they go.
    """

    def __init__(
        self,
        bench: Workbench,
        kinds: Mapping[str, type[StagePanel]],
        sections: Mapping[str, Section],
    ) -> None:
        super().__init__()
        self._bench, self._kinds, self._sections = bench, kinds, sections

    def __missing__(self, stage: str) -> StagePanel:
        section = self._sections[stage]
        panel = self[stage] = self._kinds[stage](self._bench)
        panel.rest(not section.is_open)
        section.fill(panel)
        return panel

    def follow(self, stage: str, *, is_open: bool) -> None:
        """Make the panel of a section that is unfolded, and let that of a folded one rest."""
        if is_open or stage in self:
            self[stage].rest(not is_open)
