"""Tests run in two processes: all that needs the screen in one, the files of others as they come."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file together, for their fixtures, and those with windows, for the one screen."""
    for item in items:
        windowed = "widgets" in item.path.parts or "qtbot" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("window" if windowed else item.path.stem))
