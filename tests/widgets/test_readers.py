"""Files opened through napari's reader mechanism, as a drop on the window does."""

from __future__ import annotations

from pathlib import Path

import napari
import npe2
import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel

from napari_calcium.io.errors import ReadError
from napari_calcium.io.nwb import save_nwb
from napari_calcium.io.opening import open_recording
from napari_calcium.io.results_folder import write_results
from napari_calcium.recording import Movie
from napari_calcium.widgets import close_guard, readers
from napari_calcium.widgets.readers import read_folder, read_recording, read_table, read_tiff
from napari_calcium.widgets.tissue_layers import layer_role
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture
def files(tmp_path, simulation) -> Path:
    simulation.write_csv(tmp_path / "demo.csv")
    simulation.write_labels(tmp_path / "labels.tif")
    simulation.write_mean_image(tmp_path / "mean.tif")
    simulation.write_movie(tmp_path / "movie.tif")
    return tmp_path


@pytest.fixture
def viewer(monkeypatch):
    made = ViewerModel()
    monkeypatch.setattr(napari, "current_viewer", lambda: made)
    return made


@pytest.fixture
def no_viewer(monkeypatch):
    monkeypatch.setattr(napari, "current_viewer", lambda: None)


def give(viewer, path: Path) -> list:
    """Open a file as napari does: claim, read, add layers; a null layer adds none."""
    claim = {".csv": read_table, ".tif": read_tiff}.get(path.suffix, read_folder)
    reader = claim(str(path))
    assert reader is not None
    data = reader(str(path))
    if data[0][0] is None:
        return []
    return [layer for one in data for layer in viewer._add_layer_from_data(*one)]


def roles(viewer) -> list:
    return [layer_role(layer) for layer in viewer.layers]


# --- claims


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("points.csv", "index,axis-0,axis-1\n" + "\n".join(f"{k},{k},{k}" for k in range(40))),
        ("shapes.csv", "index,shape-type,vertex-index,axis-0,axis-1\n" + "0,rectangle,0,1.0,2.0\n" * 40),
        ("laps.csv", "start_s,end_s,label\n1.5,2.0,go\n4,5,stop\n"),
        ("words.csv", "name,comment\n" + "a,nothing to see\n" * 40),
        ("letter.txt", "Dear colleague,\nthe recordings are on the server.\n" * 20),
        ("empty.csv", ""),
        ("page.csv", "<html><body>404</body></html>"),
    ],
)
def test_what_is_no_recording_is_left_alone(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert read_table(str(path)) is None


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("words.csv", b"name,comment\nfoo,bar\n", "no row of numbers"),
        ("laps.csv", b"start_s,end_s,label\n1.5,2.0,go\n4,5,stop\n", "open the recording first"),
        ("empty.tif", b"", "empty.tif"),
    ],
)
def test_the_window_says_why_a_file_is_refused(tmp_path, viewer, qtbot, monkeypatch, name, content, reason):
    said = []
    monkeypatch.setattr(readers, "show_warning", said.append)
    (tmp_path / name).write_bytes(content)
    claim = read_tiff if name.endswith(".tif") else read_table
    assert claim(str(tmp_path / name)) is None
    assert said == []  # napari's own line comes first, and would cover it
    qtbot.waitUntil(lambda: len(said) == 1)
    assert reason in said[0]


@pytest.mark.parametrize("text", ["1,2,3\n4,5,6\n", "F\n1\n2\n3\n", "a,b\n1,2\n3,4\n5,6\n"])
def test_a_short_table_opens_as_on_the_command_line(tmp_path, text):
    path = tmp_path / "short.csv"
    path.write_text(text, encoding="utf-8")
    assert read_table(str(path)) is not None
    assert open_recording(path).n_frames >= 2


def test_a_truncated_movie_is_refused_with_its_reason(tmp_path, viewer, qtbot, monkeypatch):
    said = []
    monkeypatch.setattr(readers, "show_warning", said.append)
    cut = tmp_path / "cut.tif"
    tifffile.imwrite(cut, np.zeros((30, 20, 20), np.uint16), imagej=True)
    cut.write_bytes(cut.read_bytes()[:9000])
    assert read_tiff(str(cut)) is None
    qtbot.waitUntil(lambda: len(said) == 1)
    assert "the file ends within" in said[0]


