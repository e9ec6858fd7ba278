import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_calcium.pipeline import PipelineSettings
from napari_calcium.widgets.importing import ImportWidget, relative
from napari_calcium.widgets.plan import settings_made
from napari_calcium.widgets.viewer_session import session_of


@pytest.fixture
def widget(viewer, qtbot):
    made = ImportWidget(viewer)
    qtbot.addWidget(made)
    made.show()
    yield made
    made._runner.abandon()


@pytest.fixture
def files(simulation, tmp_path):
    simulation.write_csv(tmp_path / "field.csv")
    simulation.write_labels(tmp_path / "rois.tif")
    simulation.write_mean_image(tmp_path / "mean.tif")
    return tmp_path


def choose(widget, qtbot, path):
    widget.table.path = path
    widget.table.changed.emit()
    read(widget, qtbot)


def read(widget, qtbot):
    qtbot.waitUntil(lambda: widget.recording is not None and not widget._runner.busy)


def test_choosing_a_file_shows_what_was_guessed_and_why(widget, files, qtbot):
    assert not widget.open.isEnabled()
    choose(widget, qtbot, files / "field.csv")
    assert "field: 20 cells, 400 frames at an unknown rate" in widget.found.text()
    assert "ow is a neuron" in widget.found.text()
    assert widget.form._hints["orientation"].text() == "found: a row is a neuron"
    assert not widget._rate_hint.isHidden()
    assert widget.open.isEnabled()


def test_guesses_are_overruled_and_the_file_is_read_again(widget, files, qtbot):
    choose(widget, qtbot, files / "field.csv")
    row = widget.form.row("orientation")
    row.editor.setCurrentIndex(row.editor.findText("a column is a neuron"))
    assert not widget.open.isEnabled()
    read(widget, qtbot)
    assert widget.recording.n_rois == 400
    assert widget.form._hints["orientation"].text() == ""


def test_the_frame_rate_is_given_and_open_puts_it_into_the_window(widget, viewer, files, qtbot):
    choose(widget, qtbot, files / "field.csv")
    widget.frame_rate.setValue(10)
    read(widget, qtbot)
    assert widget._rate_hint.isHidden()
    qtbot.mouseClick(widget.open, Qt.MouseButton.LeftButton)
    recording = session_of(viewer).recording
    assert (recording.frame_rate, recording.n_rois) == (10, 20)
    assert settings_made(recording).read.frame_rate == 10


def test_positions_come_along_and_the_pipeline_names_their_files(widget, viewer, simulation, files, qtbot):
    widget.labels.path, widget.image.path = files / "rois.tif", files / "mean.tif"
    choose(widget, qtbot, files / "field.csv")
    widget.open.click()
    recording = session_of(viewer).recording
    assert len(recording.rois) == 20
    np.testing.assert_allclose(recording.images["mean"], simulation.mean_image, rtol=1e-5)
    positions = settings_made(recording).positions
    assert (positions.labels, positions.image) == ("rois.tif", "mean.tif")


def test_a_file_that_cannot_be_read_is_one_line_and_nothing_opens(widget, files, qtbot):
    bad = files / "bad.csv"
    bad.write_text("", encoding="utf-8")
    widget.table.path = bad
    widget.table.changed.emit()
    qtbot.waitUntil(lambda: widget.progress.message.startswith("⚠"))
    assert "bad.csv" in widget.progress.message
    assert not widget.open.isEnabled()


def test_a_file_that_is_not_there_says_so(widget, files, qtbot):
    widget.table.path = files / "nowhere.csv"
    widget.table.changed.emit()
    qtbot.waitUntil(lambda: "no such file" in widget.progress.message)


def test_the_latest_choice_wins_while_a_file_is_being_read(widget, files, qtbot):
    table = np.loadtxt(files / "field.csv", delimiter=",")
    np.savetxt(files / "half.csv", table[:10], fmt="%.3f", delimiter=",")
    widget.table.path = files / "field.csv"
    widget._read()
    choose(widget, qtbot, files / "half.csv")
    assert widget.recording.n_rois == 10


def test_paths_are_told_from_the_folder_of_the_table(tmp_path):
    assert relative(tmp_path / "a" / "rois.tif", tmp_path / "a") == "rois.tif"
    assert relative(tmp_path / "b" / "rois.tif", tmp_path / "a") == "../b/rois.tif"


@pytest.mark.parametrize(("answer", "opened"), [("stay", False), ("discard", True), ("save", False)])
def test_unsaved_results_are_asked_about_before_another_recording_is_opened(
    widget, viewer, few, files, fake_stages, qtbot, monkeypatch, answer, opened
):
    session, saves = session_of(viewer), []
    session.open(few)
    session.apply(fake_stages(few, "baseline", PipelineSettings().baseline), "Baseline")
    widget.ask = lambda *_: answer
    monkeypatch.setattr(widget._saver, "save_results", lambda then: saves.append(then))
    choose(widget, qtbot, files / "field.csv")
    widget.open.click()
    assert (session.recording.name == "field") == opened
    if answer == "save":
        saves[0]()
        assert session.recording.name == "field"
