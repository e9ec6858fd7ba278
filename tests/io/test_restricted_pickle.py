from __future__ import annotations

import datetime
import io
import os
import pathlib
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_calcium.io.errors import ReadError
from napari_calcium.io.restricted_pickle import load_npy


def same(a, b) -> bool:
    if isinstance(a, np.ndarray):
        same_type = isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape
        if same_type and a.dtype == object:
            return all(same(x, y) for x, y in zip(a.ravel(), b.ravel(), strict=True))
        return same_type and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


arrays = hnp.arrays(
    st.sampled_from(["<f4", ">f8", "i2", "u1", "?", "<U3", "c8"]), hnp.array_shapes(min_dims=0, max_side=4)
)
plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
things = st.recursive(
    plain | arrays | st.sampled_from([np.float64(2.5), np.int32(-3), np.bool_(True), np.str_("soma")]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(thing=things, fortran=st.booleans(), protocol=st.sampled_from([3, 4, 5]))
def test_what_numpy_pickles_comes_back(tmp_path_factory, thing, fortran, protocol):
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    cell = np.empty((), object)
    cell[()] = {
        "thing": thing,
        "image": np.asarray(np.arange(6.0).reshape(2, 3), order="F" if fortran else "C"),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"shape": (), "fortran_order": False, "descr": np.lib.format.dtype_to_descr(cell.dtype)}
        )
        pickle.dump(cell, file, protocol=protocol)
    assert same(load_npy(path).item(), cell.item())


@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_arrays_are_mapped_and_read_only(tmp_path, order):
    values = np.asarray(np.arange(12, dtype=np.float32).reshape(3, 4), order=order)
    np.save(tmp_path / "F.npy", values)
    loaded = load_npy(tmp_path / "F.npy")
    np.testing.assert_array_equal(loaded, values)
    assert isinstance(loaded, np.memmap) and not loaded.flags.writeable


def test_empty_arrays(tmp_path):
    np.save(tmp_path / "a.npy", np.empty((0, 7), np.float32))
    assert load_npy(tmp_path / "a.npy").shape == (0, 7)
    np.save(tmp_path / "b.npy", np.empty(0, object))
    assert load_npy(tmp_path / "b.npy").shape == (0,)


def test_paths_and_dates_become_texts(tmp_path):
    content = {
        "where": pathlib.PurePosixPath("/data/mouse"),
        "when": datetime.datetime(2024, 1, 2),
        "fs": 30.0,
    }
    np.save(tmp_path / "ops.npy", np.array(content, object))
    loaded = load_npy(tmp_path / "ops.npy").item()
    assert loaded["fs"] == 30.0 and isinstance(loaded["where"], str) and isinstance(loaded["when"], str)
    assert loaded["where"].endswith("mouse")


def test_shared_arrays_stay_shared(tmp_path):
    shared = np.arange(3)
    np.save(tmp_path / "a.npy", np.array([{"a": shared}, {"a": shared}], object))
    one, two = load_npy(tmp_path / "a.npy")
    assert one["a"] is two["a"]


class Runs:
    def __init__(self, call, *arguments):
        self.call = call, arguments

    def __reduce__(self):
        return self.call


def npy_of(pickled: bytes, shape=()) -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"shape": shape, "fortran_order": False, "descr": "|O"})
    return out.getvalue() + pickled


RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
HOSTILE = {
    "a program": pickle.dumps(Runs(os.system, "touch PWNED")),
    "an evaluation": pickle.dumps(Runs(eval, "open('PWNED', 'w')")),
    "an attribute": b"c__builtin__\ngetattr\n(cnumpy\nndarray\nS'x'\ntR.",
    "numpy's own loader": b"cnumpy\nload\n(S'x.npy'\ntR.",
    "a module inside numpy": b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR.",
    "an extension": b"\x82\x01.",
    "a persistent id": b"Ppid\n.",
    "an attribute of what it calls": b"cnumpy\ndtype\n(N}S'_make'\nNsb.",
    "a huge memo": b"Nr\xff\xff\xff\xff.",
    "a huge text": b"\x8d" + struct.pack("<Q", 2**62) + b"a.",
    "a huge frame": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"N.",
    "raw bytes for objects": RECONSTRUCT
    + b"(cnumpy\nndarray\n(I0\ntC\x01btR(I1\n(I4\ntcnumpy\ndtype\n(S'O8'\nI0\nI1\ntRI0\nC\x08AAAAAAAAtb.",
    "an array larger than its bytes": RECONSTRUCT
    + b"(cnumpy\nndarray\n(I0\ntC\x01btR(I1\n(I999999999999\ntcnumpy\ndtype\n(S'f8'\nI0\nI1\ntRI0\nC\x01Atb.",
    "a list that holds itself": b"]q\x00h\x00a.",
    "nothing": b"",
    "a name for a value": b"cnumpy\ndtype\n.",
    "nesting without end": b"]" * 100_000 + b"a" * 99_999 + b".",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_pickles_are_refused_and_do_nothing(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stat.npy").write_bytes(npy_of(HOSTILE[what]))
    with pytest.raises(ReadError, match=r"^stat\.npy: .+") as caught:
        load_npy(tmp_path / "stat.npy")
    assert "\n" not in str(caught.value) and [p.name for p in tmp_path.iterdir()] == ["stat.npy"]


def test_the_name_that_was_asked_for_is_told(tmp_path):
    (tmp_path / "ops.npy").write_bytes(npy_of(HOSTILE["an evaluation"]))
    with pytest.raises(ReadError, match=r"builtins\.eval"):
        load_npy(tmp_path / "ops.npy")


def test_calls_cannot_be_changed():
    from napari_calcium.io.restricted_pickle import _MADE

    before = dict(_MADE)
    for maker in before.values():
        with pytest.raises(pickle.UnpicklingError):
            maker.anything = 1


@pytest.mark.parametrize("shape", [(10**6, 10**6), (2**62, 4)])
def test_a_heading_that_declares_more_than_the_file_holds(tmp_path, shape):
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"shape": shape, "fortran_order": False, "descr": "<f4"})
    (tmp_path / "F.npy").write_bytes(out.getvalue() + b"1234")
    with pytest.raises(ReadError, match=r"F\.npy: its heading declares"):
        load_npy(tmp_path / "F.npy")


def test_no_numpy_file(tmp_path):
    (tmp_path / "F.npy").write_bytes(b"neither this nor that")
    with pytest.raises(ReadError, match=r"F\.npy: no NumPy file"):
        load_npy(tmp_path / "F.npy")
    with pytest.raises(ReadError, match=r"G\.npy: "):
        load_npy(tmp_path / "G.npy")


def test_damaged_files_do_no_harm(tmp_path, check_reader):
    stat = [{"ypix": np.arange(5), "lam": np.ones(5, np.float32), "med": [1, 2], "snr": np.float32(2)}] * 3
    path = tmp_path / "stat.npy"
    np.save(path, np.array(stat, object))
    assert check_reader(path, lambda: load_npy(path), 400) > 200
