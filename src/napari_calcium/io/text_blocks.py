"""Text files of any size in blocks of whole lines, whatever their encoding and line ends."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from napari_calcium.io.errors import ReadError
from napari_calcium.recording import Source

__all__ = ["TextFile"]

_BLOCK = 4 * 2**20
_HEAD = 4 * 2**20
_HEAD_LINES = 64
_PIECE = 256 * 2**10

_BINARY = {
    b"PK\x03\x04": "a zip archive or Excel workbook; save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save the sheet as CSV",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy file; write it with numpy.savetxt",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"II+\x00": "a TIFF image",
    b"%PDF": "a PDF document",
}


class TextFile:
    """A text file opened for one reading pass.

    UTF-8 and Latin-1 with line feeds are streamed, never held whole; UTF-16, lone carriage returns and
    gzip are turned into that in memory first.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    head : bytes
        The first lines, whole: up to 64, and as many as 4 MiB hold, at least three.
    n_lines : int
        Lines of the whole file, as an editor counts them.
    size : int
        Bytes to read, as text.

    Raises
    ------
    ReadError
        If the file is missing, empty or no text.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hash = hashlib.sha256()
        self._hashed = 0
        try:
            self._raw: BinaryIO = path.open("rb")
        except OSError as error:
            raise ReadError(f"{path.name}: cannot be opened: {error.strerror or error}") from None
        try:
            self._prepare()
        except BaseException:
            self._raw.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()

    @property
    def source(self) -> Source:
        """Name, size and hash of the bytes that were read; complete after the last block."""
        return Source(self.path.name, self._hashed, self._hash.hexdigest())

    def blocks(self, start: int = 0) -> Iterator[bytes]:
        """Yield the text from byte `start` in blocks of whole lines, about 4 MiB each."""
        # A line may be longer than many pieces, so these are joined once, when it ends.
        pieces: list[memoryview] = []
        skip = start
        while piece := self._read(_BLOCK):
            view = memoryview(piece)
            end = piece.rfind(b"\n") + 1
            if end > skip:
                yield b"".join([*pieces, view[skip:end]])
                pieces, skip = [], end
            pieces.append(view[skip:])
            skip = max(0, skip - len(piece))
        if rest := b"".join(pieces):
            yield rest

    def _prepare(self) -> None:
        start = self._raw.read(_PIECE)
        if not start.strip() and len(start) < _PIECE:
            raise ReadError(f"{self.path.name}: the file is empty; export it again")
        self._text: BinaryIO | None = None
        converted = self._converted(start)
        if converted is not None:
            self._text = io.BytesIO(converted)
        stream = self._text or self._raw
        stream.seek(0)
        self.n_lines = self.size = 0
        last, taken, filled = b"\n", [], False
        while piece := stream.read(_PIECE):
            if not filled:
                taken.append(piece)
            self.n_lines += piece.count(b"\n")
            self.size += len(piece)
            last = piece[-1:]
            filled = self.n_lines >= _HEAD_LINES or (self.n_lines >= 3 and self.size >= _HEAD)
        self.n_lines += last != b"\n"
        head = b"".join(taken)
        self.head = head if len(head) == self.size else head[: head.rfind(b"\n") + 1]
        if b"\0" in self.head:
            raise ReadError(f"{self.path.name}: this is no text file; export the traces as CSV")
        stream.seek(0)

    def _converted(self, start: bytes) -> bytes | None:
        """Return the whole text as UTF-8 with line feeds where the file is something else."""
        for magic, what in _BINARY.items():
            if start.startswith(magic):
                raise ReadError(f"{self.path.name}: this is {what}")
        packed = start.startswith(b"\x1f\x8b")
        wide = _utf16(start)
        lone_returns = b"\r" in start and b"\n" not in start
        if not (packed or wide or lone_returns):
            return None
        self._raw.seek(0)
        text = self._hashed_read(-1)
        if packed:
            try:
                text = gzip.decompress(text)
            except (OSError, EOFError, ValueError, zlib.error) as error:
                raise ReadError(f"{self.path.name}: damaged gzip file: {error}") from None
            if not text.strip():
                raise ReadError(f"{self.path.name}: the file is empty; export it again")
            wide = _utf16(text)
        if wide:
            text = text.decode(wide, errors="replace").encode()
        return text if b"\n" in text else text.replace(b"\r", b"\n")

    def _hashed_read(self, size: int) -> bytes:
        data = self._raw.read(size)
        self._hash.update(data)
        self._hashed += len(data)
        return data

    def _read(self, size: int) -> bytes:
        return self._hashed_read(size) if self._text is None else self._text.read(size)


def _utf16(start: bytes) -> str | None:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    sample = start[:1000]
    if sample[1::2].count(0) > 0.8 * (len(sample) // 2) > 0:
        return "utf-16-le"
    if sample[::2].count(0) > 0.8 * (len(sample) // 2) > 0:
        return "utf-16-be"
    return None
