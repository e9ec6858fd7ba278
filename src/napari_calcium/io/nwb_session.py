"""What NWB asks for and no recording knows: the animal, the session, who recorded it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from napari_calcium.settings import Settings

__all__ = ["NwbSession"]

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


class NwbSession(Settings):
    """Facts for archives and for whoever finds the file; nothing is computed from them."""

    subject_id: Line = Field("", title="Subject", description="Name or number of the animal.")
    species: Line = Field(
        "", title="Species", description="In Latin, as archives want it, such as Mus musculus."
    )
    sex: Literal["M", "F", "O", "U"] = Field(
        "U", title="Sex", description="M male, F female, O other, U unknown."
    )
    age: Annotated[str, StringConstraints(pattern=r"^(P(\d+[YMWD])+(/.*)?)?$")] = Field(
        "", title="Age", description="In the notation of ISO 8601: P90D are 90 days, P12W twelve weeks."
    )
    session_description: Line = Field(
        "", title="Session", description="What was done in this session, in a sentence."
    )
    experimenter: Line = Field("", title="Experimenter", description="Who recorded it: Last, First.")
    institution: Line = Field("", title="Institution", description="Where it was recorded.")
    indicator: Line = Field("", title="Indicator", description="Such as GCaMP6f.")
    location: Line = Field("", title="Location", description="Part of the brain, such as V1, layer 2/3.")