def test_binary_files_and_files_that_are_not_there(tmp_path):
    path = tmp_path / "traces.csv"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 20)
    assert read_table(str(path)) is None
    assert read_table(str(tmp_path / "nowhere.csv")) is None
    assert read_table(str(tmp_path)) is None
    assert read_tiff(str(path)) is None
    assert read_folder(str(tmp_path)) is None


def test_a_stack_of_files_is_not_ours(files):
    both = [str(files / "demo.csv"), str(files / "demo.csv")]
    assert read_table(both) is None
    assert read_table(both[:1]) is not None


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "cell a{0}cell b{0}cell c\n"])
def test_tables_of_traces_are_claimed(tmp_path, separator, header):
    values = 100 + np.random.default_rng(0).random((60, 3)).cumsum(axis=0)
    lines = [separator.join(f"{v:.3f}" for v in row) for row in values]
    path = tmp_path / "traces.csv"
    path.write_text(header.format(separator) + "\n".join(lines), encoding="utf-8")
    assert read_table(str(path)) is not None


def test_a_picture_without_a_recording_is_left_to_napari(viewer, files):
    assert read_tiff(str(files / "mean.tif")) is None


def test_the_manifest_names_the_readers():
    manifest = npe2.PluginManifest.from_distribution("napari-calcium")
    patterns = {pattern for reader in manifest.contributions.readers for pattern in reader.filename_patterns}
    assert {"*.csv", "*.tif", "*.tsv", "*.txt", "*.tiff"} <= patterns
    # A pattern for every file would make napari ask which plugin shall open a photograph.
    assert "*" not in patterns


# --- tables


def test_a_table_opens_in_the_viewers_session(viewer, files, simulation):
    assert give(viewer, files / "demo.csv") == []
    made = session_of(viewer).recording
    np.testing.assert_allclose(made.traces["raw"].values, simulation.raw, atol=1e-3, rtol=1e-5)
    assert roles(viewer) == ["heatmap", "marks", "cursor"]


def test_the_first_line_of_the_message_asks_for_a_frame_rate_that_is_not_known(
    viewer, files, tmp_path, monkeypatch
):
    said = []
    monkeypatch.setattr(readers, "show_warning", said.append)
    monkeypatch.setattr(readers, "show_info", said.append)
    give(viewer, files / "demo.csv")
    rate = session_of(viewer).recording.frame_rate
    assert said[0].startswith("demo.csv: ") and ("set its frame rate" in said[0].split("\n")[0]) == (
        rate is None
    )
    table = np.random.default_rng(0).normal(100, 1, (2, 50))
    np.savetxt(tmp_path / "bare.csv", table, delimiter=",")
    give(viewer, tmp_path / "bare.csv")
    assert said[1].split("\n")[0] == "bare.csv: set its frame rate; 2 neurons × 50 frames"


def test_without_a_viewer_a_table_is_a_heatmap(no_viewer, files):
    ((picture, options, kind),) = read_table(str(files / "demo.csv"))(str(files / "demo.csv"))
    assert kind == "image"
    assert picture.shape == (20, 400)
    layer = napari.layers.Image(picture, **options)
    assert layer.axis_labels == ("neuron", "time")


def test_a_large_table_is_read_beside_the_window(viewer, qtbot, files, monkeypatch):
    monkeypatch.setattr(readers, "_LARGE", 10)
    assert give(viewer, files / "demo.csv") == []
    qtbot.waitUntil(lambda: session_of(viewer).recording is not None)
    assert session_of(viewer).recording.name == "demo"


# --- what belongs to a table


def test_labels_give_the_cells_their_places(viewer, files, simulation):
    give(viewer, files / "demo.csv")
    assert give(viewer, files / "labels.tif") == []
    made = session_of(viewer).recording
    np.testing.assert_array_equal(made.rois.label_image(), simulation.label_image)
    assert roles(viewer) == ["activity", "somata", "selected"]


def test_the_picture_of_the_tissue_joins_the_somata(viewer, files):
    for name in ("demo.csv", "labels.tif", "mean.tif"):
        give(viewer, files / name)
    assert roles(viewer) == ["image", "activity", "somata", "selected"]
    settings = next(e.settings for e in session_of(viewer).recording.log if e.stage == "positions")
    assert (settings["labels"], settings["image"]) == ("labels.tif", "mean.tif")


