"""What an NWB file says of animal, session and microscope: kept as it was read, and written again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import h5py
import numpy as np

from napari_calcium import __version__
from napari_calcium.io.errors import ReadError
from napari_calcium.io.hdf5 import Hdf5File
from napari_calcium.io.nwb_session import NwbSession
from napari_calcium.recording import Recording

__all__ = ["add_imaging_plane", "file_facts", "printable", "read_facts"]

_UNKNOWN: Final = "unknown"
_ANY_AGE: Final = "P0D/"
"""From zero days, without an upper limit."""
_FIELD: Final = "field of view"
_SAVED: Final = "saved by napari-calcium"
_TIME_OF_SAVING: Final = "session_start_time is the time of saving"
_NAMED: Final = "calcium imaging: "
_LONGEST = 100_000
_MOST = 100
_TEXTS: Final = {
    "session_description": "session_description",
    "session_start_time": "session_start_time",
    **{
        name: f"general/{name}"
        for name in (
            *("session_id", "experiment_description", "institution", "lab", "notes", "pharmacology"),
            *("protocol", "slices", "data_collection", "surgery", "virus"),
        )
    },
    "stimulus_notes": "general/stimulus",
}
"""Arguments of pynwb's NWBFile, and where they are in the file."""
_LISTS: Final = {name: f"general/{name}" for name in ("experimenter", "keywords", "related_publications")}
_SUBJECT: Final = (
    *("subject_id", "description", "species", "sex", "age", "genotype", "strain", "weight", "date_of_birth"),
)
_PLANE: Final = ("description", "indicator", "location", "excitation_lambda")
_CHANNEL: Final = ("description", "emission_lambda")
_DEVICE: Final = ("manufacturer", "model_number", "model_name", "serial_number")
"""Versions of NWB have different places for these, so that they become part of the description."""
_FILLED_IN: Final = {
    "subject.subject_id": _UNKNOWN,
    "subject.sex": "U",
    "subject.age": _ANY_AGE,
    "subject.description": _UNKNOWN,
    "plane.description": _FIELD,
    "plane.indicator": _UNKNOWN,
    "plane.location": _UNKNOWN,
    "channel.name": "channel",
    "channel.description": _UNKNOWN,
    "device.name": "Microscope",
    "device.description": _UNKNOWN,
}
"""What stands where NWB asks for something that is not known. It is no fact."""


def read_facts(file: Hdf5File, cells: str) -> dict[str, Any]:
    """Return what a file says of animal, session and microscope.

    Parameters
    ----------
    file : Hdf5File
    cells : str
        Where the table of the cells is; its plane counts.

    Returns
    -------
    dict of str to str, float or tuple of str
        ``"lab"``, ``"subject.species"``, ``"plane.indicator"``, ``"channel.emission_lambda"`` …, as NWB
        calls them. What cannot be read, or only fills a gap that NWB does not allow, is left out.
    """
    # Most files say little, and to look for each thing that they do not say takes longer than this.
    there = {*(f"general/{name}" for name in file.keys("general")), *file.keys()}
    found: dict[str, Any] = dict.fromkeys(_TEXTS)
    found |= {name: _text(file, path) for name, path in _TEXTS.items() if path in there}
    found |= {name: _list(file, path) for name, path in _LISTS.items() if path in there}
    subject = dict.fromkeys(_SUBJECT) | {
        name: _text(file, f"general/subject/{name}")
        for name in file.keys("general/subject")
        if name in _SUBJECT
    }
    found |= {f"subject.{name}": value for name, value in subject.items()}
    if subject["age"]:
        found["subject.age__reference"] = _attribute(file, "general/subject/age", "reference")
    plane = _where(file, f"{cells}/imaging_plane")
    if plane is not None:
        found |= {f"plane.{name}": _value(file, f"{plane}/{name}") for name in _PLANE}
        found |= _channels(file, plane)
        device = _where(file, f"{plane}/device")
        if device is not None:
            found["device.name"] = device.rsplit("/", 1)[-1]
            found["device.description"] = _device(file, device)
    return _without_what_was_filled_in(found)


