import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info

from napari_calcium.numerics.blocks import apply_to_rows, map_blocks, map_rows, rows_per_block
from napari_calcium.progress import Cancelled


class Inline(Executor):
    """Runs at once in the caller's thread."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def centred(rows):
    return rows - rows.mean(axis=1, keepdims=True)


@given(n_rows=st.integers(0, 40), rows=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_blocks_cover_every_row_once_and_in_order(n_rows, rows):
    seen = []
    for block, result in map_blocks(lambda block: block, n_rows, rows, executor=Inline()):
        assert block == result
        assert 0 < block.stop - block.start <= rows
        seen.extend(range(block.start, block.stop))
    assert seen == list(range(n_rows))


@given(n_rows=st.integers(0, 40), rows=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_progress_rises_to_the_total(n_rows, rows):
    calls = []
    list(
        map_blocks(
            lambda block: None,
            n_rows,
            rows,
            on_progress=lambda done, total: calls.append((done, total)),
            executor=Inline(),
        )
    )
    assert calls[0] == (0, n_rows)
    assert calls[-1] == (n_rows, n_rows)
    assert [done for done, _ in calls] == sorted({done for done, _ in calls})


def test_rows_per_block_shrinks_with_the_length_and_never_to_zero():
    sizes = [rows_per_block(n) for n in (0, 1, 100, 15_000, 10**6, 10**9)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert rows_per_block(15_000, bytes_per_sample=80) < rows_per_block(15_000)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_same_bytes_for_any_number_of_workers(workers):
    traces = np.random.default_rng(0).normal(size=(23, 70_000)).astype(np.float32)
    expected = apply_to_rows(centred, traces, executor=Inline())
    with ThreadPoolExecutor(workers) as pool:
        assert apply_to_rows(centred, traces, executor=pool).tobytes() == expected.tobytes()
    assert apply_to_rows(centred, traces).tobytes() == expected.tobytes()


@pytest.mark.parametrize("shape", [(0, 5), (1, 1), (3, 4)])
def test_apply_to_rows_keeps_the_shape(shape):
    traces = np.ones(shape, np.float32)
    result = apply_to_rows(lambda rows: rows * 2.0, traces)
    assert result.dtype == np.float32
    assert_array_equal(result, traces * 2)


def test_a_function_is_sent_its_own_rows_only():
    """What a cluster's executor pickles must not grow with the recording."""
    sent = []

    class Spy(Inline):
        def submit(self, fn, /, *args, **kwargs):
            sent.append(args[0].shape[0])
            return super().submit(fn, *args, **kwargs)

    traces = np.zeros((10, 4), np.float32)
    apply_to_rows(lambda rows: rows, traces, bytes_per_sample=2**20, executor=Spy())
    assert sent == [4, 4, 2]


def test_cancelling_stops_the_work_and_leaves_no_thread():
    done = []

    def cancel(count, total):
        if count >= 3:
            raise Cancelled

    before = threading.active_count()
    with pytest.raises(Cancelled):
        list(map_blocks(lambda block: done.append(block), 10_000, 1, on_progress=cancel))
    assert len(done) < 10_000
    assert threading.active_count() == before


def test_an_error_in_a_worker_reaches_the_caller():
    def fail(block):
        raise ZeroDivisionError("in a worker")

    with pytest.raises(ZeroDivisionError, match="in a worker"):
        list(map_blocks(fail, 5, 1))


def test_an_executor_that_was_handed_in_stays_open():
    with ThreadPoolExecutor(1) as pool:
        list(map_blocks(lambda block: block, 4, 1, executor=pool))
        assert pool.submit(lambda: 7).result() == 7


def test_no_more_than_a_few_blocks_wait(monkeypatch):
    """Memory stays bounded: blocks are handed out only as results are taken."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    submitted = []

    class Spy(Inline):
        def submit(self, fn, /, *args, **kwargs):
            submitted.append(args)
            return super().submit(fn, *args, **kwargs)

    for taken, _ in enumerate(map_blocks(lambda block: block, 50, 1, executor=Spy())):
        assert len(submitted) <= taken + 2 * 2
    assert len(submitted) == 50


def test_blas_is_limited_while_blocks_run_and_free_afterwards():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    inside = [result for _, result in map_blocks(lambda block: threads(), 2, 1)]
    assert all(count == 1 for counts in inside for count in counts)
    assert threads() == before


def total_of(values, weights):
    return values.sum(), weights.sum()


def test_map_rows_hands_out_the_same_rows_of_each_array():
    values, weights = np.arange(30.0).reshape(10, 3), np.arange(10)
    for executor in (None, Inline()):
        parts = list(map_rows(total_of, (values, weights), 4, executor=executor))
        assert [(s.start, s.stop) for s, _ in parts] == [(0, 4), (4, 8), (8, 10)]
        for rows, found in parts:
            assert found == (values[rows].sum(), weights[rows].sum())


def test_map_rows_sends_no_more_than_the_rows():
    sent = []

    class Spy(Inline):
        def submit(self, fn, /, *args, **kwargs):
            sent.append(sum(a.nbytes for a in args if isinstance(a, np.ndarray)))
            return super().submit(fn, *args, **kwargs)

    values = np.zeros((8, 100))
    list(map_rows(np.sum, (values,), 2, executor=Spy()))
    assert sent == [values.nbytes // 4] * 4


def test_blas_is_limited_where_an_executor_works():
    def threads():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    with ThreadPoolExecutor(2) as pool:
        inside = [result for _, result in map_blocks(lambda block: threads(), 2, 1, executor=pool)]
    assert all(count == 1 for counts in inside for count in counts)


def test_an_executor_with_more_workers_gets_more_at_once():
    submitted = []

    class Cluster(Inline):
        n_workers = 8

        def submit(self, fn, /, *args, **kwargs):
            submitted.append(args)
            return super().submit(fn, *args, **kwargs)

    next(map_blocks(lambda block: block, 50, 1, executor=Cluster()))
    assert len(submitted) == 16