def test_files_of_other_folders_are_named_in_full(viewer, files, tmp_path_factory, simulation):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    simulation.write_labels(elsewhere / "labels.tif")
    give(viewer, files / "demo.csv")
    give(viewer, elsewhere / "labels.tif")
    settings = next(e.settings for e in session_of(viewer).recording.log if e.stage == "positions")
    assert Path(settings["labels"]) == elsewhere / "labels.tif"


def test_the_movie_brings_time_and_scale(viewer, files):
    for name in ("demo.csv", "labels.tif", "movie.tif"):
        give(viewer, files / name)
    made = session_of(viewer).recording
    assert made.frame_rate == pytest.approx(10)
    assert made.pixel_size_um == pytest.approx(1.2)
    assert roles(viewer) == ["movie", "somata", "selected"]
    read = next(e.settings for e in made.log if e.stage == "read")
    assert read["frame_rate"] == pytest.approx(10)


@pytest.mark.parametrize("first", ["labels.tif", "movie.tif"])
def test_the_order_of_opening_does_not_matter(viewer, files, first):
    give(viewer, files / first)
    give(viewer, files / "demo.csv")
    for name in {"labels.tif", "movie.tif"} - {first}:
        give(viewer, files / name)
    assert roles(viewer) == ["movie", "somata", "selected"]


def test_every_addition_can_be_undone(viewer, files):
    for name in ("demo.csv", "labels.tif", "mean.tif"):
        give(viewer, files / name)
    session = session_of(viewer)
    session.undo()
    assert roles(viewer) == ["activity", "somata", "selected"]
    session.undo()
    assert roles(viewer) == ["heatmap", "marks", "cursor"]


def test_labels_that_do_not_fit_say_so_and_change_nothing(viewer, files):
    give(viewer, files / "demo.csv")
    before = session_of(viewer).recording
    image = np.zeros((96, 96), np.uint16)
    image[:40, :40], image[50:90, 50:90] = 1, 77
    tifffile.imwrite(files / "other.tif", image)
    with pytest.raises(ValueError, match="2 labels but there are 20 rows"):
        give(viewer, files / "other.tif")
    assert session_of(viewer).recording is before


@pytest.mark.parametrize("names", [["demo.csv"], ["demo.csv", "labels.tif", "mean.tif"]])
def test_a_movie_of_another_recording_is_the_recording_then(viewer, files, simulation, names, monkeypatch):
    for name in names:
        give(viewer, files / name)
    tifffile.imwrite(files / "short.tif", np.zeros((7, 20, 20), np.uint16), photometric="minisblack")
    said = []
    monkeypatch.setattr(readers, "show_warning", said.append)
    assert give(viewer, files / "short.tif") == []
    session = session_of(viewer)
    assert session.recording.movie.data.shape == (7, 20, 20) and not session.recording.traces
    assert session.history[-1] == "Open short"
    assert roles(viewer) == ["movie"]
    assert said[0].startswith("short.tif: set its frame rate; a movie")


def test_results_that_are_not_saved_are_asked_about_before_a_movie_opens(viewer, files, monkeypatch):
    give(viewer, files / "demo.csv")
    asked, said = [], []
    monkeypatch.setattr(close_guard, "before_opening", lambda viewer, proceed: asked.append(proceed))
    for say in ("show_info", "show_warning"):
        monkeypatch.setattr(readers, say, said.append)
    monkeypatch.setattr(readers, "remember_file", said.append)
    tifffile.imwrite(files / "short.tif", np.zeros((7, 20, 20), np.uint16), photometric="minisblack")
    give(viewer, files / "short.tif")
    assert session_of(viewer).recording.movie is None
    assert said == [], "nothing was opened yet"
    asked[0]()
    assert session_of(viewer).recording.n_frames == 7
    assert said[0] == files / "short.tif" and said[1].startswith("short.tif: ")


def test_a_movie_alone_is_a_recording_whose_cells_are_still_to_be_found(viewer, files):
    assert give(viewer, files / "movie.tif") == []
    made = session_of(viewer).recording
    assert made.n_rois == 0 and not made.traces and made.frame_rate == pytest.approx(10)
    assert roles(viewer) == ["movie"]


def test_another_movie_is_another_recording(viewer, files):
    give(viewer, files / "movie.tif")
    tifffile.imwrite(files / "short.tif", np.zeros((7, 20, 20), np.uint16), photometric="minisblack")
    give(viewer, files / "short.tif")
    assert session_of(viewer).recording.n_frames == 7


