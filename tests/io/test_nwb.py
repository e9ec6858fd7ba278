from __future__ import annotations

import contextlib
import gzip
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from napari_calcium.cell_choice import CellChoice
from napari_calcium.io.errors import ReadError
from napari_calcium.io.nwb import is_nwb, read_nwb, save_nwb
from napari_calcium.io.nwb_session import NwbSession
from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import run
from napari_calcium.pipeline_settings import PipelineSettings, default_settings
from napari_calcium.recording import LogEntry, Movie, Recording, Source, Trace
from napari_calcium.results.behaviour_results import BehaviourFile, Signal
from napari_calcium.results.event_choices import EventChoice
from napari_calcium.results.tables import (
    Activations,
    Coactivity,
    EnsembleEvents,
    Ensembles,
    Events,
    Members,
    Motion,
)
from napari_calcium.rois import Rois
from napari_calcium.settings import SettingsError
from napari_calcium.simulate import demo_settings, simulate

numbers = st.floats(allow_nan=True, allow_infinity=False, width=32)
ids = st.integers(-(2**62), 2**62)
names = st.text(min_size=1, max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


def column(n, dtype):
    kind = np.dtype(dtype).kind
    values = {
        "f": numbers,
        "i": st.integers(-(2**31), 2**31 - 1),
        "b": st.booleans(),
        "u": st.integers(0, 200),
    }
    return hnp.arrays(dtype, n, elements=values[kind])


@st.composite
def table_of(draw, table, **more):
    n = draw(st.integers(0, 4))
    columns = {name: draw(column(n, empty.dtype)) for name, empty in table().columns().items()}
    return table(**columns, **{name: draw(strategy) for name, strategy in more.items()})


@st.composite
def ensemble_events(draw):
    table = draw(table_of(EnsembleEvents, expected_by_chance=numbers)) if draw(st.booleans()) else None
    n = 0 if table is None else len(table)
    lengths = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    columns = EnsembleEvents().columns() if table is None else table.columns()
    return EnsembleEvents(
        **columns,
        member_offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        member_ids=draw(column(sum(lengths), np.int64)),
        expected_by_chance=draw(numbers),
    )


@st.composite
def motions(draw):
    table = draw(table_of(Motion, line_phase_px=st.floats(-2, 2)))
    nodes = {name: draw(column(draw(st.integers(0, 3)), np.float64)) for name in ("node_y_px", "node_x_px")}
    shape = (len(table), len(nodes["node_y_px"]), len(nodes["node_x_px"]), 2)
    fields = draw(column(shape, np.float32))
    residual = draw(column(draw(st.integers(0, 4)), np.float64))
    rest = {"line_phase_px": table.line_phase_px, "residual_px": residual}
    return Motion(**table.columns(), fields=fields, **nodes, **rest)


@st.composite
def rois_of(draw, cells):
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 6)))
    chosen = draw(st.permutations(list(cells)))[: draw(st.integers(0, len(cells)))]
    n = len(chosen)
    dense = draw(hnp.arrays(np.float32, (n, shape[0] * shape[1]), elements=st.sampled_from([0, 0, 0.5, 2.0])))
    return Rois(
        np.array(chosen, np.int64),
        sparse.csr_array(dense),
        shape,
        draw(column(n, np.int64)),
        draw(column(n, np.bool_)),
        {name: draw(column(n, np.float64)) for name in draw(st.lists(names, unique=True, max_size=2))},
    )


