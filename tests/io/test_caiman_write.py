import h5py
import numpy as np
import pytest

from napari_calcium.io.caiman import read_caiman
from napari_calcium.io.caiman_write import write_caiman
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.recording import Recording, Trace
from napari_calcium.rois import Rois

ALL = CsvSettings(rejected_cells="keep")


def recording(**traces):
    rng = np.random.default_rng(0)
    image = np.zeros((12, 20), int)
    image[1:4, 2:7], image[6:10, 8:12], image[2:9, 15:18] = 1, 2, 3
    found = Rois.from_labels(image, ids=[4, 9, 2])
    weights = found.footprints.copy()
    weights.data = rng.uniform(0.1, 1, weights.nnz).astype(np.float32)
    rois = Rois(
        found.ids,
        weights,
        found.shape,
        accepted=np.array([True, False, True]),
        quality={"snr": np.arange(3.0)},
    )
    made = {"raw": "a.u.", "dff": "ΔF/F", "spikes": "spikes/s"} | traces
    values = {name: Trace(rng.random((3, 50)).astype(np.float32), unit) for name, unit in made.items()}
    pictures = {"local_correlation": rng.random((12, 20)).astype(np.float32)}
    return Recording("r", rois.ids, 15.0, values, rois=rois, images=pictures)


@pytest.mark.parametrize("traces", [{}, {"corrected": "a.u."}, {"denoised": "ΔF/F"}, {"denoised": "a.u."}])
def test_what_is_written_is_read_back(tmp_path, traces):
    given = recording(**traces)
    write_caiman(given, tmp_path / "r.hdf5")
    back = read_caiman(tmp_path / "r.hdf5", ALL)
    light = "corrected" if "corrected" in traces else "raw"
    np.testing.assert_allclose(back.traces["raw"].values, given.traces[light].values, atol=1e-6)
    for name in ("dff", "spikes"):
        np.testing.assert_array_equal(back.traces[name].values, given.traces[name].values)
    np.testing.assert_array_equal(back.rois.footprints.toarray(), given.rois.footprints.toarray())
    np.testing.assert_array_equal(back.rois.accepted, given.rois.accepted)
    np.testing.assert_array_equal(back.rois.quality["snr"], given.rois.quality["snr"])
    np.testing.assert_array_equal(back.images["local_correlation"], given.images["local_correlation"])
    assert back.frame_rate == 15.0


def test_pixels_are_counted_along_y_first(tmp_path):
    given = recording()
    write_caiman(given, tmp_path / "r.hdf5")
    with h5py.File(tmp_path / "r.hdf5") as file:
        flat = np.zeros((240, 3))
        pointer = file["estimates/A/indptr"][...]
        for k in range(3):
            part = slice(pointer[k], pointer[k + 1])
            flat[file["estimates/A/indices"][part], k] = file["estimates/A/data"][part]
        assert tuple(file["estimates/A/shape"]) == (240, 3)
        assert file["estimates/b"].shape == (240, 1) and file["estimates/f"].shape == (1, 50)
    pictures = flat.T.reshape(3, 20, 12).transpose(0, 2, 1)
    np.testing.assert_allclose(pictures.reshape(3, -1), given.rois.footprints.toarray(), rtol=1e-6)


def test_what_is_lacking_is_said(tmp_path):
    given = recording()
    for changes, lacking in (
        ({"rois": None}, "ROIs"),
        ({"frame_rate": None}, "frame rate"),
        ({"traces": {}}, "raw"),
    ):
        with pytest.raises(ValueError, match=lacking):
            write_caiman(given.replace(**changes), tmp_path / "r.hdf5")
    assert not list(tmp_path.iterdir())


def test_roiextractors_reads_what_is_written(tmp_path):
    roiextractors = pytest.importorskip("roiextractors")
    given = recording(denoised="a.u.")
    write_caiman(given, tmp_path / "r.hdf5")
    found = roiextractors.CaimanSegmentationExtractor(tmp_path / "r.hdf5")
    assert found.get_sampling_frequency() == 15.0 and tuple(found.get_frame_shape()) == (12, 20)
    for theirs, ours in (("raw", "raw"), ("dff", "dff"), ("denoised", "denoised"), ("deconvolved", "spikes")):
        np.testing.assert_allclose(
            np.asarray(found.get_traces(name=theirs)).T, given.traces[ours].values, atol=1e-6
        )
    masks = np.moveaxis(found.get_roi_image_masks(roi_ids=[0, 1, 2]), -1, 0)
    np.testing.assert_allclose(masks.reshape(3, -1), given.rois.footprints.toarray(), rtol=1e-6)
    assert found.get_property("is_accepted", ids=[0, 1, 2]).tolist() == [True, False, True]
    assert found.get_property("snr", ids=[0, 1, 2]).tolist() == [0, 1, 2]
