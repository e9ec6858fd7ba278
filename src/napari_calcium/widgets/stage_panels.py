"""The panels of a pipeline's stages, each made when it is first wanted: all at once take long."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import QObject, QTimer

from napari_calcium.widgets.section import Section
from napari_calcium.widgets.stage_widget import StagePanel
from napari_calcium.widgets.workbench import Workbench

__all__ = ["StagePanels"]


class StagePanels(dict[str, StagePanel]):
    """Panels by stage; asking for one makes it, iterating goes over those that there are.

    A panel is made when its section is unfolded, or in turns of the event loop of its own (:meth:`want`): the
    window answers the user in between.

    Parameters
    ----------
    bench : Workbench
    kinds : mapping of str to type of StagePanel
    sections : mapping of str to Section
        Where they go.
    made : callable
        Told of each stage whose panel was made beside.
    owner : QObject
        Nothing is made beside once it is gone.
    """

    def __init__(
        self,
        bench: Workbench,
        kinds: Mapping[str, type[StagePanel]],
        sections: Mapping[str, Section],
        made: Callable[[str], None],
        owner: QObject,
    ) -> None:
        super().__init__()
        self._bench, self._kinds, self._sections, self._made = bench, kinds, sections, made
        self._wanted: list[str] = []
        self._next = QTimer(owner)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._make_next)

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

    def want(self, stage: str) -> None:
        """Make the panel of a stage soon, unless it is there."""
        if stage not in self and stage not in self._wanted:
            self._wanted.append(stage)
            self._next.start(0)

    def _make_next(self) -> None:
        while self._wanted:
            stage = self._wanted.pop(0)
            if stage not in self:
                self[stage]
                self._made(stage)
                break
        if self._wanted:
            self._next.start(0)
