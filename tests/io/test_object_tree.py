import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_calcium.cell_choice import CellChoice
from napari_calcium.io import object_tree
from napari_calcium.io.object_tree import from_plain, to_plain
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.results.tables import Table, same_array
from napari_calcium.rois import Rois


def there_and_back(value):
    arrays = {}
    text = json.dumps(to_plain(value, arrays.__setitem__, "x"))
    assert all(array.size and array.dtype.kind in "fiu" for array in arrays.values())
    return from_plain(json.loads(text), arrays.__getitem__)


def same(a, b):
    return same_array(a, b) if isinstance(a, np.ndarray) else a == b


DEFAULTS = [
    made
    for made in object_tree._KNOWN.values()
    if dataclasses.is_dataclass(made)
    and made is not Table
    and all(
        f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING
        for f in dataclasses.fields(made)
    )
]


@pytest.mark.parametrize("made", DEFAULTS, ids=lambda made: made.__name__)
def test_every_kind_of_result_comes_back(made):
    assert there_and_back(made()) == made()


arrays = st.one_of(
    hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3))
    for dtype in (np.float32, np.float64, np.int64, np.bool_, np.uint8)
)


@settings(max_examples=100, deadline=None)
@given(
    arrays
    | hnp.arrays("U4", 3, elements=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4))
)
def test_arrays_come_back_with_dtype_and_shape(array):
    assert same(there_and_back(array), array)


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3).map(tuple) | st.dictionaries(st.integers() | st.text(), inner)
        ),
        max_leaves=8,
    )
)
def test_plain_data_come_back(value):
    assert there_and_back(value) == value


def test_cells_choices_and_settings_come_back():
    rois = Rois.from_labels(np.array([[1, 1, 0], [0, 2, 2]]), ids=[5, 3])
    assert there_and_back(rois) == rois
    choices = (EventChoice(3, 1.5, "accept"), EventChoice(4, 0.1, "add"))
    assert there_and_back(choices) == choices and isinstance(there_and_back(choices)[0], EventChoice)
    assert there_and_back(CellChoice(threshold=2, rejected=(4,))) == CellChoice(threshold=2, rejected=(4,))


@pytest.mark.parametrize(
    "damage",
    [
        [],
        {"is": "object", "class": "Popen", "of": {}},
        {"is": "object", "class": "NDArray", "of": {}},
        {"is": "settings", "class": "Rois", "of": {}},
        {"is": "array", "shape": [1 << 60], "dtype": "<f8"},
        {"is": "array", "shape": [2], "dtype": "O", "name": "x"},
        {"is": "array", "shape": [2], "dtype": "<f8", "name": "gone"},
        {"is": "array", "shape": [3], "dtype": "<f8", "name": "x"},
        {"is": "later", "of": {}},
        {"is": "object", "class": "Rois", "of": {"wrong": 1}},
    ],
)
def test_damaged_data_are_refused(damage):
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_plain(damage, {"x": np.zeros(2)}.__getitem__)


def test_what_is_no_result_is_not_saved():
    with pytest.raises(TypeError, match=r"x\.a"):
        to_plain({"k": [object()]}, {}.__setitem__, "x.a")
