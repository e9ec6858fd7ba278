import json

import numpy as np
import pytest

from napari_calcium.io.nwb import read_nwb, read_selection
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.session import Session
from napari_calcium.widgets import autosave, recent_files
from napari_calcium.widgets.autosave import Autosave, RecoveryRow
from napari_calcium.widgets.recent_files import UNSAVED, remember_file
from napari_calcium.widgets.selection_kept import select_again, selection_of
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import Workbench


@pytest.fixture
def storage(tmp_path, monkeypatch):
    monkeypatch.setattr(autosave, "storage_folder", lambda: tmp_path)
    monkeypatch.setattr(recent_files, "storage_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def recording():
    return Recording("day 1", np.arange(3), 10.0, {"raw": Trace(np.ones((3, 50), np.float32), "a.u.")})


def analysed(recording, k=0):
    return recording.with_step(LogEntry("baseline", {"k": k}, (), (f"traces/{k}",)))


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def watched(storage, recording, qtbot):
    """Return a bench, what autosaves it, and the clock it goes by."""
    bench, clock = Workbench(Session()), Clock()
    keeper = Autosave(bench, bench.runner, clock)
    bench.session.open(recording)
    yield bench, keeper, clock
    keeper.close()


def pass_time(keeper, clock, seconds):
    clock.now += seconds
    keeper.look()
    keeper.wait()
    keeper.look()


def test_results_are_kept_once_the_user_pauses(watched, recording):
    bench, keeper, clock = watched
    pass_time(keeper, clock, 1000)
    assert not keeper.path.exists()  # opened, nothing done
    bench.session.apply(analysed(recording), "Baseline")
    pass_time(keeper, clock, 5)
    assert not keeper.path.exists()  # perhaps in the middle of a thought
    bench.session.selection.cells = (2,)
    pass_time(keeper, clock, 20)
    assert read_nwb(keeper.path) == bench.session.recording
    assert read_selection(keeper.path)["cells"] == [2]


def test_copies_are_not_made_one_after_the_other(watched, recording):
    bench, keeper, clock = watched
    bench.session.apply(analysed(recording), "Baseline")
    pass_time(keeper, clock, 30)
    first = keeper.path.stat().st_mtime_ns
    bench.session.apply(analysed(recording, 1), "Baseline")
    pass_time(keeper, clock, 30)
    assert keeper.path.stat().st_mtime_ns == first
    pass_time(keeper, clock, 120)
    assert read_nwb(keeper.path) == bench.session.recording


@pytest.mark.parametrize("end", ["saved", "closed"])
def test_what_was_saved_or_given_up_is_not_kept(watched, recording, end, storage):
    bench, keeper, clock = watched
    bench.session.apply(analysed(recording), "Baseline")
    pass_time(keeper, clock, 30)
    if end == "saved":
        bench.saved = bench.session.recording
        pass_time(keeper, clock, 1)
    else:
        keeper.close()
    assert not list((storage / "napari-calcium-unsaved").iterdir())


def test_a_copy_that_failed_is_no_crash_and_is_tried_again(watched, recording, monkeypatch):
    bench, keeper, clock = watched

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(autosave, "autosave", full)
        bench.session.apply(analysed(recording), "Baseline")
        pass_time(keeper, clock, 30)
        assert "space" in keeper.failure.lower() and not keeper.path.exists()
    pass_time(keeper, clock, 130)
    assert keeper.failure == ""
    assert read_nwb(keeper.path) == bench.session.recording


def test_work_left_behind_is_offered_until_it_is_discarded(storage, recording, qtbot):
    from napari_calcium.io.autosaves import autosave as write

    path = storage / "napari-calcium-unsaved" / "1-5-0.nwb"
    write(recording, path)
    opened = []
    row = RecoveryRow(opened.append)
    qtbot.addWidget(row)
    assert "day 1" in row.text.text() and not row.isHidden() and not row.text.isHidden()
    row.open.click()
    assert opened == [str(path)] and path.exists() and row.isHidden()
    again = RecoveryRow(opened.append)
    qtbot.addWidget(again)
    again.discard.click()
    assert not path.exists() and again.isHidden()


def test_the_selection_is_kept_as_far_as_it_is_still_there(recording):
    session = Session()
    session.open(recording)
    chosen = session.selection
    chosen.cells, chosen.focus, chosen.time, chosen.span = (2, 0), 0, 1.5, (1.0, 3.0)
    kept = json.loads(json.dumps(selection_of(session)))
    other = Session()
    other.open(recording)
    select_again(other, kept)
    assert selection_of(other) == selection_of(session)
    select_again(other, kept | {"cells": [2, 77], "ensemble": 5, "focus": 77})
    assert other.selection.cells == (2,) and other.selection.ensemble is None
    select_again(Session(), kept)


def test_files_opened_lately_are_remembered_the_latest_first(storage, tmp_path):
    files = [tmp_path / f"{k}.csv" for k in range(12)]
    for file in files:
        file.touch()
        remember_file(file)
    remember_file(files[5])
    assert recent_files.recent_files()[:3] == (files[5], files[11], files[10])
    assert len(recent_files.recent_files()) == 10
    files[11].unlink()
    assert files[11] not in recent_files.recent_files()
    (storage / "napari-calcium-recent.json").write_text("[1, {}")
    assert recent_files.recent_files() == ()


def test_where_one_looks_is_kept_and_a_file_that_says_nonsense_does_no_harm(viewer, recording):
    session = session_of(viewer)
    session.open(recording)
    viewer.add_image(np.zeros((60, 80)))
    camera = viewer.scene.camera
    camera.center, camera.zoom = (0.0, 20.0, 30.0), viewer.canvas.size[0] / 10
    kept = json.loads(json.dumps(selection_of(session)))
    camera.center, camera.zoom = (0.0, 5.0, 5.0), 1.0
    select_again(session, kept)
    assert camera.center[-2:] == (20.0, 30.0) and camera.zoom == pytest.approx(viewer.canvas.size[0] / 10)
    viewer.reset_view()
    assert selection_of(session)["view"] is None  # all of it
    for nonsense in ({"view": "x"}, {"view": [1, 2]}, {"cells": 3, "span": [1]}, {"view": [0, 0, -1]}):
        select_again(session, nonsense)


def test_copies_of_unsaved_work_are_no_recent_files(storage):
    copy = storage / UNSAVED / "1-2-0.nwb"
    copy.parent.mkdir(parents=True)
    copy.touch()
    (storage / "mine.nwb").touch()
    remember_file(copy)
    remember_file(storage / "mine.nwb")
    assert recent_files.recent_files() == (storage / "mine.nwb",)
