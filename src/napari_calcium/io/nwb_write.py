"""Save a recording, all of it, as one NWB file."""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from napari_calcium import __version__
from napari_calcium.atomic import replacing
from napari_calcium.io.nwb_about import about, more_results, quality_names, tables_of, trace_names
from napari_calcium.io.nwb_facts import add_imaging_plane, file_facts, printable
from napari_calcium.io.nwb_layout import (
    ABOUT,
    CELLS,
    MODULE,
    MOTION_FIELDS,
    NO_PLACE,
    SIMILARITY,
    interface_of,
    safe_names,
)
from napari_calcium.io.nwb_session import NwbSession
from napari_calcium.io.shielded_hdf5 import writing_hdf5
from napari_calcium.io.trace_chunks import Transfer, lay_out
from napari_calcium.progress import Progress, silent
from napari_calcium.recording import Recording
from napari_calcium.results.tables import EnsembleEvents, Table
from napari_calcium.rois import Rois

__all__ = ["save_nwb"]

_MASK = np.dtype([("x", "<u4"), ("y", "<u4"), ("weight", "<f4")])
_MASK_CHUNK = 1 << 16
_CELLS_AT_ONCE = 512
_TILE = 32
"""Side of the pieces of the picture of a cell, in pixels. Only pieces with pixels of it are in the file."""
_PIECES_AT_ONCE = 4096


def save_nwb(
    recording: Recording,
    path: str | Path,
    *,
    session_start: datetime | None = None,
    session: NwbSession = NwbSession(),
    selection: Mapping[str, Any] | None = None,
    on_progress: Progress = silent,
) -> None:
    """Save a recording as one NWB file, from which :func:`~napari_calcium.io.nwb.read_nwb` gives it back.

    Parameters
    ----------
    recording : Recording
        Everything in it is saved: traces of every stage with units, footprints, choice of cells and measures,
        images, events, coactivity, ensembles with activations, features, settings and provenance. A movie is
        linked by its path, not copied; one that lies in memory only is not saved.
    path : path
        ``.nwb``. Replaced whole or not at all, whenever the process is killed.
    session_start : datetime with time zone, optional
        When the recording was made, which NWB asks for; by default what the file said that it was read from,
        else the time of saving, which the new file says.
    session : NwbSession
        Animal, experimenter and what else archives ask for; it overrules the recording's `session_facts`, and
        is among them when the file is opened again.
    selection : mapping, optional
        What the user looks at, as plain data; :func:`~napari_calcium.io.nwb.read_selection` gives it back.
    on_progress
        In bytes of traces; an exception from it ends the saving and leaves the old file.

    Raises
    ------
    OSError
        Where the disk is full or the folder cannot be written to; the old file is as it was.

    Notes
    -----
    Traces lie uncompressed as (frames, cells), as NWB prescribes, each cell's in a chunk of its own, so that
    saving copies nothing. Images and masks have x first, as NWB prescribes. Cells are there twice, as lists
    of pixels and as pictures, since programs read one or the other; of the pictures only what is not empty is
    stored.
    """
    path = Path(path)
    with replacing(path) as partial, Transfer(partial, writes=True) as transfer:
        with warnings.catch_warnings():
            # pynwb warns of its own later versions.
            warnings.simplefilter("ignore")
            from pynwb import NWBHDF5IO

            with writing_hdf5(partial) as plain, NWBHDF5IO(file=plain, mode="w") as file:
                # Traces go to the disk while pynwb is still busy with what is around them.
                _begin_traces(recording, plain, transfer)
                file.write(_structure(recording, session_start, session, selection or {}))
        transfer.check()
        with writing_hdf5(partial, "r+") as plain:
            _fill(recording, plain)
            # What HDF5 writes would wait for the traces, so it comes behind them.
            transfer.wait(on_progress)


