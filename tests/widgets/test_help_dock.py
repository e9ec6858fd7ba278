"""Help on every setting that has a row, and every key in one list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_calcium.widgets.help_dock import HelpDock
from napari_calcium.widgets.key_list import KEYS, spelt
from napari_calcium.widgets.pipeline_dock import PipelineDock
from napari_calcium.widgets.rows import Row

PAGE = Path(__file__).parents[2] / "docs" / "window.md"


@pytest.fixture
def window(qtbot):
    """One window with the forms and the help."""
    viewer = ViewerModel()
    made = QWidget()
    layout = QVBoxLayout(made)
    made.forms, made.help = PipelineDock(viewer), HelpDock(viewer)
    layout.addWidget(made.forms)
    layout.addWidget(made.help)
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_says_what_to_do_first(window):
    assert "Click into a setting" in window.help.text.toPlainText()


def test_every_row_of_every_form_is_explained(window):
    for stage in window.forms.sections:
        assert window.forms.panels[stage] is not None
    rows = [row for row in window.forms.findChildren(Row) if row.about is not None]
    assert len(rows) > 40
    for row in rows:
        assert window.help.explain(row.editor)
        kind, name = row.about
        text = window.help.text.toPlainText()
        assert kind.model_fields[name].description.replace("\n", " ")[:40] in text
        assert "Default" in text
        assert "Changes the results of" in text


def test_the_focus_is_followed(window, qtbot):
    panel = window.forms.panels["background"]
    window.forms.sections["background"].is_open = True
    window.help._follow(None, panel.form.row("cutoff").editor)
    text = window.help.text.toPlainText()
    assert "Cutoff (Slow background)" in text
    assert "1 to 3,600 s" in text


def test_methods_are_told_apart(window):
    form = window.forms.panels["events"].form
    assert window.help.explain(form.chooser)
    text = window.help.text.toPlainText()
    for index in range(form.chooser.count()):
        assert form.chooser.itemText(index) in text


def test_what_is_no_setting_changes_nothing(window):
    window.help.explain(window.forms.panels["background"].form.row("cutoff").editor)
    before = window.help.text.toPlainText()
    assert not window.help.explain(window.forms.run_all)
    assert not window.help.explain(None)
    assert window.help.text.toPlainText() == before


def test_a_form_in_another_window_is_not_explained(window, qtbot):
    other = PipelineDock(ViewerModel())
    qtbot.addWidget(other)
    before = window.help.text.toPlainText()
    window.help._follow(None, other.panels["background"].form.row("cutoff").editor)
    assert window.help.text.toPlainText() == before


def test_every_key_is_listed(window):
    text = window.help.text.toPlainText().replace("\u200b", "")
    for keys, _, what in KEYS:
        assert spelt(keys) in text
        assert what in text


def test_the_page_has_the_same_keys():
    table = PAGE.read_text("utf-8").split("## Keys")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    told = [(keys.partition(" in ")[0].partition(" on ")[0], what) for keys, what in rows[1:]]
    assert told == [(keys, what) for keys, _, what in KEYS]
