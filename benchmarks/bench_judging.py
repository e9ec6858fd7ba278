"""From a decision on an event to the end of what the window does with it, in the whole Explore workspace.

asv needs a display (``xvfb-run -a asv run …``). By hand, in milliseconds of the main thread's processor time,
which other work on the machine does not lengthen so much; before painting, and with it (the canvas with
software OpenGL)::

    tools/with-screen python benchmarks/bench_judging.py ["1,000 x 15,000" …]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from bench_docks import SIZES, population

from napari_calcium.pipeline_settings import default_settings
from napari_calcium.recording import LogEntry, Recording

_STEPS = (
    ("baseline", ("traces/raw",), ("traces/dff",)),
    ("events", ("traces/dff",), ("events",)),
    ("coactivity", ("events",), ("coactivity",)),
    ("significance", ("events", "coactivity"), ("ensemble_events",)),
    ("ensembles", ("events", "ensemble_events"), ("ensembles",)),
    ("features", ("events", "ensembles"), ("features",)),
)


def judged(n_rois: int, n_frames: int) -> Recording:
    """Return a population with a log, as a run leaves it: every stage's settings are compared with it."""
    log = [
        LogEntry(stage, default_settings(stage).model_dump(mode="json"), reads, writes)
        for stage, reads, writes in _STEPS
    ]
    return population(n_rois, n_frames).replace(log=tuple(log))


class Judging:
    """What follows a key while events are judged: all docks of the workspace are open and linked."""

    params = tuple(SIZES)
    param_names = ("recording",)
    timeout = 600

    def setup(self, size: str) -> None:
        import napari

        from napari_calcium.widgets.dock_place import our_docks
        from napari_calcium.widgets.traces import TracesDock
        from napari_calcium.widgets.viewer_session import session_of
        from napari_calcium.widgets.workspace import workspace_of

        self.viewer = napari.Viewer()
        self.viewer.window.resize(1800, 1000)
        self.main = self.viewer.window._qt_window
        self.session = session_of(self.viewer)
        self.session.open(judged(*SIZES[size]))
        workspace = workspace_of(self.viewer)
        workspace.arrange()
        self.settle(1.0)
        self.traces = next(
            w for dock in our_docks(self.main) for w in [dock.widget()] if isinstance(w, TracesDock)
        )
        self.traces.parentWidget().raise_()
        self.bar = self.traces.judging.bar
        self.session.selection.cells = (1, 2, 3)
        self.settle(0.5)
        self.traces.judge_button.setChecked(True)
        self.bar.follow.setChecked(False)  # what is made beside the window is no work of the window
        self.traces.judging.step(1)
        self.settle(0.5)

    def teardown(self, size: str) -> None:
        self.viewer.close()

    def settle(self, seconds: float = 0.2) -> None:
        """Let the window finish what it prepares beside itself."""
        from qtpy.QtWidgets import QApplication

        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            QApplication.processEvents()
            time.sleep(0.003)

    def follow(self) -> None:
        """Do what was put off until the events of Qt come round."""
        from qtpy.QtWidgets import QApplication

        for _ in range(3):
            QApplication.processEvents()

    def time_accept_and_go_on(self, size: str) -> None:
        self.bar.decide("accept")
        self.follow()

    def time_add_by_a_drag(self, size: str) -> None:
        self.turn = getattr(self, "turn", 0) + 7
        self.bar.add(2, self.turn, self.turn + 3.0)
        self.follow()

    def time_undo(self, size: str) -> None:
        self.bar.take_back()
        self.follow()

    def time_take_results(self, size: str) -> None:
        """Show results that were made beside the window: events, coactivity and ensembles are new."""
        now = self.session.recording
        self.session.amend(
            now.replace(
                events=now.events.take(np.arange(len(now.events)) != 5),
                coactivity=replace(now.coactivity),
                ensemble_events=replace(now.ensemble_events),
                ensembles=replace(now.ensembles),
                features=dict(now.features),
            )
        )
        self.follow()


def spent(action: Callable[[], None], after: Callable[[], None], times: int = 15) -> tuple[float, float]:
    """Return median and greatest processor time of the main thread, in milliseconds."""
    taken = []
    for _ in range(times + 2):
        started = time.thread_time()
        action()
        taken.append(1e3 * (time.thread_time() - started))
        after()
    return float(np.median(taken[2:])), float(np.max(taken[2:]))


def main(sizes: list[str]) -> None:
    names = [name for name in vars(Judging) if name.startswith("time_")]
    for size in sizes:
        bench = Judging()
        bench.setup(size)
        print(f"{size}: {len(bench.session.recording.events):,} events")
        for name in names:
            action = partial(getattr(bench, name), size)
            bench.main.setUpdatesEnabled(False)
            own, worst = spent(action, bench.settle)
            bench.main.setUpdatesEnabled(True)
            painted, _ = spent(action, bench.settle)
            words = name.removeprefix("time_").replace("_", " ")
            told = f"{own:6.1f} ms of our own (at most {worst:.1f}), {painted:6.1f} ms with painting"
            print(f"  {words:20} {told}")
        bench.teardown(size)


if __name__ == "__main__":
    main(sys.argv[1:] or ["1,000 x 15,000", "20,000 x 50,000"])
