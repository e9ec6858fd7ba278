"""What the operating system refused, in words."""

from __future__ import annotations

import errno
import os
import re

__all__ = ["refusal"]

# HDF5 tells the number and the address of its buffer, in one long line.
_HDF5 = re.compile(r"errno = (\d+)")


def refusal(error: OSError) -> str:
    """Say in one line what the operating system refused, without its number and without temporary names.

    Parameters
    ----------
    error : OSError
        Of Python, NumPy or HDF5.

    Returns
    -------
    str
        ``"file: what was refused"``, or what alone where no file is known.
    """
    text = " ".join(str(error).split())
    told = _HDF5.search(text)
    # NumPy tells of a full disk in these words only.
    full = "requested and" in text and text.endswith("written")
    number = errno.ENOSPC if full else int(told[1]) if told else error.errno
    if number == errno.ENOSPC:
        what = "no space left on the disk"
    elif told:
        what = os.strerror(int(told[1]))
    else:
        what = error.strerror or ""
    if not what:
        return text
    what = f"{what[0].lower()}{what[1:]}"
    return f"{error.filename}: {what}" if error.filename else what
