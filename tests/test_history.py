from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_calcium.history import History
from napari_calcium.recording import Recording, Trace

KILOBYTE = 1024


def recording(level: float, kilobytes: int = 4) -> Recording:
    values = np.full((1, kilobytes * KILOBYTE // 4), level, np.float32)
    return Recording(f"{level:g}", np.arange(1), 1.0, {"raw": Trace(values, "a.u.")})


def on_disk(made: Recording | None) -> bool:
    assert made is not None
    array: object = made.traces["raw"].values
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


@given(st.lists(st.sampled_from(["push", "back", "forward"]), max_size=30))
def test_walks_like_a_list_with_a_cursor(moves):
    history, model, cursor = History(), ["Start"], 0
    for k, move in enumerate(moves):
        if move == "push":
            history.push(str(k), recording(k, 1))
            model, cursor = [*model[: cursor + 1], str(k)], cursor + 1
        else:
            target = cursor + (1 if move == "forward" else -1)
            if 0 <= target < len(model):
                history.move(target)
                cursor = target
            else:
                with pytest.raises(IndexError):
                    history.move(target)
        assert [step.label for step in history.steps] == model
        assert history.cursor == cursor
    history.close()


def test_old_traces_leave_memory_and_look_the_same():
    history = History(budget_bytes=6 * KILOBYTE)
    made = [recording(k) for k in range(4)]
    for k, one in enumerate(made):
        history.push(str(k), one)
    assert not on_disk(history.current)
    assert on_disk(history.steps[1].recording)
    for k, one in enumerate(made):
        assert history.steps[k + 1].recording == one
    history.close()


def test_the_steps_nearest_to_the_cursor_stay_in_memory():
    history = History(budget_bytes=5 * KILOBYTE)
    for k in range(3):
        history.push(str(k), recording(k))
    assert on_disk(history.steps[1].recording)
    assert not on_disk(history.steps[2].recording)
    history.close()


def test_a_trace_that_the_current_recording_shares_costs_nothing():
    history = History(budget_bytes=0)
    shared = recording(1.0)
    history.push("one", shared)
    history.push("two", shared.replace(name="renamed"))
    assert not on_disk(history.steps[1].recording)
    history.close()


def test_without_room_for_the_scratch_file_all_stays_in_memory(monkeypatch, caplog):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    history = History(budget_bytes=0)
    made = [recording(k) for k in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr("napari_calcium.history.np.save", full)
        for k, one in enumerate(made):
            history.push(str(k), one)
    assert [step.recording for step in history.steps[1:]] == made
    assert not on_disk(history.steps[1].recording)
    assert "No space left" in caplog.text
    history.push("with room", recording(9.0))
    assert on_disk(history.steps[1].recording)
    history.close()


def test_the_scratch_file_goes_with_the_history():
    history = History(budget_bytes=0)
    history.push("one", recording(1.0))
    history.push("two", recording(2.0))
    spilled = history.steps[1].recording
    assert spilled is not None
    values = spilled.traces["raw"].values
    while not isinstance(values, np.memmap):
        values = values.base
    path = Path(values.filename)
    assert path.exists()
    history.close()
    assert not path.exists()
    assert history.current is None