def test_a_movie_alone_is_lazy_in_seconds_and_micrometres(viewer, files):
    give(viewer, files / "movie.tif")
    (layer,) = viewer.layers
    assert isinstance(layer.data, np.memmap)
    assert [str(unit) for unit in layer.units] == ["second", "micrometer", "micrometer"]
    np.testing.assert_allclose(layer.scale, [0.1, 1.2, 1.2], rtol=1e-6)
    assert layer.axis_labels == ("time", "y", "x")


def test_channels_are_layers_of_their_own(viewer, tmp_path):
    movie = np.random.default_rng(0).integers(0, 99, (6, 2, 16, 20)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "two.tif", movie, imagej=True, metadata={"axes": "TCYX"})
    reader = read_tiff(str(tmp_path / "two.tif"))
    ((data, options, kind),) = reader(str(tmp_path / "two.tif"))
    layers = viewer.add_image(data, **options)
    assert [layer.data.shape for layer in layers] == [(6, 16, 20)] * 2
    assert kind == "image"


def test_several_movies_at_once_are_parts_of_one_recording(viewer, tmp_path):
    paths = []
    for number in (2, 10):
        frames = np.full((number, 16, 20), number, np.uint16)
        tifffile.imwrite(tmp_path / f"part{number}.tif", frames, photometric="minisblack")
        paths.insert(0, str(tmp_path / f"part{number}.tif"))
    assert read_tiff(paths)(paths) == [(None,)]
    made = session_of(viewer).recording
    assert made.n_frames == 12 and made.movie.data[1, 0, 0] == 2 and made.movie.data[2, 0, 0] == 10
    assert read_tiff([*paths, str(tmp_path / "other.csv")]) is None


# --- results folders


@pytest.mark.parametrize("name", ["", "log.json"])
def test_a_results_folder_opens_as_the_recording_it_was(viewer, tmp_path, recording, name):
    folder = tmp_path / "results"
    folder.mkdir()
    write_results(recording, folder, "version: 1\n")
    path = folder / name if name else folder
    reader = read_folder(str(path))
    assert reader is not None
    assert reader(str(path)) == [(None,)]
    made = session_of(viewer).recording
    assert made.ensembles == recording.ensembles or len(made.ensembles) == len(recording.ensembles)
    assert roles(viewer) == ["image", "activity", "somata", "selected"]


def test_without_a_viewer_a_results_folder_is_a_heatmap(no_viewer, tmp_path, recording):
    folder = tmp_path / "results"
    folder.mkdir()
    write_results(recording, folder, "version: 1\n")
    ((_, options, kind),) = read_folder(str(folder))(str(folder))
    assert kind == "image"
    assert "denoised" in options["name"]


# --- other programs' files


def test_a_saved_recording_opens_with_its_movie_gone(viewer, tmp_path, recording):
    save_nwb(recording.replace(movie=Movie(np.zeros((4, 6, 8)), "gone.tif")), tmp_path / "day1.nwb")
    reader = read_recording(str(tmp_path / "day1.nwb"))
    assert reader(str(tmp_path / "day1.nwb")) == [(None,)]
    assert session_of(viewer).recording.traces == recording.traces
    assert len(viewer.layers) > 0


def test_a_folder_of_suite2p_opens(viewer, tmp_path, simulation):
    folder = tmp_path / "plane0"
    folder.mkdir()
    np.save(folder / "F.npy", simulation.raw.astype(np.float32))
    where = [simulation.rois.pixels(k) for k in range(len(simulation.raw))]
    np.save(folder / "stat.npy", np.array([{"ypix": y, "xpix": x} for y, x in where], object))
    assert give(viewer, folder) == []
    assert session_of(viewer).recording.n_rois == len(simulation.raw)
    assert read_recording(str(folder / "stat.npy")) is not None


def test_a_file_that_is_known_but_damaged_says_so_when_opened(viewer, tmp_path):
    path = tmp_path / "a.nwb"
    path.write_bytes(b"not at all")
    with pytest.raises(ReadError, match=r"a\.nwb"):
        read_recording(str(path))(str(path))
    np.save(tmp_path / "F.npy", np.ones((2, 3)))
    assert read_recording(str(tmp_path / "F.npy")) is None
