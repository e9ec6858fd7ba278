import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_calcium.progress import Cancelled, part, silent


def recorder(calls):
    return lambda done, total: calls.append((done, total))


@given(
    start=st.floats(0, 1), stop=st.floats(0, 1), total=st.integers(1, 500), steps=st.lists(st.floats(0, 1))
)
@settings(max_examples=100, deadline=None)
def test_a_part_stays_within_its_share_and_never_falls(start, stop, total, steps):
    start, stop = sorted((start, stop))
    calls = []
    report = part(recorder(calls), start, stop)
    for share in sorted(steps):
        report(round(share * total), total)
    shares = [done / total for done, total in calls]
    assert shares == sorted(shares)
    assert all(start - 0.001 <= share <= stop + 0.001 for share in shares)


def test_parts_in_a_row_fill_the_whole():
    calls = []
    for k in range(4):
        report = part(recorder(calls), k / 4, (k + 1) / 4)
        report(0, 7)
        report(7, 7)
    shares = [done / total for done, total in calls]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1


def test_parts_nest():
    calls = []
    report = part(part(recorder(calls), 0.5, 1.0), 0.5, 1.0)
    report(1, 2)
    assert calls[0][0] / calls[0][1] == pytest.approx(0.875, abs=0.002)


def test_the_total_never_changes_so_bars_do_not_jump():
    calls = []
    part(recorder(calls), 0, 0.3)(1, 10)
    part(recorder(calls), 0.3, 1)(5, 99_999)
    assert len({total for _, total in calls}) == 1


def test_nothing_to_do_counts_as_done():
    calls = []
    part(recorder(calls), 0.2, 0.6)(0, 0)
    assert calls[0][0] / calls[0][1] == pytest.approx(0.6)


def test_cancelling_passes_through():
    def cancel(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        part(part(cancel, 0, 0.5), 0, 1)(1, 2)


def test_silent_says_nothing(capsys):
    assert silent(1, 2) is None
    assert capsys.readouterr().out == ""
