"""What napari opens through this plugin: tables, results, other programs' files, label images and movies.

A file is claimed only if its content fits. Whatever belongs to a recording goes into the session of the
viewer, whose canvas makes the layers; napari then gets its null layer, ``[(None,)]``.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any

import napari
import npe2
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_calcium.io.behaviour_csv import is_list_of_events, looks_like_behaviour
from napari_calcium.io.csv import read_csv
from napari_calcium.io.csv_layout import find_layout
from napari_calcium.io.csv_settings import CsvSettings
from napari_calcium.io.errors import ReadError
from napari_calcium.io.labels import read_labels
from napari_calcium.io.movie_parts import open_parts
from napari_calcium.io.nwb import read_selection
from napari_calcium.io.opening import movie_recording, open_recording, reader_of
from napari_calcium.io.positions import PositionSettings, add_positions
from napari_calcium.io.results_folder import is_results_folder
from napari_calcium.io.results_reading import read_results
from napari_calcium.io.text_blocks import TextFile
from napari_calcium.io.tiff import open_movie
from napari_calcium.plurals import count_of
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording
from napari_calcium.session import Session
from napari_calcium.widgets.adopting import adopt_layers, movie_layer_data, with_movie, with_movie_of
from napari_calcium.widgets.behaviour_opening import add_behaviour_files, entry_settings, remember_folder
from napari_calcium.widgets.heatmap_layer import heatmap_layer_data
from napari_calcium.widgets.notices import show_info, show_warning
from napari_calcium.widgets.preferences import preferences
from napari_calcium.widgets.reader_choice import NAPARI, is_first_choice
from napari_calcium.widgets.reading import read_beside
from napari_calcium.widgets.recent_files import remember_file
from napari_calcium.widgets.selection_kept import select_again
from napari_calcium.widgets.viewer_session import session_of
from napari_calcium.widgets.workspace import explore, workspace_of

__all__ = ["read_folder", "read_recording", "read_table", "read_tiff"]

LayerData = list[tuple[Any, ...]]
Reader = Callable[[Any], LayerData]
Paths = str | PathLike[str] | Sequence[str]

_NULL: LayerData = [(None,)]
_TIFF = (".tif", ".tiff", ".btf", ".tf8")
_HOW_TO_CHOOSE = (
    "To analyse one of them, choose it in Plugins › napari-calcium › Import fluorescence "
    "(How the table is read)."
)
_LEAST_SAMPLES = 20
"""A table of behaviour with fewer rows is not taken for a recording where none is open."""
_LARGE = 20_000_000
"""Bytes of a table that takes long enough to be read beside the window."""

_folders: weakref.WeakKeyDictionary[Session, tuple[str, Path]] = weakref.WeakKeyDictionary()
"""Name and folder of the table that a session was opened from: positions are told relative to it."""


def _or_as_napari(claim: Callable[[Paths], Reader | None]) -> Callable[[Paths], Reader | None]:
    """Let napari's own reader open what is not claimed, where the user lets this plugin open everything."""

    @wraps(claim)
    def claim_or_leave(path: Paths) -> Reader | None:
        reader = claim(path)
        leaves = reader is None and _single(path) is not None and is_first_choice()
        return _open_as_napari if leaves else reader

    return claim_or_leave


@_or_as_napari
def read_table(path: Paths) -> Reader | None:
    """Return a reader if the file is a table of fluorescence; None for napari's own tables and others.

    Beside an open recording a table of behaviour is one by its headings.
    """
    file = _single(path)
    if file is None or not file.is_file():
        return None
    if _open_recording() is not None and looks_like_behaviour(file):
        return _open_behaviour
    try:
        with TextFile(file) as text:
            layout = find_layout(text, CsvSettings())
            rows = text.head.count(b"\n")
    except (ReadError, OSError) as error:
        _say_why(error)
        return None
    # Points, shapes and the like that napari saved.
    if "axis-0" in layout.heading:
        return None
    if max(rows, layout.n_fields) < _LEAST_SAMPLES and looks_like_behaviour(file):
        _say_why(f"{file.name}: looks like a table of behaviour; open the recording first, then this")
        return None
    return _open_table


@_or_as_napari
def read_folder(path: Paths) -> Reader | None:
    """Return a reader if the path is a results folder, the ``log.json`` in one, or suite2p's or Minian's."""
    file = _single(path)
    if file is None:
        return None
    return _open_results if is_results_folder(_folder_of(file)) else read_recording(path)


def read_recording(path: Paths) -> Reader | None:
    """Return a reader if another program extracted cells into the file or folder, told by its content."""
    file = _single(path)
    if file is None:
        return None
    try:
        known = reader_of(file) is not None
    except (ReadError, OSError):
        # It is known, and what is wrong with it is told when it is opened.
        known = True
    return _open_extracted if known else None


