"""What a file says of animal, session and microscope is kept through opening, analysing and saving."""

from __future__ import annotations

from datetime import UTC, datetime

import h5py
import numpy as np
import pynwb
import pytest
from pynwb.file import Subject
from pynwb.ophys import Fluorescence, ImageSegmentation, OpticalChannel

from napari_calcium.io.nwb import read_nwb, save_nwb
from napari_calcium.io.nwb_session import NwbSession
from napari_calcium.io.results_folder import new_results_folder, write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.recording import Recording, Trace

START = datetime(2024, 3, 1, 9, 30, tzinfo=UTC)
FACTS = {
    "session_description": "drifting gratings,\nawake",
    "session_start_time": START.isoformat(),
    "session_id": "2024-03-01_a",
    "experiment_description": "tuning in V1",
    "institution": "Example Institute",
    "lab": "Lab of someone",
    "notes": "it rained\nall day",
    "pharmacology": "none",
    "protocol": "12/34",
    "slices": "no",
    "data_collection": "ScanImage",
    "surgery": "window",
    "virus": "AAV",
    "stimulus_notes": "eight directions",
    "experimenter": ("Cajal, Santiago", "Levi, Rita"),
    "keywords": ("vision", "µm"),
    "related_publications": ("doi:10.1/x",),
    "subject.subject_id": "M7",
    "subject.description": "a mouse",
    "subject.species": "Mus musculus",
    "subject.sex": "F",
    "subject.age": "P90D",
    "subject.age__reference": "birth",
    "subject.genotype": "wt/wt",
    "subject.strain": "C57BL/6J",
    "subject.weight": "21 g",
    "subject.date_of_birth": datetime(2023, 12, 2, tzinfo=UTC).isoformat(),
    "plane.description": "2.30",
    "plane.indicator": "GCaMP8m",
    "plane.location": "V1",
    "plane.excitation_lambda": 920.0,
    "channel.name": "green",
    "channel.description": "GCaMP",
    "channel.emission_lambda": 510.0,
    "channel2.name": "red",
    "channel2.description": "tdTomato",
    "channel2.emission_lambda": 581.0,
    "device.name": "Mesoscope",
    "device.description": "two-photon; manufacturer: someone; serial number: 5",
}


def recording(**more) -> Recording:
    return Recording("r", np.arange(2), 10.0, {"raw": Trace(np.ones((2, 30), np.float32), "a.u.")}, **more)


@pytest.fixture
def foreign(tmp_path):
    """Return a file such as archives hold, written by pynwb alone."""
    of = {name.removeprefix("subject."): v for name, v in FACTS.items() if name.startswith("subject.")}
    texts = {name: v for name, v in FACTS.items() if "." not in name and name != "session_start_time"}
    nwb = pynwb.NWBFile(
        identifier="1",
        session_start_time=START,
        subject=Subject(**of | {"date_of_birth": datetime.fromisoformat(of["date_of_birth"])}),
        **texts,
    )
    told = ("name", "description", "emission_lambda")
    channels = [
        OpticalChannel(**{name: FACTS[f"{key}.{name}"] for name in told}) for key in ("channel", "channel2")
    ]
    plane = nwb.create_imaging_plane(
        name="plane",
        optical_channel=channels,
        description="2.30",
        device=nwb.create_device(name="Mesoscope", description="two-photon"),
        excitation_lambda=920.0,
        indicator="GCaMP8m",
        location="V1",
        grid_spacing=[1.5e-6, 1.5e-6],
    )
    segmentation = ImageSegmentation()
    cells = segmentation.create_plane_segmentation(name="cells", imaging_plane=plane, description="cells")
    for k in range(2):
        cells.add_roi(pixel_mask=[(k, k, 1.0)])
    ophys = nwb.create_processing_module(name="ophys", description="-")
    ophys.add(segmentation)
    fluorescence = Fluorescence()
    ophys.add(fluorescence)
    region = cells.create_roi_table_region(description="all", region=[0, 1])
    fluorescence.create_roi_response_series(
        name="raw", data=np.ones((30, 2)), rois=region, unit="a.u.", rate=10.0
    )
    with pynwb.NWBHDF5IO(tmp_path / "foreign.nwb", "w") as file:
        file.write(nwb)
    with h5py.File(tmp_path / "foreign.nwb", "r+") as file:
        # Where versions of pynwb differ.
        file["general/devices/Mesoscope"].attrs.update({"manufacturer": "someone", "serial_number": "5"})
    return tmp_path / "foreign.nwb"


