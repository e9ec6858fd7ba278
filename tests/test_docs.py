"""The documentation agrees with the program, and no link in it leads nowhere."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from napari_calcium.pipeline_settings import STAGES, TITLES, PipelineSettings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def reference():
    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_settings_page_is_what_the_settings_classes_say():
    written = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert written == reference().settings_page(), "run: make docs"


def test_the_index_lists_every_page_of_a_stage():
    text = (DOCS / "README.md").read_text(encoding="utf-8")
    assert text == reference().index_page(text), "run: make docs"


def test_every_setting_of_every_stage_has_a_row():
    module, page = reference(), (DOCS / "settings.md").read_text(encoding="utf-8")
    for stage, field in PipelineSettings.model_fields.items():
        if (kinds := module.settings_classes(field)) == []:
            continue
        section = page.split(f"\n`{stage}`:")[1].split("\n## ")[0]
        for kind in kinds:
            for name in kind.model_fields:
                assert f"| `{name}` |" in section or name == "method", f"{stage}.{name}"


def test_ranges_are_the_narrowest_there_are():
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if "| `false_discovery_rate` |" in line)
    assert "> 0, " in row or "≥ 0, " in row
    assert "≤ 0" in row or "< 1" in row or "≤ 1" in row


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_pictures_are_there(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("page", sorted((DOCS / "stages").glob("*.md")), ids=lambda p: p.stem)
def test_a_page_of_a_stage_says_when_it_misleads_or_what_it_cannot(page):
    text = page.read_text(encoding="utf-8").lower()
    assert text.startswith("# ")
    assert re.search(r"mislead|fooled|does not|cannot|limits|with care", text)


def test_every_picture_in_the_folder_is_shown_and_has_a_scene():
    tree = ast.parse((DOCS / "make_pictures.py").read_text(encoding="utf-8"))
    scenes = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id == "picture" for mark in node.decorator_list)
    }
    there = {path.stem for path in (DOCS / "pictures").glob("*.png")}
    shown = {
        Path(target).stem
        for page in PAGES
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if target.endswith(".png")
    }
    assert there == scenes
    assert shown <= there


def test_pictures_are_small():
    for path in (DOCS / "pictures").glob("*.png"):
        assert path.stat().st_size < 400_000, path.name


def test_yaml_in_the_tutorial_is_settings_of_the_program():
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        settings = PipelineSettings.from_yaml(block)
        for stage in yaml.safe_load(block):
            assert getattr(settings, stage) is not None


def test_the_tutorial_names_the_stages_as_the_window_does():
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    default = PipelineSettings()
    for stage in STAGES:
        if getattr(default, stage) is not None and stage != "features":
            assert f"| {TITLES[stage]} |" in text, stage
