"""Settings of the registration, rigid and non-rigid."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Ge, Gt, Le
from pydantic import Field

from napari_calcium.settings import Percent, Pixels, Seconds, Settings, StandardDeviations, Unit, Zero

__all__ = ["NonRigidRegistration", "RegistrationSettings", "RigidRegistration"]

_Megabytes = Annotated[float, Unit("MB")]


class _Registration(Settings):
    """What both kinds of registration share."""

    template_frames: Annotated[int, Ge(1), Le(5000)] = Field(
        300,
        title="Template frames",
        description="Frames, spread over the recording, from which the template is built and the motion is "
        "learned. More help in low light; a fixed amount of memory is not exceeded.",
    )
    max_shift: Annotated[Percent, Gt(0), Le(45)] = Field(
        10.0,
        title="Largest shift",
        description="Largest displacement looked for, in percent of the shorter side of the frame. Frames "
        "that reach it are marked as bad.",
    )
    smoothing: Annotated[Pixels, Ge(0), Le(20), Zero("none")] = Field(
        0.0,
        title="Smoothing",
        description="Standard deviation in pixels of a Gaussian that smooths frames before they are aligned, "
        "0 for none. For one-photon data about 1; the registered movie itself is not smoothed.",
    )
    background: Annotated[Pixels, Ge(0), Le(200), Zero("none")] = Field(
        0.0,
        title="Background removed",
        description="Structures smoother than a Gaussian of this standard deviation in pixels are removed "
        "before frames are aligned, 0 for none. For one-photon data, whose background does not move with the "
        "tissue, about the diameter of a soma.",
    )
    correct_line_phase: bool = Field(
        False,
        title="Correct line phase",
        description="Estimate and undo the shift between even and odd rows of bidirectional scanning. "
        "For movies in which vertical edges look like combs.",
    )
    bad_frames: Annotated[StandardDeviations, Ge(0), Le(100)] = Field(
        8.0,
        title="Bad frames beyond",
        description="A frame is marked as bad when its correlation with the template falls by this many "
        "robust standard deviations (and by a tenth) below that of the 10 s around it; 0 for no such test.",
    )
    bin_duration: Annotated[Seconds, Gt(0), Le(60)] = Field(
        0.133,
        title="Bin",
        description="Seconds averaged in the binned movie that cells are detected in, and of which maximum, "
        "standard deviation and local correlation are shown. Shorter than a transient.",
    )
    binned_memory: Annotated[_Megabytes, Ge(1), Le(1_000_000)] = Field(
        250.0,
        title="Binned movie in memory",
        description="A binned movie larger than this goes to a temporary file.",
    )
    binned_limit: Annotated[_Megabytes, Ge(1), Le(10_000_000)] = Field(
        20_000.0,
        title="Binned movie at most",
        description="Bins of a recording whose binned movie would be larger than this are made longer.",
    )


class RigidRegistration(_Registration):
    """One shift for the whole frame."""

    method: Literal["rigid"] = "rigid"


class NonRigidRegistration(_Registration):
    """A smooth field of displacements, which follows shear, breathing and the motion within a scan."""

    method: Literal["nonrigid"] = "nonrigid"
    node_spacing: Annotated[Pixels, Ge(16), Le(1024)] = Field(
        64.0,
        title="Node spacing",
        description="Distance in pixels between the nodes at which displacements are estimated; they are "
        "linear in between. How alike neighbouring nodes move is learned from the recording, so narrow "
        "spacing costs little accuracy, only time.",
    )


RegistrationSettings = Annotated[NonRigidRegistration | RigidRegistration, Field(discriminator="method")]