def _structure(
    recording: Recording, session_start: datetime | None, session: NwbSession, selection: Mapping[str, Any]
) -> Any:
    """Return the file as pynwb knows it, with places for what :func:`_fill` fills in."""
    from pynwb import NWBFile

    nwb = NWBFile(
        identifier=str(uuid.uuid4()),
        source_script=f"napari-calcium {__version__}",
        source_script_file_name="napari-calcium",
        **file_facts(recording, session, session_start),
    )
    plane = add_imaging_plane(nwb, recording, session)
    ophys = nwb.create_processing_module("ophys", "cells and their traces")
    _add_traces(recording, ophys, _add_cells(recording, ophys, plane))
    _add_images(recording, ophys)
    _add_movie(recording, nwb, plane)
    _add_tables(recording, nwb)
    for name, values in more_results(recording)[1].items():
        nwb.add_scratch(
            np.ascontiguousarray(values), name=name, description=f"result of {name.split('.')[0]}"
        )
    text = json.dumps(about(recording) | {"selection": dict(selection)}, ensure_ascii=True)
    nwb.add_scratch(text, name=ABOUT, description="what napari-calcium needs to open the recording again")
    return nwb


def _column(name: str, data: Any, description: str) -> Any:
    from hdmf.common import VectorData

    return VectorData(name=name, description=description, data=data)


