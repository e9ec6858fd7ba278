import logging
from typing import get_args

import pytest

from napari_calcium.numerics.indicators import INDICATORS
from napari_calcium.spikes.families import FAMILIES, IndicatorName, cell_type_index, family_index

NAMES = get_args(get_args(IndicatorName)[0])


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("OGB1", 1),
        ("OGB-1", 1),
        ("Cal520", 1),
        ("GCaMP6f", 2),
        ("jGCaMP7f", 2),
        ("gcamp6F-neuropil", 2),
        ("GCaMP6s", 3),
        ("GCaMP8m", 4),
        ("jGCaMP8s", 4),
        ("XCaMPgf", 4),
        ("XCaMP-Gf", 4),
        ("R-CaMP", 5),
        ("R-CaMP1.07", 5),
        ("jRCaMP1a", 5),
        ("jGECO1a", 5),
        ("jRGECO1a", 5),
        ("unknown", 0),
        ("GCaMP5k", 2),
    ],
)
def test_an_indicator_is_known_by_any_common_spelling(name, family, caplog):
    assert family_index(name) == family
    assert not caplog.records


def test_a_name_that_is_not_known_counts_as_unknown_and_the_log_says_so(caplog):
    with caplog.at_level(logging.WARNING):
        assert family_index("Quin-2") == 0
    assert "'Quin-2'" in caplog.text and FAMILIES[1] in caplog.text


def test_every_preset_is_known(caplog):
    assert set(NAMES) == {"unknown", *INDICATORS}
    for name in NAMES:
        family_index(name)
    assert not caplog.records


def test_a_cell_type_must_be_one_of_three():
    assert [cell_type_index(name) for name in ("unknown", "excitatory", "inhibitory")] == [0, 1, 2]
    with pytest.raises(ValueError, match="one of unknown, excitatory, inhibitory, got 'PV'"):
        cell_type_index("PV")