@st.composite
def recordings(draw):
    cells = np.array(draw(st.lists(ids, unique=True, max_size=4)), np.int64)
    n, frames = len(cells), draw(st.integers(1, 5))
    optional = lambda strategy: draw(st.none() | strategy)  # noqa: E731
    traces = {
        name: Trace(draw(column((n, frames), np.float32)), draw(st.sampled_from(["a.u.", "ΔF/F", "z\x00\n"])))
        for name in draw(
            st.lists(
                st.sampled_from(["raw", "neuropil", "dff", "spikes", "id"]) | names, unique=True, max_size=3
            )
        )
    }
    image = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=4), elements=numbers)
    entry = st.builds(
        LogEntry,
        st.text(max_size=4),
        st.dictionaries(st.text(max_size=4), plain, max_size=3),
        *[st.lists(st.text(max_size=4), max_size=2).map(tuple)] * 3,
        version=st.text(max_size=3),
        seconds=st.floats(0, 1e6),
    )
    features = st.dictionaries(
        names, st.sampled_from([np.int64, np.float64, np.bool_, np.float32]), max_size=3
    )
    found = st.builds(
        Ensembles,
        table_of(Members),
        table_of(Activations),
        hnp.arrays(np.float32, st.integers(0, 3).map(lambda k: (k, k)), elements=numbers),
        st.lists(st.text(max_size=5), max_size=2).map(tuple),
        numbers,
    )
    kinds, motion = optional(features), optional(motions())
    return Recording(
        name=draw(st.text(max_size=6)),
        roi_ids=cells,
        frame_rate=optional(st.floats(1e-3, 1e4)),
        traces=traces,
        cell_names=tuple(draw(st.lists(st.text(max_size=4), min_size=n, max_size=n)))
        if draw(st.booleans())
        else (),
        rois=optional(rois_of(cells)),
        images={name: draw(image) for name in draw(st.lists(names, unique=True, max_size=2))},
        movie=optional(st.builds(Movie, st.just(np.zeros((frames, 3, 2), np.int16)), st.just("gone.tif"))),
        pixel_size_um=optional(st.floats(0.01, 10)),
        events=optional(table_of(Events, unit=st.sampled_from(["ΔF/F", "a.u."]))),
        coactivity=optional(table_of(Coactivity, window_s=st.floats(0.1, 9), step_s=st.floats(0.1, 9))),
        ensemble_events=optional(ensemble_events()),
        ensembles=optional(found),
        features=None if kinds is None else {name: draw(column(n, kind)) for name, kind in kinds.items()},
        recording_features=draw(st.dictionaries(names, numbers, max_size=2)),
        source=optional(st.builds(Source, names, st.integers(0, 2**50), st.text(max_size=5))),
        log=tuple(draw(st.lists(entry, max_size=2))),
        motion=motion,
    )


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(recording=recordings())
def test_any_recording_comes_back_equal(tmp_path_factory, recording):
    path = tmp_path_factory.mktemp("nwb") / "any.nwb"
    save_nwb(recording, path)
    again = read_nwb(path)
    assert again == recording
    assert [e.seconds for e in again.log] == [e.seconds for e in recording.log]
    assert list(again.traces) == list(recording.traces)
    assert [p.name for p in path.parent.iterdir()] == ["any.nwb"]


@pytest.fixture(scope="module")
def analysed():
    recording = simulate(demo_settings()).to_recording()
    return run(recording.replace(movie=None))


@pytest.fixture
def saved(analysed, tmp_path):
    path = tmp_path / "day1.nwb"
    save_nwb(analysed, path)
    return path


def test_a_whole_analysis_comes_back_and_can_be_opened_anywhere(analysed, saved):
    assert is_nwb(saved) and read_nwb(saved) == analysed == open_recording(saved)


def test_cells_are_pictures_too_of_which_only_what_is_not_empty_is_stored(analysed, saved):
    rois = analysed.rois
    with h5py.File(saved) as file:
        pictures = file["processing/ophys/ImageSegmentation/PlaneSegmentation/image_mask"]
        rows = analysed.rows(rois.ids)
        expected = rois.footprints.toarray().reshape(-1, *rois.shape)
        np.testing.assert_array_equal(pictures[...].transpose(0, 2, 1)[rows], expected)
        assert pictures.id.get_storage_size() < 0.3 * pictures.nbytes


def test_roiextractors_reads_cells_and_traces(analysed, saved):
    roiextractors = pytest.importorskip("roiextractors")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of versions to come
        found = roiextractors.NwbSegmentationExtractor(str(saved))
        masks, raw = found.get_roi_image_masks(), found.get_traces(name="raw")
    expected = analysed.rois.footprints.toarray().reshape(-1, *analysed.rois.shape)
    np.testing.assert_array_equal(np.moveaxis(masks, -1, 0), expected)
    np.testing.assert_array_equal(np.asarray(raw).T, analysed.traces["raw"].values)
    assert found.get_sampling_frequency() == analysed.frame_rate