@_or_as_napari
def read_tiff(path: Paths) -> Reader | None:
    """Return a reader if the file is a movie, a label image, or an image beside an open recording.

    Other single images are left to napari.
    """
    file = _single(path)
    if file is None and not isinstance(path, (str, PathLike)):
        return _open_movie if _are_parts(path) else None
    if file is None or not file.exists():
        return None
    try:
        movie = open_movie(file)
    except (ReadError, OSError) as error:
        _say_why(error)
        return None
    if movie.n_frames > 1:
        return _open_movie
    recording = _open_recording()
    if recording is not None and recording.traces:
        return _open_picture
    return _open_picture if _looks_like_labels(_plane(movie.data)) else None


def _open_as_napari(path: Any) -> LayerData:
    return list(npe2.read([str(_single(path))], stack=False, plugin_name=NAPARI))


def _open_table(path: Any) -> LayerData:
    file = Path(path)
    viewer = napari.current_viewer()
    if viewer is None:
        return _as_layers(read_csv(file))
    large = file.stat().st_size > _LARGE
    if large and "napari_calcium.widgets.workbench" not in sys.modules:
        # Nothing shows its progress yet, and to load the pipeline takes long itself.
        if read_beside(
            viewer,
            f"Reading {file.name}",
            lambda on_progress: read_csv(file, on_progress=on_progress),
            lambda recording: _open(viewer, recording, file),
        ):
            show_info(f"Reading {file.name} …")
            return _NULL
    elif large:
        # Loads the whole pipeline, which reading does not need.
        from napari_calcium.widgets.workbench import workbench_of

        started = workbench_of(viewer).runner.start(
            f"Reading {file.name}",
            lambda on_progress: read_csv(file, on_progress=on_progress),
            lambda recording: _open(viewer, recording, file),
        )
        if started:
            show_info(f"Reading {file.name} …")
            return _NULL
    _open(viewer, read_csv(file), file)
    return _NULL


def _open_behaviour(path: Any) -> LayerData:
    """Add a table of behaviour to the open recording and align it."""
    file = Path(path)
    viewer = napari.current_viewer()
    recording = _open_recording()
    if viewer is None or recording is None:
        return _NULL
    session = session_of(viewer)
    earlier = entry_settings(recording)
    # A second table of events goes with signals that are there already.
    signals = recording.behaviour_file is not None and len(recording.behaviour_file.signals) > 0
    key = "epochs" if signals and is_list_of_events(file) else "file"
    found = add_behaviour_files(session, recording, earlier.replace(**{key: str(file.absolute())}))
    notes = next(entry.notes for entry in found.log if entry.stage == "behaviour_file")
    if found.frame_rate is not None:
        found = _aligned(found)
    session.apply(found, f"Add {file.name}")
    docks = workspace_of(viewer)
    if docks is not None and (preferences().open_explore or docks.shows("Behaviour")):
        docks.show("Behaviour")
    show_info("\n".join([f"{file.name}: behaviour added", *notes]))
    return _NULL


def _aligned(recording: Recording) -> Recording:
    """Return a recording with its behaviour aligned; as it was where that cannot be done yet."""
    # Loads the whole pipeline, which reading does not need.
    from napari_calcium.behaviour.alignment import AutomaticAlignment
    from napari_calcium.pipeline import StageError, run_stage

    try:
        return run_stage(recording, "behaviour", AutomaticAlignment())
    except StageError as error:
        show_warning(str(error))
        return recording


def _open_results(path: Any) -> LayerData:
    folder = _folder_of(Path(path))
    viewer = napari.current_viewer()
    if viewer is None:
        return _as_layers(read_results(folder))

    def show(recording: Recording) -> None:
        _put(viewer, recording, opening=lambda: remember_file(folder))

    if not read_beside(viewer, f"Reading {folder.name}", lambda _: read_results(folder), show):
        show(read_results(folder))
    return _NULL


def _open_extracted(path: Any) -> LayerData:
    file = Path(path)
    viewer = napari.current_viewer()
    if viewer is None:
        return _as_layers(open_recording(file))

    def read(on_progress: Progress) -> tuple[Recording, Mapping[str, Any]]:
        return open_recording(file, on_progress=on_progress), read_selection(path)

    def show(found: tuple[Recording, Mapping[str, Any]]) -> None:
        _open(viewer, found[0], file, found[1])

    if not read_beside(viewer, f"Reading {file.name}", read, show):
        show(read(silent))
    return _NULL


def _open_picture(path: Any) -> LayerData:
    """Add a label image or a picture of the tissue to the open recording; alone, labels are a layer."""
    file = Path(path)
    viewer = napari.current_viewer()
    recording = _open_recording()
    if viewer is None or recording is None or not recording.traces:
        labels = read_labels(file)
        return [(labels.astype(np.int32), {"name": file.stem}, "labels")]
    session = session_of(viewer)
    image = _plane(open_movie(file).data)
    name, folder = _folders.get(session, ("", Path()))
    place = str(file.absolute())
    if recording.source is not None and recording.source.name == name and file.is_relative_to(folder):
        place = file.relative_to(folder).as_posix()
    if recording.rois is None and _looks_like_labels(image):
        linked = add_positions(recording, PositionSettings(labels=place), folder)
        session.apply(linked, f"Link {file.name}")
        show_info("\n".join(note for entry in linked.log if entry.stage == "rois" for note in entry.notes))
    else:
        session.apply(add_positions(recording, PositionSettings(image=place), folder), f"Add {file.name}")
    return _NULL


