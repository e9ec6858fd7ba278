from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_calcium.figures.export import FIGURES
from napari_calcium.widgets import exporting
from napari_calcium.widgets.ensembles_dock import EnsemblesDock
from napari_calcium.widgets.exporting import Export, ExportButton, table_writer, traces_writer
from napari_calcium.widgets.panel_picture import plots_of
from napari_calcium.widgets.raster_dock import RasterDock
from napari_calcium.widgets.traces import TracesDock
from napari_calcium.widgets.viewer_session import session_of

MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture
def export(recording) -> Export:
    figure = next(kind for kind in FIGURES if kind.stem == "ensembles")
    return Export("demo", recording, figure, table_writer(recording.ensembles.activations))


@pytest.mark.parametrize("ending", MAGIC)
def test_pictures_are_what_their_name_says(tmp_path, export, ending):
    path = export.write(tmp_path / f"figure{ending}")
    assert path.read_bytes().startswith(MAGIC[ending])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_name_without_ending_is_a_picture(tmp_path, export):
    assert export.write(tmp_path / "figure") == tmp_path / "figure.png"


def test_other_endings_are_refused_and_nothing_is_left(tmp_path, export):
    with pytest.raises(ValueError, match="end the name in"):
        export.write(tmp_path / "figure.docx")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_the_old_file(tmp_path, export, recording):
    def broken(path):
        path.write_text("half")
        raise OSError("disk full")

    old = tmp_path / "table.csv"
    old.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        Export("demo", recording, export.figure, broken).write(old)
    assert old.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_numbers_of_traces_are_the_stored_ones(tmp_path, recording):
    traces_writer(recording, (7, 2), "dff")(tmp_path / "dff.csv")
    table = pd.read_csv(tmp_path / "dff.csv", comment="#")
    assert list(table.columns) == ["time_s", "7 (ΔF/F)", "2 (ΔF/F)"]
    np.testing.assert_allclose(table["2 (ΔF/F)"], recording.traces["dff"].values[2], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(table["time_s"], np.arange(400) / recording.frame_rate)


def test_tables_have_the_columns_of_the_results_folder(tmp_path, recording):
    table_writer(recording.ensembles.activations)(tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    assert list(table.columns) == ["ensemble_id", "time_s", "p_value", "n_members_active"]
    assert len(table) == len(recording.ensembles.activations)


@pytest.mark.parametrize("kind", [TracesDock, EnsemblesDock])
def test_every_dock_exports_what_it_shows(qtbot, tmp_path, viewer, recording, kind):
    dock = kind(viewer)
    qtbot.addWidget(dock)
    assert dock.export() is None
    session = session_of(viewer)
    session.open(recording)
    session.choose_ensemble(1)
    export = dock.export()
    assert export is not None
    for ending in (".png", ".csv"):
        assert export.write(tmp_path / f"{export.name}{ending}").stat().st_size > 100


def test_the_traces_dock_exports_the_last_of_the_chosen_stages(qtbot, viewer, recording):
    dock = TracesDock(viewer)
    qtbot.addWidget(dock)
    session = session_of(viewer)
    session.open(recording)
    session.selection.cells = (3,)
    assert dock.export().name == "demo_denoised"
    dock.boxes["denoised"].setChecked(False)
    assert dock.export().name == "demo_dff"


def chosen(monkeypatch, path):
    """Let the file dialog answer with a path; return the proposals it was asked with."""
    asked = []

    def answer(_, title, name, kinds):
        asked.append((name, kinds))
        return str(path), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    return asked


def done(qtbot, button):
    qtbot.waitUntil(lambda: not button.busy)
    assert button.isEnabled()
    assert button.text() == "Export…"


@pytest.fixture
def button(qtbot, export):
    made = ExportButton(lambda: export, None)
    qtbot.addWidget(made)
    return made


def test_a_figure_is_written_in_a_thread_as_wide_as_asked(qtbot, tmp_path, monkeypatch, button):
    asked = chosen(monkeypatch, tmp_path / "figure.svg")
    button.figures[0].trigger()
    assert button.busy
    assert button.text() == "Exporting…"
    done(qtbot, button)
    assert asked[0][0] == "demo"
    points = float(re.search(r'width="([\d.]+)pt"', (tmp_path / "figure.svg").read_text())[1])
    assert points / 72 * 25.4 == pytest.approx(85, abs=0.01)


def test_numbers_are_csv(qtbot, tmp_path, monkeypatch, button):
    asked = chosen(monkeypatch, tmp_path / "numbers")
    button.numbers.trigger()
    done(qtbot, button)
    assert asked == [("demo.csv", "Numbers (*.csv)")]


def test_the_sheet_is_a_pdf_where_nothing_else_is_said(qtbot, tmp_path, monkeypatch, button):
    chosen(monkeypatch, tmp_path / "page")
    button.sheet.trigger()
    done(qtbot, button)
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("place", ["", "no/such/folder/figure.png", "figure.docx"])
def test_the_button_survives_what_people_do(qtbot, monkeypatch, tmp_path, button, place):
    monkeypatch.chdir(tmp_path)
    chosen(monkeypatch, place)
    said = []
    monkeypatch.setattr(exporting, "show_warning", said.append)
    for action in (*button.figures, button.numbers, button.sheet, button.shown):
        action.trigger()
        done(qtbot, button)
    assert list(tmp_path.iterdir()) == []
    assert all(line.startswith("Not exported: ") for line in said)
    assert bool(said) == bool(place)


def test_without_a_recording_nothing_is_offered(qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("asked"))
    button = ExportButton(lambda: None, None)
    qtbot.addWidget(button)
    button.refresh()
    for action in (*button.figures, button.numbers, button.sheet, button.shown):
        assert not action.isEnabled()
        action.trigger()


def test_numbers_alone_offer_no_figure(qtbot, recording):
    export = Export("cells", recording, None, table_writer(recording.events))
    button = ExportButton(lambda: export, None)
    qtbot.addWidget(button)
    button.refresh()
    assert [action.isEnabled() for action in button.figures] == [False] * 3
    assert button.numbers.isEnabled()
    assert button.sheet.isEnabled()


@pytest.mark.parametrize("ending", MAGIC)
def test_a_dock_is_exported_as_shown(qtbot, tmp_path, monkeypatch, viewer, recording, ending):
    dock = RasterDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(500, 300)
    dock.show()
    session_of(viewer).open(recording)
    qtbot.wait(300)
    chosen(monkeypatch, tmp_path / f"panel{ending}")
    dock.export_button.shown.trigger()
    assert (tmp_path / f"panel{ending}").read_bytes().startswith(MAGIC[ending])
    assert [p.name for p in tmp_path.iterdir()] == [f"panel{ending}"]


def test_as_shown_has_the_plots_without_the_buttons(qtbot, viewer, recording):
    dock = RasterDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(500, 300)
    dock.show()
    session_of(viewer).open(recording)
    qtbot.wait(300)
    part = plots_of(dock)
    assert dock.rect().contains(part)
    assert part.height() < dock.height()
    top = dock.export_button.mapTo(dock, dock.export_button.rect().center())
    assert not part.contains(top)
