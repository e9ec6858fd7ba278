"""What all widgets of one viewer share: session, plan, runner and previewer."""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from napari_calcium.cluster import where_to_run
from napari_calcium.pipeline import TITLES, PipelineSettings, run_stage
from napari_calcium.progress import Progress
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.plan import Plan, bring_up_to_date, must_begin_anew, pending
from napari_calcium.widgets.preview import Previewer
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.worker import Job, Runner

__all__ = ["Workbench", "workbench_of"]


NO_RECORDING = (
    "Open a recording first: drop a file on the window, or see Plugins ▸ napari-calcium ▸ Start here."
)
NO_RATE = "The frame rate is not known. Set it at the top of this dock first."
BUSY = "Another run is going on; wait for it or cancel it."


class Workbench:
    """One viewer's tools.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    session : Session
    plan : Plan
    runner : Runner
        One run at a time, whichever widget asks.
    previewer : Previewer
    saved : Recording or None
        The recording that was saved last: nothing would be lost if it is the current one.
    cluster : str
        Address of the dask scheduler whose workers do the work of runs; empty for this machine.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.plan = Plan(session)
        self.runner = Runner()
        self.previewer = Previewer(session)
        self.saved: Recording | None = None
        self.cluster = ""

    @property
    def has_unsaved_results(self) -> bool:
        """Whether closing now would lose results, or what was decided by hand."""
        recording = self.session.recording
        if recording is None or recording is self.saved or self.session.as_opened:
            return False
        return _has_work(recording)

    def obstacle(self) -> str:
        """Return why no stage can run now, in one line that says what to do; empty if one can."""
        recording = self.session.recording
        if recording is None:
            return NO_RECORDING
        if recording.frame_rate is None:
            return NO_RATE
        return BUSY if self.runner.busy else ""

    def run_stage(self, stage: str) -> str:
        """Start a stage with the plan's settings; return why not, or an empty line."""
        obstacle = self.obstacle()
        recording, settings = self.session.recording, self.plan.stage(stage)
        if obstacle or recording is None:
            return obstacle
        self.runner.start(
            TITLES[stage],
            partial(_run_stage, recording, stage, settings, self.cluster),
            Successor(self.session, recording, TITLES[stage]).take,
        )
        return ""

    def run_all(self) -> str:
        """Start every stage that is not up to date; return why not, or an empty line.

        Each stage's results are there as soon as it is done, as a step of their own, and stay if a later
        stage fails or the user cancels.
        """
        obstacle = self.obstacle()
        recording, settings = self.session.recording, self.plan.settings
        if obstacle or recording is None:
            return obstacle
        if not must_begin_anew(recording, settings) and not pending(recording, settings):
            return "Everything is up to date."
        steps = Successor(self.session, recording, "Run all")
        self.runner.start(
            "Run all",
            partial(_run_all, recording, settings, self.cluster),
            steps.take_last,
            steps.take_step,
        )
        return ""

    def let_go(self) -> None:
        """Stop whatever is going on, for a window that closes."""
        self.runner.abandon()
        self.previewer.abandon()


class Successor:
    """Takes what a run made, if it still belongs to what the user looks at.

    Parameters
    ----------
    session : Session
    recording : Recording
        That the run began with.
    label : str
        Of the step in the history.
    """

    def __init__(self, session: Session, recording: Recording, label: str) -> None:
        self._session, self._recording, self._label = session, recording, label

    def take(self, result: Recording) -> None:
        """Make a result the current recording.

        Raises
        ------
        ValueError
            If another recording was opened or a step undone since the run began.
        """
        if self._session.recording is not self._recording:
            raise ValueError(
                "the recording was changed during the run, so the result was not taken; run again"
            )
        self._recording = result
        self._session.apply(result, self._label)

    def take_step(self, step: tuple[str, Recording]) -> None:
        """Make a result the current recording under a label of its own."""
        self._label, result = step
        self.take(result)

    def take_last(self, result: Recording) -> None:
        """Take the end result, unless it was the last step."""
        if result is not self._recording:
            self.take(result)


_workbenches: weakref.WeakKeyDictionary[Any, Workbench] = weakref.WeakKeyDictionary()


def workbench_of(viewer: Any) -> Workbench:
    """Return the workbench of a viewer, made when first asked for.

    Parameters
    ----------
    viewer : napari.Viewer
        Also the proxy that napari hands to plugins.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)
    bench = _workbenches.get(viewer)
    if bench is None:
        bench = _workbenches[viewer] = Workbench(session_of(viewer))
    return bench


def _run_stage(
    recording: Recording, stage: str, settings: Any, cluster: str, on_progress: Progress
) -> Recording:
    with where_to_run(cluster) as executor:
        return run_stage(recording, stage, settings, on_progress=on_progress, executor=executor)


def _run_all(recording: Recording, settings: PipelineSettings, cluster: str, job: Job) -> Recording:
    with where_to_run(cluster) as executor:
        return bring_up_to_date(
            recording,
            settings,
            on_progress=job,
            on_stage=lambda stage: job.retitle(TITLES[stage]),
            on_result=lambda stage, result: job.hand_over((TITLES[stage], result)),
            executor=executor,
        )


def _has_work(recording: Recording) -> bool:
    """Whether a stage ran, or anything was decided or drawn by hand."""
    made = any(entry.stage in TITLES for entry in recording.log)
    choice = recording.cell_choice
    return made or choice.by_hand or choice.threshold != 1 or bool(recording.event_choices)