def _channels(file: Hdf5File, plane: str) -> dict[str, Any]:
    """Return what is known of the plane's optical channels: ``channel``, ``channel2`` and so on."""
    found: dict[str, Any] = {}
    groups = [
        f"{plane}/{name}" for name in file.keys(plane) if name not in (*_PLANE, "device", "imaging_rate")
    ]
    channels = [p for p in groups if _attribute(file, p, "neurodata_type") == "OpticalChannel"]
    for k, path in enumerate(channels[:_MOST], start=1):
        key = "channel" if k == 1 else f"channel{k}"
        found[f"{key}.name"] = path.rsplit("/", 1)[-1]
        found |= {f"{key}.{name}": _value(file, f"{path}/{name}") for name in _CHANNEL}
    return found


def _device(file: Hdf5File, device: str) -> str | None:
    said = [_attribute(file, device, "description")]
    if (model := _where(file, f"{device}/model")) is not None:
        said.append(f"model: {model.rsplit('/', 1)[-1]}")
    for place in (device, model):
        told = {name: _attribute(file, place, name) for name in _DEVICE} if place is not None else {}
        said += [f"{name.replace('_', ' ')}: {value}" for name, value in told.items() if value]
    return "; ".join(text for text in said if text) or None


def _without_what_was_filled_in(found: dict[str, Any]) -> dict[str, Any]:
    *notes, last = str(found["notes"] or "").split("\n")
    if last.startswith(_SAVED):
        found["notes"] = "\n".join(notes)
        if last.endswith(_TIME_OF_SAVING):
            found["session_start_time"] = None
        if str(found["session_description"] or "").startswith(_NAMED):
            found["session_description"] = None
    for name in ("session_start_time", "subject.date_of_birth"):
        moment = _moment(found[name])
        found[name] = None if moment is None else moment.isoformat()
    if found["subject.age"] is None or found["subject.age"] == _ANY_AGE:
        found.pop("subject.age__reference", None)
    return {
        name: value
        for name, value in found.items()
        if value is not None and value not in ("", ()) and value == value and value != _FILLED_IN.get(name)
    }


def _where(file: Hdf5File, path: str) -> str | None:
    try:
        place = file.find(path)
    except ReadError:
        return None
    return str(place.name).strip("/") if isinstance(place, h5py.Group) else None


def _attribute(file: Hdf5File, path: str, name: str) -> str | None:
    try:
        value = file.attribute(path, name)
    except ReadError:
        return None
    return _clean(value) if isinstance(value, str) else None


def _text(file: Hdf5File, path: str) -> str | None:
    try:
        value = file.text(path)
    except ReadError:
        return None
    return None if value is None else _clean(value)


def _value(file: Hdf5File, path: str) -> str | float | None:
    """Return a wavelength as a number, anything else as a text."""
    text = _text(file, path)
    if text is None or not path.endswith("_lambda"):
        return text
    try:
        return float(text)
    except ValueError:
        return None


def _list(file: Hdf5File, path: str) -> tuple[str, ...] | None:
    try:
        if not file.is_dataset(path):
            return None
        values = np.atleast_1d(file.read(path, file.dataset(path)))[:_MOST]
    except ReadError:
        return None
    texts = (v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values.ravel().tolist())
    return tuple(_clean(text) for text in texts if isinstance(text, str))


def _clean(text: str) -> str:
    """Return a text as HDF5 can hold it."""
    return text[:_LONGEST].replace("\0", " ").encode("utf-8", "replace").decode()


def printable(text: str) -> str:
    """Return a text without what cannot be printed; ``recording`` if nothing is left."""
    return "".join(c if c.isprintable() else " " for c in text).strip() or "recording"