def test_results_without_a_table_of_their_own_come_back(analysed, tmp_path):
    rows = np.arange(30)
    few = Recording(
        "few",
        analysed.roi_ids[rows],
        analysed.frame_rate,
        {"dff": Trace(analysed.traces["dff"].values[rows, :600], "ΔF/F")},
    )
    stages = ("population_activity", "correlation", "coupling", "dimensionality", "sorting", "cell_clusters")
    chosen = PipelineSettings().replace(**{stage: default_settings(stage) for stage in stages})
    found = run(few, chosen).replace(
        event_choices=(EventChoice(int(few.roi_ids[0]), 1.5, "add"),),
        candidates=analysed.rois,
        cell_choice=CellChoice(threshold=2.0, accepted=(3,)),
        behaviour_file=BehaviourFile(
            (Signal("speed", "cm/s", np.arange(3.0), np.array([1.0, np.nan, 2.0])),)
        ),
    )
    assert found.population is not None
    save_nwb(found, tmp_path / "few.nwb")
    assert read_nwb(tmp_path / "few.nwb") == found


@pytest.mark.parametrize("layout", [1])
def test_files_of_every_earlier_layout_open(layout, tmp_path):
    path = tmp_path / "old.nwb"
    fixture = Path(__file__).parent / "fixtures" / f"layout_{layout}.nwb.gz"
    path.write_bytes(gzip.decompress(fixture.read_bytes()))
    old = read_nwb(path)
    assert (old.n_rois, old.n_frames, old.frame_rate) == (16, 600, 5.0)
    assert old.traces.keys() == {"raw", "dff"} and len(old.rois) == 16
    assert (len(old.events), len(old.ensemble_events), len(old.ensembles.members)) == (137, 17, 6)
    save_nwb(old, tmp_path / "new.nwb")
    assert read_nwb(tmp_path / "new.nwb") == old


def test_a_file_written_before_the_motion_that_is_left_was_kept_opens(tmp_path):
    motion = Motion(*np.zeros((3, 4)), np.zeros(4, bool), residual_px=np.ones(3))
    found = Recording(
        "film", np.empty(0, np.int64), 10.0, {"raw": Trace(np.empty((0, 4), np.float32), "a.u.")}
    )
    save_nwb(found.replace(motion=motion), tmp_path / "film.nwb")
    with h5py.File(tmp_path / "film.nwb", "r+") as file:
        del file["scratch/motion_residual_px"]
    assert len(read_nwb(tmp_path / "film.nwb").motion.residual_px) == 0


def test_pynwb_reads_it_as_any_ophys_file(analysed, saved):
    from pynwb import NWBHDF5IO

    with NWBHDF5IO(str(saved), "r") as file:
        ophys = file.read().processing["ophys"]
        series = ophys["DfOverF"]["Dff"]
        np.testing.assert_array_equal(series.data[:].T, analysed.traces["dff"].values)
        assert series.rate == analysed.frame_rate and series.unit == "ΔF/F"
        table = ophys["ImageSegmentation"]["PlaneSegmentation"]
        np.testing.assert_array_equal(table.id[:], analysed.roi_ids)
        row = 7
        dense = np.zeros(analysed.rois.shape, np.float32)
        for x, y, weight in table["pixel_mask"][row]:
            dense[y, x] = weight
        expected = analysed.rois.footprints[[row]].toarray().reshape(dense.shape)
        np.testing.assert_array_equal(dense, expected)
        image = ophys["SummaryImages"]["mean"].data[:]
        np.testing.assert_array_equal(image.T, analysed.images["mean"])


def test_our_own_file_read_as_one_of_others_has_the_same_traces_and_cells(analysed, saved):
    import h5py

    with h5py.File(saved, "r+") as file:
        del file["scratch/napari_calcium_recording"]
    other = read_nwb(saved)
    assert other.frame_rate == analysed.frame_rate
    np.testing.assert_array_equal(other.roi_ids, analysed.roi_ids)
    assert other.traces["raw"] == analysed.traces["raw"] and other.traces["dff"] == analysed.traces["dff"]
    assert (other.rois.footprints != analysed.rois.footprints).nnz == 0
    np.testing.assert_array_equal(other.images["mean"], analysed.images["mean"])


