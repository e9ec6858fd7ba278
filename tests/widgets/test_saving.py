import json

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_calcium.cells.cell_editing import choose_cells
from napari_calcium.io.results_folder import is_results_folder
from napari_calcium.io.results_reading import read_results
from napari_calcium.io.suite2p import read_suite2p
from napari_calcium.io.suite2p_write import write_suite2p
from napari_calcium.pipeline import STAGES, PipelineSettings, run_stage
from napari_calcium.progress import Cancelled
from napari_calcium.widgets.files_menu import FilesMenu
from napari_calcium.widgets.saving import Saver, save_recording
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workbench import Workbench


@pytest.fixture
def bench(qapp, few_session):
    made = Workbench(few_session)
    yield made
    made.let_go()


@pytest.fixture
def said():
    return []


@pytest.fixture
def saver(bench, said, qtbot, monkeypatch):
    monkeypatch.setattr("napari_calcium.figures.export.draw_all", lambda _, folder, **__: folder.mkdir())
    parent = QWidget()
    qtbot.addWidget(parent)
    return Saver(bench, said.append, parent)


def test_results_are_written_where_the_user_says_and_then_the_rest_happens(
    saver, bench, said, tmp_path, qtbot, monkeypatch
):
    baseline = PipelineSettings().baseline
    bench.session.apply(run_stage(bench.session.recording, "baseline", baseline), "Baseline")
    asked, after = [], []
    target = tmp_path / "mine"
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", lambda *args: asked.append(args[2]) or (str(target), "")
    )
    with qtbot.waitSignal(bench.runner.finished):
        saver.save_results(then=lambda: after.append("then"))
    assert asked == ["few_results"]
    assert after == ["then"]
    assert said == [f"Results are in {target}"]
    assert not bench.has_unsaved_results
    assert read_results(target).traces["dff"] == bench.session.recording.traces["dff"]
    settings = PipelineSettings.from_yaml((target / "pipeline.yaml").read_text("utf-8"))
    assert settings.baseline == baseline
    assert all(getattr(settings, stage) is None for stage in STAGES[1:])


def test_a_dialog_that_is_cancelled_writes_nothing(saver, bench, said, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: ("", ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("", ""))
    saver.save_results()
    saver.save_pipeline()
    saver.load_pipeline()
    assert said == []
    assert not bench.runner.busy


def test_a_folder_with_other_things_in_it_is_left_alone(saver, bench, few, tmp_path, qtbot):
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    with qtbot.waitSignal(bench.runner.finished) as signal:
        saver.write_results(few, tmp_path)
    assert "not a results folder" in signal.args[1].message
    assert (tmp_path / "thesis.txt").read_text("utf-8") == "precious"


def test_while_a_run_goes_on_it_says_to_wait(saver, bench, few, said, tmp_path, qtbot):
    bench.runner.start("Events", lambda p: None, lambda _: None)
    saver.write_results(few, tmp_path / "mine")
    assert said == ["Another run is going on; save when it is done."]
    qtbot.waitUntil(lambda: not bench.runner.busy)


def test_a_pipeline_that_cannot_be_written_is_one_line(saver, said, tmp_path, monkeypatch):
    path = tmp_path / "nowhere" / "pipeline.yaml"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    saver.save_pipeline()
    assert said[0].startswith("⚠")


def test_cancelling_leaves_no_folder_behind(few, tmp_path):
    def stop(done, total):
        raise Cancelled

    with pytest.raises(Cancelled):
        save_recording(few, tmp_path / "mine", stop)
    assert list(tmp_path.iterdir()) == []


def test_figures_and_provenance_come_with_the_results(few, tmp_path):
    done = run_stage(few, "baseline", PipelineSettings().baseline)
    save_recording(done, tmp_path / "mine", lambda *args: None)
    assert is_results_folder(tmp_path / "mine")
    log = json.loads((tmp_path / "mine" / "log.json").read_text("utf-8"))
    assert [step["stage"] for step in log["steps"]] == ["read", "baseline"]


def test_which_rois_are_cells_goes_back_to_suite2p(saver, bench, said, raw_recording, tmp_path, monkeypatch):
    plane = write_suite2p(raw_recording, tmp_path / "mouse")
    read = read_suite2p(tmp_path / "mouse")
    bench.session.open(read)
    bench.session.apply(choose_cells(read, read.roi_ids[:2].tolist(), cells=False), "Reject")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "mouse"))
    saver.save_choice()
    assert said == ["Which ROIs are cells is in plane0/iscell.npy"]
    table = np.load(plane / "iscell.npy")
    np.testing.assert_array_equal(table[:, 0] == 0, np.arange(len(table)) < 2)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path))
    (tmp_path / "mouse").rename(tmp_path / "elsewhere")
    saver.save_choice()
    assert said[-1].startswith("⚠ ") and "no folder of suite2p" in said[-1]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: "")
    saver.save_choice()
    assert len(said) == 2


def test_the_menu_offers_suite2p_only_what_came_from_it(viewer, raw_recording, saver, qtbot, tmp_path):
    menu = FilesMenu(viewer, saver)
    qtbot.addWidget(menu)
    session_of(viewer).open(raw_recording)
    menu.menu().aboutToShow.emit()
    assert not menu.choice.isVisible()
    write_suite2p(raw_recording, tmp_path / "mouse")
    session_of(viewer).open(read_suite2p(tmp_path / "mouse"))
    menu.menu().aboutToShow.emit()
    assert menu.choice.isVisible()