def test_all_that_a_file_says_is_read_and_its_pixels_have_a_size(foreign):
    found = read_nwb(foreign)
    assert dict(found.session_facts) == FACTS
    assert found.pixel_size_um == 1.5


def test_what_was_read_is_saved_and_opened_again_twice(foreign, tmp_path):
    found = read_nwb(foreign)
    save_nwb(found, tmp_path / "one.nwb")
    again = read_nwb(tmp_path / "one.nwb")
    save_nwb(again, tmp_path / "two.nwb")
    assert read_nwb(tmp_path / "two.nwb") == again == found
    with pynwb.NWBHDF5IO(tmp_path / "two.nwb", "r") as file:
        nwb = file.read()
        assert (nwb.lab, nwb.subject.genotype, nwb.session_start_time) == ("Lab of someone", "wt/wt", START)
        assert list(nwb.devices) == ["Mesoscope"]
        plane = nwb.imaging_planes["ImagingPlane"]
        assert [c.name for c in plane.optical_channel] == ["green", "red"]
        assert "it rained" in nwb.notes and "saved by napari-calcium" in nwb.notes
        assert "time of saving" not in nwb.notes


def test_a_results_folder_keeps_it_too(foreign, tmp_path):
    found = read_nwb(foreign)
    with new_results_folder(tmp_path / "results") as folder:
        write_results(found, folder, "")
    assert read_results(tmp_path / "results").session_facts == found.session_facts


def test_what_only_fills_a_gap_is_no_fact(tmp_path):
    save_nwb(recording(), tmp_path / "a.nwb")
    assert dict(read_nwb(tmp_path / "a.nwb").session_facts) == {}


def test_what_is_said_when_saving_overrules_and_stays(foreign, tmp_path):
    session = NwbSession(subject_id="M8", indicator="jGCaMP8s", experimenter="Hodgkin, Dorothy")
    save_nwb(read_nwb(foreign), tmp_path / "a.nwb", session=session)
    said = {
        "subject.subject_id": "M8",
        "plane.indicator": "jGCaMP8s",
        "experimenter": ("Hodgkin, Dorothy",),
    }
    assert dict(read_nwb(tmp_path / "a.nwb").session_facts) == FACTS | said


def test_a_start_that_is_told_stays(tmp_path):
    save_nwb(recording(), tmp_path / "a.nwb", session_start=START)
    assert dict(read_nwb(tmp_path / "a.nwb").session_facts) == {"session_start_time": START.isoformat()}


def test_facts_that_no_file_could_hold_do_not_stop_saving(tmp_path):
    odd = {
        "device.name": "a/b:c",
        "channel.name": "",
        "plane.excitation_lambda": "blue",
        "session_start_time": "yesterday",
        "subject.date_of_birth": "spring",
        "subject.age__reference": "hatching",
        "who knows": "x",
    }
    save_nwb(recording(session_facts=odd), tmp_path / "a.nwb")
    assert dict(read_nwb(tmp_path / "a.nwb").session_facts) == {"device.name": "abc"}


def test_what_is_damaged_is_left_out(foreign):
    with h5py.File(foreign, "r+") as file:
        for path, value in (("general/lab", [1, 2]), ("general/protocol", 12)):
            del file[path]
            file[path] = value
        del file["general/institution"]
        file["general/institution"] = h5py.ExternalLink("other.h5", "x")
        file["general/experimenter"][...] = ["a" * 200_000, "b"]
    found = read_nwb(foreign).session_facts
    assert found.keys() == FACTS.keys() - {"lab", "institution"}
    assert max(map(len, found["experimenter"])) == 100_000


def test_what_suite2p_makes_up_is_no_fact(foreign):
    with h5py.File(foreign, "r+") as file:
        file["session_description"][()] = "suite2p_proc"
    assert dict(read_nwb(foreign).session_facts) == {}
