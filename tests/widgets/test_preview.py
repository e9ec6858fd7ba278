import threading

import pytest

from napari_calcium.traces.baseline import PercentileBaseline
from napari_calcium.widgets.preview import MOST_CELLS, Previewer


@pytest.fixture
def recording(few):
    return few


@pytest.fixture
def session(few_session):
    return few_session


class Compute:
    """A preview that notes what it was asked, waits at its gate, and gives the recording of those cells."""

    def __init__(self):
        self.asked = []
        self.gate = threading.Event()
        self.gate.set()
        self.error = None

    def __call__(self, recording, stage, settings, roi_ids):
        self.asked.append((stage, settings.percentile, tuple(roi_ids), threading.current_thread()))
        self.gate.wait(5)
        if self.error is not None:
            raise self.error
        return recording.replace(name=f"{stage} {settings.percentile:g}")


@pytest.fixture
def compute():
    made = Compute()
    yield made
    made.gate.set()


@pytest.fixture
def previewer(qapp, session, compute):
    made = Previewer(session, compute)
    yield made
    made.abandon()


def wait_for(qtbot, session, name):
    qtbot.waitUntil(lambda: session.preview is not None and session.preview.name == name)


def test_a_preview_of_the_selected_cells_is_made_in_a_thread(previewer, session, compute, qtbot):
    session.selection.cells = (10, 30)
    previewer.show("baseline", PercentileBaseline(percentile=5))
    wait_for(qtbot, session, "baseline 5")
    stage, _, cells, thread = compute.asked[0]
    assert (stage, cells) == ("baseline", (10, 30))
    assert thread is not threading.main_thread()


def test_a_burst_of_wishes_makes_one_preview(previewer, session, compute, qtbot):
    session.selection.cells = (10,)
    for k in range(20):
        previewer.show("baseline", PercentileBaseline(percentile=k))
    wait_for(qtbot, session, "baseline 19")
    assert len(compute.asked) == 1


def test_the_latest_wish_wins_over_one_under_way(previewer, session, compute, qtbot):
    session.selection.cells = (10,)
    compute.gate.clear()
    previewer.show("baseline", PercentileBaseline(percentile=1))
    qtbot.waitUntil(lambda: len(compute.asked) == 1)
    shown = []
    session.preview_changed.connect(lambda p: shown.append(p.name if p is not None else None))
    for k in (2, 3):
        previewer.show("baseline", PercentileBaseline(percentile=k))
    qtbot.wait(150)
    compute.gate.set()
    wait_for(qtbot, session, "baseline 3")
    assert [a[1] for a in compute.asked] == [1, 3]
    assert shown == ["baseline 3"]


def test_the_preview_follows_the_selection(previewer, session, compute, qtbot):
    session.selection.cells = (10,)
    previewer.show("baseline", PercentileBaseline(percentile=5))
    wait_for(qtbot, session, "baseline 5")
    session.selection.cells = (20, 40)
    qtbot.waitUntil(lambda: len(compute.asked) == 2)
    assert compute.asked[1][2] == (20, 40)


def test_without_a_selection_it_says_what_to_do(previewer, session, compute, qtbot):
    with qtbot.waitSignal(previewer.said) as signal:
        previewer.show("baseline", PercentileBaseline())
    assert signal.args == ["baseline", "Select a cell to see a preview."]
    assert compute.asked == []


def test_an_error_is_one_line(previewer, session, compute, qtbot):
    compute.error = ValueError("no raw trace;\nopen another file")
    session.selection.cells = (10,)
    with qtbot.waitSignal(previewer.said) as signal:
        previewer.show("baseline", PercentileBaseline())
    assert signal.args == ["baseline", "⚠ no raw trace; open another file"]
    assert session.preview is None


def test_a_new_recording_ends_the_preview_even_one_under_way(previewer, session, recording, compute, qtbot):
    session.selection.cells = (10,)
    compute.gate.clear()
    previewer.show("baseline", PercentileBaseline())
    qtbot.waitUntil(lambda: len(compute.asked) == 1)
    session.apply(recording.replace(name="next"), "next")
    compute.gate.set()
    qtbot.wait(200)
    assert session.preview is None
    assert previewer.stage is None


def test_stop_takes_away_only_the_stage_it_names(previewer, session, compute, qtbot):
    session.selection.cells = (10,)
    previewer.show("baseline", PercentileBaseline(percentile=5))
    wait_for(qtbot, session, "baseline 5")
    previewer.stop("events")
    assert session.preview is not None
    previewer.stop("baseline")
    assert session.preview is None
    session.selection.cells = (20,)
    qtbot.wait(200)
    assert len(compute.asked) == 1


def test_no_more_cells_than_can_be_seen(qapp, qtbot, session, recording, compute):
    many = recording.replace(
        roi_ids=range(50),
        traces={n: t.__class__(t.values[[0] * 50], t.unit) for n, t in recording.traces.items()},
    )
    session.open(many)
    previewer = Previewer(session, compute)
    session.selection.cells = range(50)
    previewer.show("baseline", PercentileBaseline())
    qtbot.waitUntil(lambda: len(compute.asked) == 1)
    assert len(compute.asked[0][2]) == MOST_CELLS
    previewer.abandon()
