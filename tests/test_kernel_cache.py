"""Kernels compile where neither the installation nor the home folder can be written to."""

import os
from pathlib import Path

import pytest

from napari_calcium import _kernel_cache


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(_kernel_cache, "_writable", lambda folder: False)
    monkeypatch.setattr(_kernel_cache.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(_kernel_cache.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_nothing_is_set_where_the_usual_place_will_do(monkeypatch):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(_kernel_cache, "_writable", lambda folder: True)
    _kernel_cache.ensure_place()
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_the_users_own_choice_stands(nowhere, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "mine")
    _kernel_cache.ensure_place()
    assert os.environ["NUMBA_CACHE_DIR"] == "mine"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have owners on POSIX only")
def test_a_folder_of_ones_own_serves_again_and_again(nowhere, monkeypatch):
    places = []
    for _ in range(2):
        monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
        _kernel_cache.ensure_place()
        places.append(Path(os.environ["NUMBA_CACHE_DIR"]))
    assert places[0] == places[1] and places[0].parent == nowhere
    assert places[0].stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders have owners on POSIX only")
def test_a_folder_that_others_may_write_to_is_not_used(nowhere):
    prepared = nowhere / f"napari-calcium-kernels-{os.getuid()}"
    prepared.mkdir()
    prepared.chmod(0o777)
    _kernel_cache.ensure_place()
    assert Path(os.environ["NUMBA_CACHE_DIR"]) != prepared


def test_the_nearest_folder_that_exists_decides(tmp_path):
    assert _kernel_cache._writable(tmp_path / "not" / "there" / "yet")
