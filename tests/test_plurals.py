"""Numbers of things in sentences."""

from __future__ import annotations

import pytest

from napari_calcium.plurals import count_of


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 cells"), (1, "1 cell"), (2, "2 cells"), (15_000, "15,000 cells")]
)
def test_one_is_singular_and_all_else_plural(number, said):
    assert count_of(number, "cell") == said


def test_a_word_with_a_plural_of_its_own():
    assert count_of(1, "of its axes is", "of its axes are") == "1 of its axes is"
    assert count_of(2, "index", "indices") == "2 indices"