def _add_cells(recording: Recording, ophys: Any, plane: Any) -> Any:
    """Write one row a cell, in the order of the traces, also for cells without a place."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.common import VectorIndex
    from pynwb.ophys import ImageSegmentation, PlaneSegmentation

    place = _places(recording)
    # Both are filled in by _fill, since pynwb takes compound rows one by one.
    none = H5DataIO(np.empty(0, _MASK), maxshape=(None,), chunks=(_MASK_CHUNK,))
    pixels = _column("pixel_mask", none, "pixels of the cell and their weights")
    ends = H5DataIO(shape=(recording.n_rois,), dtype=np.dtype("<u8"))
    columns = [
        VectorIndex(name="pixel_mask_index", data=ends, target=pixels),
        pixels,
        _column("place", place, "row of the cell's ROI, -1 where it has none"),
    ]
    rois = recording.rois
    if rois is not None and recording.n_rois:
        columns.append(_column("image_mask", _empty_pictures(recording.n_rois, rois), "picture of the cell"))
    if rois is not None:
        where: dict[str, NDArray[Any]] = {"accepted": rois.accepted, "label": rois.labels}
        safe = quality_names(recording)
        where |= {safe[name]: values for name, values in rois.quality.items()}
        texts = {"accepted": "whether the ROI counts as a cell", "label": "number in the label image"}
        columns += [
            _column(name, _spread(values, place), texts.get(name, "measure of the ROI"))
            for name, values in where.items()
        ]
    table = PlaneSegmentation(
        name="PlaneSegmentation",
        description="cells of napari-calcium; their ids never change",
        imaging_plane=plane,
        id=np.asarray(recording.roi_ids),
        columns=columns,
        colnames=[column.name for column in columns if column.name != "pixel_mask_index"],
    )
    ophys.add(ImageSegmentation(name="ImageSegmentation", plane_segmentations=[table]))
    return table


def _empty_pictures(n_rois: int, rois: Rois) -> Any:
    """Lay out a picture of the field for each cell, x first; what is never filled in takes no space."""
    from hdmf.backends.hdf5 import H5DataIO

    height, width = rois.shape
    tiles = (1, min(_TILE, width), min(_TILE, height))
    return H5DataIO(shape=(n_rois, width, height), dtype=np.dtype("<f4"), chunks=tiles)


def _fill_pictures(recording: Recording, pictures: h5py.Dataset) -> None:
    """Write the pieces of the pictures that have pixels of their cell."""
    rois = recording.rois
    assert rois is not None
    places = _places(recording)
    cells = np.flatnonzero(places >= 0)
    for start in range(0, len(cells), _CELLS_AT_ONCE):
        some = cells[start : start + _CELLS_AT_ONCE]
        corners, tiles = _tiles(rois, places[some], pictures.chunks[1:])
        for (cell, x, y), tile in zip(corners.tolist(), tiles, strict=True):
            pictures.id.write_direct_chunk((int(some[cell]), x, y), tile)


def _tiles(
    rois: Rois, places: NDArray[np.int64], size: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Cut footprints into tiles; return which ROI, x and y of each tile's corner, and what is in it."""
    across, down = size
    some = rois.footprints[places].tocoo()
    cell = some.row.astype(np.int64)
    y, x = np.divmod(some.col.astype(np.int64), rois.shape[1])
    n_across, n_down = -(-rois.shape[1] // across), -(-rois.shape[0] // down)
    keys, tile = np.unique((cell * n_across + x // across) * n_down + y // down, return_inverse=True)
    tiles = np.zeros((len(keys), across, down), "<f4")
    tiles[tile, x % across, y % down] = some.data
    cell_column, row = np.divmod(keys, n_down)
    cells, column = np.divmod(cell_column, n_across)
    return np.column_stack([cells, column * across, row * down]), tiles


def _places(recording: Recording) -> NDArray[np.int64]:
    place = np.full(recording.n_rois, NO_PLACE, np.int64)
    if recording.rois is not None:
        place[recording.rows(recording.rois.ids)] = np.arange(len(recording.rois))
    return place


def _spread(values: NDArray[Any], place: NDArray[np.int64]) -> NDArray[Any]:
    """Return values of ROIs in the order of the cells; nothing in particular where there is no ROI."""
    nothing = np.nan if values.dtype.kind == "f" else 0
    spread = np.full(len(place), nothing, values.dtype)
    spread[place >= 0] = values[place[place >= 0]]
    return spread


def _mask_ends(recording: Recording) -> NDArray[np.int64]:
    """Return for each cell where its pixels end in the one list of all pixels."""
    place, lengths = _places(recording), np.zeros(recording.n_rois, np.int64)
    if recording.rois is not None:
        lengths[place >= 0] = recording.rois.areas[place[place >= 0]]
    return np.cumsum(lengths)


def _pixel_mask(recording: Recording) -> NDArray[np.void]:
    """Return the pixels of all cells, in the order of the traces."""
    rois = recording.rois
    if rois is None:
        return np.empty(0, _MASK)
    place = _places(recording)
    ordered = rois.footprints[place[place >= 0]]
    mask = np.empty(ordered.nnz, _MASK)
    if ordered.nnz:
        mask["y"], mask["x"] = np.divmod(ordered.indices, rois.shape[1])
    mask["weight"] = ordered.data
    return mask


def _add_traces(recording: Recording, ophys: Any, cells: Any) -> None:
    """Lay out the traces; :func:`_fill` puts their numbers there."""
    from hdmf.backends.hdf5 import H5DataIO
    from hdmf.common import DynamicTableRegion
    from pynwb.ophys import DfOverF, Fluorescence, RoiResponseSeries

    safe = trace_names(recording)
    interfaces: dict[str, list[Any]] = {}
    chunks: dict[str, Any] = {"chunks": (recording.n_frames, 1)} if recording.n_rois else {}
    for name, trace in recording.traces.items():
        kind = interface_of(name, trace.unit)
        # An array: pynwb's own way takes a list, whose numbers it looks at one by one.
        rows = np.arange(recording.n_rois)
        region = DynamicTableRegion(name="rois", data=rows, description="all cells", table=cells)
        series = RoiResponseSeries(
            name=safe[name],
            data=H5DataIO(shape=trace.values.T.shape, dtype=np.dtype("<f4"), **chunks),
            rois=region,
            unit=printable(trace.unit),
            description=f"stage {printable(name)} of napari-calcium",
            **_clock(recording),
        )
        interfaces.setdefault(kind, []).append(series)
    for kind, series in interfaces.items():
        make = DfOverF if kind == "DfOverF" else Fluorescence
        ophys.add(make(name=kind, roi_response_series=series))


def _clock(recording: Recording) -> dict[str, Any]:
    if recording.frame_rate is not None:
        return {"rate": recording.frame_rate, "starting_time": 0.0}
    # No frame has a time as long as the frame rate is not known.
    return {"timestamps": np.full(recording.n_frames, np.nan)}


def _add_images(recording: Recording, ophys: Any) -> None:
    from pynwb.base import Images
    from pynwb.image import GrayscaleImage

    if not recording.images:
        return
    safe = safe_names(tuple(recording.images), "image")
    images = [
        GrayscaleImage(name=safe[name], data=np.ascontiguousarray(image.T), description=printable(name))
        for name, image in recording.images.items()
    ]
    ophys.add(Images(name="SummaryImages", images=images, description="pictures of the field of view"))


def _add_movie(recording: Recording, nwb: Any, plane: Any) -> None:
    from pynwb.ophys import TwoPhotonSeries

    movie = recording.movie
    if movie is None or movie.path is None or recording.frame_rate is None:
        return
    height, width = movie.data.shape[-2:]
    series = TwoPhotonSeries(
        name="TwoPhotonSeries",
        external_file=[printable(movie.path)],
        starting_frame=[0],
        format="external",
        dimension=[int(width), int(height)],
        imaging_plane=plane,
        unit="n.a.",
        # Versions of pynwb differ in what they ask for beside a rate.
        timestamps=np.arange(movie.n_frames) / recording.frame_rate,
        description="the movie, which is linked and not copied",
    )
    nwb.add_acquisition(series)


def _add_tables(recording: Recording, nwb: Any) -> None:
    tables = {name: _table_columns(table) for name, table in tables_of(recording).items()}
    if recording.features is not None:
        safe = safe_names(tuple(recording.features), "feature")
        features = {safe[name]: values for name, values in recording.features.items()}
        tables["features"] = [_column(name, values, "see its name") for name, values in features.items()]
    if not tables:
        return
    module = nwb.create_processing_module(MODULE, "events, ensembles and features found by napari-calcium")
    for name, columns in tables.items():
        module.add(_dynamic_table(name, columns))
    if recording.motion is not None:
        for name in MOTION_FIELDS:
            values = np.asarray(getattr(recording.motion, name))
            nwb.add_scratch(values, name=f"motion_{name}", description="displacement of the movie's frames")
    if recording.ensembles is not None:
        nwb.add_scratch(
            np.asarray(recording.ensembles.similarity),
            name=SIMILARITY,
            description="Jaccard similarity of the ensemble events' contributors",
        )


def _table_columns(table: Table) -> list[Any]:
    from hdmf.common import VectorIndex

    columns = [_column(name, np.asarray(v), "see its name") for name, v in table.columns().items()]
    if isinstance(table, EnsembleEvents):
        members = _column("roi_ids", np.asarray(table.member_ids), "cells that contribute")
        ends = np.asarray(table.member_offsets[1:])
        columns += [VectorIndex(name="roi_ids_index", data=ends, target=members), members]
    return columns


def _dynamic_table(name: str, columns: list[Any]) -> Any:
    from hdmf.common import DynamicTable

    return DynamicTable(
        name=name,
        description=f"{name.replace('_', ' ')}; times in seconds from the start of the first frame",
        columns=columns,
        colnames=[column.name for column in columns if not column.name.endswith("_index")],
    )


def _begin_traces(recording: Recording, file: h5py.File, transfer: Transfer) -> None:
    """Give the traces their room, and begin to write them."""
    for name, place in _waiting(recording).items():
        transfer.write(
            recording.traces[name].values, lay_out(file, place, recording.n_rois, recording.n_frames)
        )
    transfer.sync()


def _waiting(recording: Recording) -> dict[str, str]:
    """Return where each trace with numbers is until pynwb has made the place where it belongs."""
    there = (name for name, trace in recording.traces.items() if trace.values.size)
    return {name: f"trace {k}" for k, name in enumerate(there)}


def _fill(recording: Recording, file: h5py.File) -> None:
    """Write the cells, and put the traces, into the places that pynwb laid out."""
    safe = trace_names(recording)
    for name, waiting in _waiting(recording).items():
        interface = interface_of(name, recording.traces[name].unit)
        _put(file, waiting, f"processing/ophys/{interface}/{safe[name]}/data")
    pixels, mask = file[f"{CELLS}/pixel_mask"], _pixel_mask(recording)
    pixels.resize(mask.shape)
    pixels[...] = mask
    file[f"{CELLS}/pixel_mask_index"][...] = _mask_ends(recording)
    if f"{CELLS}/image_mask" in file:
        _fill_pictures(recording, file[f"{CELLS}/image_mask"])


def _put(file: h5py.File, waiting: str, place: str) -> None:
    """Put a dataset where an empty one is, of which it takes what pynwb says of it."""
    for name, value in file[place].attrs.items():
        file[waiting].attrs.create(name, value, dtype=file[place].attrs.get_id(name).dtype)
    del file[place]
    file.move(waiting, place)