def file_facts(recording: Recording, session: NwbSession, start: datetime | None) -> dict[str, Any]:
    """Return the arguments of pynwb's NWBFile that tell of session and animal.

    Parameters
    ----------
    recording : Recording
        With what its file said.
    session : NwbSession
        What it says overrules that.
    start : datetime with time zone, optional
        When the recording was made. Where nobody knows, it is the time of saving, and the notes say so.
    """
    facts = dict(recording.session_facts)
    now = datetime.now().astimezone()
    start = start or _moment(facts.pop("session_start_time", None))
    saved = f"{_SAVED} {__version__}" + ("" if start is not None else f"; {_TIME_OF_SAVING}")
    texts: dict[str, Any] = {name: facts[name] for name in (*_TEXTS, *_LISTS) if name in facts}
    given: dict[str, Any] = {
        "session_description": session.session_description,
        "institution": session.institution,
        "experimenter": (session.experimenter,) if session.experimenter else (),
    }
    texts |= {name: value for name, value in given.items() if value}
    texts.setdefault("session_description", _NAMED + printable(recording.name))
    texts["notes"] = f"{texts['notes']}\n{saved}" if "notes" in texts else saved
    texts["session_start_time"] = start or now
    return texts | {"subject": _subject(facts, session)}


def _subject(facts: Mapping[str, Any], session: NwbSession) -> Any:
    """Return the subject; archives ask for one, also where nothing is known of it."""
    from pynwb.file import Subject

    known: dict[str, Any] = {
        name: facts[f"subject.{name}"] for name in _SUBJECT if f"subject.{name}" in facts
    }
    if "date_of_birth" in known and (birth := _moment(known.pop("date_of_birth"))) is not None:
        known["date_of_birth"] = birth
    if facts.get("subject.age__reference") in ("birth", "gestational") and "age" in known:
        known["age__reference"] = facts["subject.age__reference"]
    given = {name: getattr(session, name) for name in ("subject_id", "species", "age")}
    known |= {name: value for name, value in given.items() if value}
    if session.sex != "U":
        known["sex"] = session.sex
    usual = {name: _FILLED_IN[f"subject.{name}"] for name in ("subject_id", "description", "sex")}
    if "date_of_birth" not in known:
        usual["age"] = _ANY_AGE
    return Subject(**(usual | known))


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else moment.astimezone()


def add_imaging_plane(nwb: Any, recording: Recording, session: NwbSession) -> Any:
    """Add the plane that was imaged, with its channels and microscope, to pynwb's NWBFile and return it."""
    from pynwb.ophys import OpticalChannel

    facts = {**_FILLED_IN, **recording.session_facts}
    if session.indicator:
        facts["plane.indicator"] = session.indicator
    if session.location:
        facts["plane.location"] = session.location
    keys = [key.removesuffix(".name") for key in facts if key.startswith("channel") and key.endswith(".name")]
    channels = [
        OpticalChannel(
            name=_name(facts[f"{key}.name"], key),
            description=str(facts.get(f"{key}.description", _UNKNOWN)),
            emission_lambda=_number(facts.get(f"{key}.emission_lambda")),
        )
        for key in keys
    ]
    more: dict[str, Any] = {}
    if recording.frame_rate is not None:
        more["imaging_rate"] = recording.frame_rate
    if recording.pixel_size_um is not None:
        more |= {"grid_spacing": [recording.pixel_size_um] * 2, "grid_spacing_unit": "micrometers"}
    return nwb.create_imaging_plane(
        name="ImagingPlane",
        optical_channel=channels,
        description=str(facts["plane.description"]),
        device=nwb.create_device(
            name=_name(facts["device.name"], "Microscope"), description=str(facts["device.description"])
        ),
        excitation_lambda=_number(facts.get("plane.excitation_lambda")),
        indicator=str(facts["plane.indicator"]),
        location=str(facts["plane.location"]),
        **more,
    )


def _name(text: Any, otherwise: str) -> str:
    """Return what HDF5 allows as a name."""
    plain = "".join(c for c in str(text) if c.isprintable() and c not in "/:").strip(" .")
    return plain or otherwise


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")
