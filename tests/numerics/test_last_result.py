import gc
import weakref

import numpy as np
import pytest

from napari_calcium.numerics.last_result import last_result_kept


@pytest.fixture
def counted():
    calls = []

    @last_result_kept
    def total(values, times=1, *, plus=0.0):
        calls.append(times)
        return values.sum() * times + plus

    return total, calls


def test_the_same_question_is_answered_once(counted):
    total, calls = counted
    values = np.arange(4.0)
    assert [total(values), total(values), total(values)] == [6, 6, 6]
    assert len(calls) == 1


def test_other_arguments_and_equal_but_other_arrays_are_asked_anew(counted):
    total, calls = counted
    values = np.arange(4.0)
    assert total(values, 2) == 12
    assert total(values, 3) == 18
    assert total(values, 3, plus=1) == 19
    assert total(values.copy(), 3, plus=1) == 19
    assert len(calls) == 4


def test_neither_array_nor_result_outlives_its_owner():
    @last_result_kept
    def doubled(values):
        return values * 2

    values = np.arange(5.0)
    result = doubled(values)
    gone, gone_result = weakref.ref(values), weakref.ref(result)
    del values, result
    gc.collect()
    assert gone() is None
    assert gone_result() is None


def test_a_result_that_is_handed_out_again_cannot_be_changed():
    @last_result_kept
    def doubled(values):
        return values * 2

    with pytest.raises(ValueError, match="read-only"):
        doubled(np.arange(5.0))[0] = 1


def test_a_failure_is_not_kept():
    @last_result_kept
    def picky(values):
        if not values.flags.writeable:
            raise ValueError("read-only")
        return 1

    values = np.arange(3)
    values.flags.writeable = False
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            picky(values)
    values = np.arange(3)
    assert picky(values) == 1
