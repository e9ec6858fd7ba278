"""A movie that a saved recording names: it stays where it is and is opened when first looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.movie_choice import choose
from napari_calcium.io.tiff import open_movie

__all__ = ["LinkedMovie"]


class LinkedMovie:
    """Frames of a movie file, (n_frames, height, width), which need not be there until they are read.

    Parameters
    ----------
    path : str
        As the recording knows it.
    beside : path
        Folder in which a file of the same name is looked for if `path` does not exist, since recordings and
        movies are moved together.
    shape, dtype
        Of the movie when the recording was saved.
    read : CsvSettings
        Which plane and channel it was.
    """

    def __init__(
        self,
        path: str,
        beside: Path,
        shape: tuple[int, ...],
        dtype: str,
        read: CsvSettings = CsvSettings(),
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, np.dtype(dtype)
        self._beside, self._read = beside, read
        self._data: Any = None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def place(self) -> Path | None:
        """Where the file is now, None if it is gone."""
        # The last part of a path of either kind of system.
        name = self.path.replace("\\", "/").rsplit("/", 1)[-1]
        places = (Path(self.path), self._beside / self.path, self._beside / name)
        return next((place for place in places if name and place.exists()), None)

    @property
    def available(self) -> bool:
        """Whether frames can be read."""
        return self._data is not None or self.place is not None

    def __getitem__(self, index: Any) -> Any:
        if self._data is None:
            place = self.place
            if place is None:
                raise ReadError(f"{self.path}: the movie is no longer there; put it beside the recording")
            data = choose(open_movie(place), self._read).data
            if tuple(data.shape) != self.shape:
                raise ReadError(
                    f"{place.name}: a movie of {tuple(data.shape)}, but the recording was saved with one of "
                    f"{self.shape}; put that one in its place"
                )
            self._data = data
        return self._data[index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self[:], dtype)