def test_the_movie_is_linked_and_found_where_it_was_moved_with_the_file(tmp_path):
    frames = np.arange(240, dtype=np.uint16).reshape(5, 6, 8)
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    tifffile.imwrite(here / "movie.tif", frames)
    recording = Recording("m", np.arange(0), 10.0, movie=Movie(frames, str(here / "movie.tif")))
    save_nwb(recording, here / "m.nwb")
    assert (here / "m.nwb").stat().st_size < 400_000
    here.rename(there)
    again = read_nwb(there / "m.nwb")
    assert again == recording and again.n_frames == 5 and again.movie.data.available
    np.testing.assert_array_equal(again.movie.data[2], frames[2])
    (there / "movie.tif").unlink()
    lost = read_nwb(there / "m.nwb")
    assert lost == recording and not lost.movie.data.available
    with pytest.raises(ReadError, match=r"movie\.tif: the movie is no longer there"):
        lost.movie.data[0]
    tifffile.imwrite(there / "movie.tif", frames[:2])
    with pytest.raises(ReadError, match="the recording was saved with one of"):
        lost.movie.data[0]


# Saving is atomic


class Stopped(Exception):
    pass


def test_a_save_that_fails_leaves_the_old_file(analysed, saved):
    before = saved.read_bytes()

    def stop(done, total):
        if done:
            raise Stopped

    with pytest.raises(Stopped):
        save_nwb(analysed, saved, on_progress=stop)
    assert saved.read_bytes() == before and [p.name for p in saved.parent.iterdir()] == ["day1.nwb"]


def test_what_archives_ask_for_stands_where_pynwb_looks_for_it(analysed, tmp_path):
    import pynwb

    session = NwbSession(
        subject_id="M7",
        species="Mus musculus",
        sex="F",
        age="P90D",
        session_description="drifting gratings",
        experimenter="Cajal, Santiago",
        institution="Madrid",
        indicator="GCaMP6f",
        location="V1",
    )
    path = tmp_path / "a.nwb"
    save_nwb(analysed, path, session=session)
    with pynwb.NWBHDF5IO(str(path), "r") as file:
        nwb = file.read()
        assert (nwb.subject.subject_id, nwb.subject.species, nwb.subject.sex, nwb.subject.age) == (
            "M7",
            "Mus musculus",
            "F",
            "P90D",
        )
        assert nwb.session_description == "drifting gratings" and nwb.institution == "Madrid"
        assert nwb.experimenter == ("Cajal, Santiago",)
        plane = nwb.imaging_planes["ImagingPlane"]
        assert (plane.indicator, plane.location) == ("GCaMP6f", "V1")
    assert read_nwb(path).replace(session_facts={}) == analysed
    with pytest.raises(SettingsError, match="age"):
        NwbSession.validated({"age": "90 days"})


def test_progress_reaches_its_total(analysed, tmp_path):
    calls = []
    save_nwb(analysed, tmp_path / "a.nwb", on_progress=lambda *call: calls.append(call))
    assert calls[-1][0] == calls[-1][1] == sum(t.values.nbytes for t in analysed.traces.values())


def test_a_folder_that_cannot_be_written_to_is_one_clear_error(analysed, tmp_path):
    with pytest.raises(OSError, match="no-such-folder"):
        save_nwb(analysed, tmp_path / "no-such-folder" / "a.nwb")


SAVER = """
import os, sys
import numpy as np
import pynwb
from napari_calcium.io.nwb import save_nwb
from napari_calcium.recording import Recording, Trace
version = 0
for line in sys.stdin:
    version += 1
    child = os.fork()
    if not child:
        values = np.full((50, 20_000), version, np.float32)
        recording = Recording(f"version {version}", np.arange(50), 30.0, {"raw": Trace(values, "a.u.")})
        print(os.getpid(), flush=True)
        save_nwb(recording, sys.argv[1])
        print("saved", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("over", flush=True)
"""


@contextlib.contextmanager
def ended_in_time(process, longest_s):
    """End a process and those it started after a while, so that nothing waits for them for ever."""
    watch = threading.Timer(longest_s, os.killpg, (process.pid, signal.SIGKILL))
    watch.start()
    try:
        yield
    finally:
        watch.cancel()