def _open_movie(path: Any) -> LayerData:
    """Add a movie to the recording whose traces are as long; else it is a recording of its own.

    One of several channels or planes is a lazy layer. Several files are parts of one recording.
    """
    movie = open_movie(Path(path)) if isinstance(path, (str, PathLike)) else open_parts(path)
    name = Path(movie.path).name
    viewer = napari.current_viewer()
    recording = _open_recording()
    if viewer is not None and recording is not None:
        joined = with_movie(recording, movie)
        if joined is not None:
            session_of(viewer).apply(joined, f"Add {name}")
            return _NULL
    if viewer is not None and movie.axes == "tyx":
        _open(viewer, movie_recording(movie), Path(movie.path))
        return _NULL
    if viewer is not None:
        several = "channels" if "c" in movie.axes else "planes"
        show_warning(
            "\n".join([f"{name}: shown only; it has several {several}", _HOW_TO_CHOOSE, *movie.notes])
        )
    return [movie_layer_data(movie)]


def _open(
    viewer: Any, recording: Recording, file: Path, selection: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Open a recording and say what was guessed."""

    def opening() -> None:
        session = session_of(viewer)
        if recording.source is not None:
            _folders[session] = (recording.source.name, file.absolute().parent)
            remember_folder(session, *_folders[session])
        remember_file(file)

    _put(viewer, recording, selection, opening=opening, opened=lambda: _tell_of(recording, file))


def _tell_of(recording: Recording, file: Path) -> None:
    """Say what was opened, and what was guessed."""
    notes = [note for entry in recording.log for note in entry.notes]
    say = show_warning if recording.frame_rate is None else show_info
    # A notification shows its first line only, until it is unfolded: what is to be done comes first.
    to_do = "set its frame rate; " if recording.frame_rate is None else ""
    size = (
        f"{count_of(recording.n_rois, 'neuron')} × {count_of(recording.n_frames, 'frame')}"
        if recording.traces
        else "a movie"
    )
    say("\n".join([f"{file.name}: {to_do}{size}", *notes]))


def _put(
    viewer: Any,
    recording: Recording,
    selection: Mapping[str, Any] = MappingProxyType({}),
    *,
    opening: Callable[[], object] = lambda: None,
    opened: Callable[[], object] = lambda: None,
) -> None:
    """Open a recording with what fits to it among the layers, and the docks to explore it.

    `opening` and `opened` are called before and after, unless the user stays with what is open.
    """

    def put() -> None:
        opening()
        session = session_of(viewer)
        before = session.recording
        session.open(recording)
        adopt_layers(viewer, session)
        joined = with_movie_of(recording, before) if session.recording is recording else None
        if joined is not None and before is not None:
            session.apply(joined, f"Add {before.name}")
        explore(viewer)
        if selection:
            select_again(session, selection)
        opened()

    if session_of(viewer).recording is None:
        put()
        return
    # Loads the whole pipeline, which reading does not need.
    from napari_calcium.widgets.close_guard import before_opening

    before_opening(viewer, put)


def _as_layers(recording: Recording) -> LayerData:
    data = heatmap_layer_data(recording)
    return [data] if data is not None else _NULL


def _open_recording() -> Recording | None:
    viewer = napari.current_viewer()
    return session_of(viewer).recording if viewer is not None else None


def _single(path: Paths) -> Path | None:
    """Return the one path that was given, None for a stack of several."""
    if isinstance(path, (str, PathLike)):
        return Path(path)
    return Path(path[0]) if len(path) == 1 else None


def _say_why(reason: Exception | str) -> None:
    """Say why a file is left to others: napari's own line is only that it was refused."""
    if napari.current_viewer() is not None:
        # Afterwards: the newest notification lies on top, and napari's own comes when this has returned.
        QTimer.singleShot(0, lambda: show_warning(str(reason)))


def _are_parts(paths: Sequence[str]) -> bool:
    """Whether several files are TIFFs, as the parts of one recording are."""
    return all(Path(path).suffix.lower() in _TIFF and Path(path).is_file() for path in paths)


def _folder_of(path: Path) -> Path:
    return path.parent if path.name == "log.json" else path


def _plane(data: Any) -> NDArray[Any]:
    return np.asarray(data[0])


def _looks_like_labels(image: NDArray[Any]) -> bool:
    """Whether an image is of whole numbers in patches on 0: in a picture, neighbours differ."""
    if image.ndim != 2 or image.dtype.kind not in "iub" or not image.any():
        return False
    left, right = image[:, :-1], image[:, 1:]
    inside = (left != 0) & (right != 0)
    return bool((image == 0).any() and inside.any() and (left == right)[inside].mean() > 0.5)
