"""What the operating system refused is said in words, by whichever library it comes."""

import pytest

from napari_calcium.system_refusal import refusal

HDF5 = (
    "[Errno 28] Can't write data (file write failed: time = Fri Nov 20 14:05:33 2026\n, filename = 'x.nwb', "
    "file descriptor = 25, errno = 28, error message = 'No space left on device', buf = 0x558b, total = 3)"
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "a/b.csv"), "a/b.csv: no such file or directory"),
        (OSError(28, "No space left on device"), "no space left on the disk"),
        (OSError(28, "No space left on device", "x.csv"), "x.csv: no space left on the disk"),
        (OSError("4096 requested and 12 written"), "no space left on the disk"),
        (OSError(HDF5), "no space left on the disk"),
        (OSError("the linked movie is gone"), "the linked movie is gone"),
    ],
)
def test_said_in_words(error, said):
    assert refusal(error) == said