def told(process):
    """Return the next line that a process says; it fails where that has ended."""
    line = process.stdout.readline()
    assert line, "the process that saves is gone, or took far too long and was ended"
    return line.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_killed_at_any_moment_it_leaves_one_whole_file(tmp_path):
    """200 kills: NAPARI_CALCIUM_KILLS=200 pytest -k killed."""
    path, rng = tmp_path / "a.nwb", np.random.default_rng(0)
    rounds, killed, seen = int(os.environ.get("NAPARI_CALCIUM_KILLS", "25")), 0, []
    takes = 0.0
    command = [sys.executable, "-c", SAVER, str(path)]
    # A process forked while other threads hold a lock may wait for it for ever.
    alone = os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(command, **pipes, env=alone, start_new_session=True) as saver,
        ended_in_time(saver, 60 + 10 * rounds),
    ):
        for k in range(rounds + 1):
            saver.stdin.write("go\n")
            saver.stdin.flush()
            child = int(told(saver))
            began = time.perf_counter()
            if k:
                time.sleep(rng.uniform(0, takes))
                with contextlib.suppress(ProcessLookupError):  # it was faster
                    os.kill(child, signal.SIGKILL)
            lines = [told(saver)]
            while lines[-1] != "over":
                lines.append(told(saver))
            takes = takes if k else time.perf_counter() - began
            killed += "saved" not in lines
            recording = read_nwb(path)
            version = int(recording.name.split()[1])
            assert (recording.traces["raw"].values == version).all()
            assert not seen or version >= seen[-1]
            seen.append(version)
        saver.stdin.close()
    assert killed >= rounds // 4


# Files that are not what they claim


def tampered(path: Path, change) -> None:
    import h5py

    with h5py.File(path, "r+") as file:
        change(file)


ABOUT = "scratch/napari_calcium_recording"


def test_a_file_of_a_later_version_says_so(saved):
    def later(file):
        text = file[ABOUT][()].decode().replace('"schema_version": 2', '"schema_version": 3')
        file[ABOUT][()] = text

    tampered(saved, later)
    with pytest.raises(ReadError, match="saved in layout 3, this program reads layout 2"):
        read_nwb(saved)


def test_a_field_that_is_missing_is_named(saved):
    tampered(saved, lambda file: file.pop("processing/ophys/DfOverF/Dff/data"))
    with pytest.raises(ReadError, match=r"day1\.nwb: processing/ophys/DfOverF/Dff/data: is missing"):
        read_nwb(saved)


def test_numbers_in_another_file_are_not_read(saved, tmp_path):
    import h5py

    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.ones((3, 3), np.float32)

    def link(file):
        del file["processing/ophys/DfOverF/Dff/data"]
        file["processing/ophys/DfOverF/Dff/data"] = h5py.ExternalLink("secret.h5", "data")

    tampered(saved, link)
    with pytest.raises(ReadError, match="lies in another file"):
        read_nwb(saved)


def test_numbers_in_external_storage_are_not_read(saved, tmp_path):
    (tmp_path / "passwd").write_bytes(b"\0" * 400)

    def outside(file):
        del file["processing/ophys/DfOverF/Dff/data"]
        file["processing/ophys/DfOverF/Dff"].create_dataset(
            "data", (10, 10), "f4", external=[(str(tmp_path / "passwd"), 0, 400)]
        )

    tampered(saved, outside)
    with pytest.raises(ReadError, match="in another file"):
        read_nwb(saved)


def test_a_huge_declared_size_is_refused(saved):
    def huge(file):
        group = file["processing/ophys/DfOverF/Dff"]
        del group["data"]
        group.create_dataset("data", (10**7, 10**7), "f4", chunks=(100, 100))

    tampered(saved, huge)
    with pytest.raises(ReadError, match="declares 400,000,000,000,000 bytes, of which the file holds 0"):
        read_nwb(saved)


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("processing/ophys/ImageSegmentation/PlaneSegmentation/id", "/id: must hold whole numbers"),
        ("processing/ophys/ImageSegmentation/PlaneSegmentation/place", "/place: must hold whole numbers"),
        ("processing/napari_calcium/events/roi_id", "does not fit what the file holds"),
    ],
)
def test_numbers_that_are_none_are_refused(saved, field, message):
    def spoil(file):
        n = len(file[field])
        del file[field]
        file[field] = np.full(n, np.nan)

    tampered(saved, spoil)
    with pytest.raises(ReadError, match=message):
        read_nwb(saved)


def test_no_nwb_file(tmp_path):
    path = tmp_path / "a.nwb"
    path.write_bytes(b"neither")
    with pytest.raises(ReadError, match=r"a\.nwb: cannot be read"):
        open_recording(path)


def test_damaged_files_do_no_harm(tmp_path, check_reader):
    small = Recording("s", np.arange(3), 10.0, {"raw": Trace(np.ones((3, 50), np.float32), "a.u.")})
    path = tmp_path / "s.nwb"
    save_nwb(small.replace(events=Events()), path)
    check_reader(path, lambda: read_nwb(path), 120)
