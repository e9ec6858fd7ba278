"""Displacement fields of frames against a template, by Gauss–Newton steps from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_calcium.movie.field_prior import posterior_covariance, smooth_covariance
from napari_calcium.movie.grid import Grid
from napari_calcium.movie.pyramid import pyramid
from napari_calcium.movie.rigid import LONGEST_WAVE, RigidAligner, frame_means

__all__ = ["Alignment", "FieldAligner", "Level"]

# Standard deviations at which a pixel's residual is cut.
_LIMIT = 4.0
# By how much, as a share, the light of a place changes from frame to frame.
_LIGHT_SD = 0.15
_LEAST_GAIN = 0.1
# Contrast, as a share of the brightness, that rounding alone leaves in a frame.
_FLAT = 1e-5


@dataclass(frozen=True, eq=False)
class Alignment:
    """How frames lie on the template.

    Attributes
    ----------
    fields : (n, ny, nx, 2) float64
        Displacement (y, x) of the nodes in pixels, rigid part included: the template's point p is seen in
        the frame at p + displacement.
    gain, offset : (n,) float32
        ``gain * pixel + offset`` has the brightness of the template.
    correlation : (n,) float32
        Pearson correlation of frame and template, aligned and averaged over squares as at the coarsest
        level; NaN where a frame has no contrast.
    """

    fields: NDArray[np.float64]
    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    correlation: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Level:
    """The template at one scale, and all of the estimation that depends on it alone.

    A sampled pixel is expected at ``T - ∇T·(error of the field) + light·T`` with the pixel's standard
    deviation; the light at each node is unknown as well, since neuropil and vessels change brightness from
    frame to frame, and it is eliminated from the equations for the field.

    Attributes
    ----------
    factor : int
        Squares of this many pixels are averaged.
    grid : Grid
        Nodes in this level's pixels.
    dark : float
        Darkest value of the template, taken as that without light.
    template, precision, level, slope_y, slope_x : (height, width) float32
        Expected pixel; 1 / standard deviation; their product; change of the standardised pixel with a move of
        one full-scale pixel along y and along x.
    information : (2 n_nodes, 2 n_nodes) float64
        Curvature of the misfit in the field; y and x of a node are neighbours.
    light_share : (2 n_nodes, n_nodes) float64
        What an apparent change of light takes from the field's equations.
    """

    factor: int
    grid: Grid
    dark: float
    template: NDArray[np.float32]
    precision: NDArray[np.float32]
    level: NDArray[np.float32]
    slope_y: NDArray[np.float32]
    slope_x: NDArray[np.float32]
    information: NDArray[np.float64] = field(repr=False)
    light_share: NDArray[np.float64] = field(repr=False)

    @classmethod
    def build(cls, template: NDArray[np.float32], sd: NDArray[np.float32], grid: Grid, factor: int) -> Level:
        """Return a level from its template and standard deviation (both averaged to its scale).

        Pixels that are NaN in the template, or have no finite positive standard deviation, get no weight.
        """
        known = np.isfinite(template) & np.isfinite(sd) & (sd > 0)
        dark = float(template[known].min()) if known.any() else 0.0
        filled = np.where(known, template, dark).astype(np.float32)
        precision = np.zeros_like(filled)
        np.divide(np.float32(1), sd, out=precision, where=known)
        slope_y, slope_x = (_slope(filled, axis) * precision / np.float32(factor) for axis in (0, 1))
        light = (filled - np.float32(dark)) * precision
        small = grid.binned(factor)
        total = _curvature(small, [-slope_y, -slope_x, light])
        m = 2 * grid.n_nodes
        length = max(grid.y_step, grid.x_step)
        prior = np.linalg.inv(smooth_covariance(grid, _LIGHT_SD, length))
        share = np.linalg.solve(total[m:, m:] + prior, total[m:, :m]).T.astype(np.float64)
        information: NDArray[np.float64] = total[:m, :m] - share @ total[m:, :m]
        level = filled * precision
        return cls(factor, small, dark, filled, precision, level, slope_y, slope_x, information, share)

    def nodes(self, fields: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return fields (n, ny, nx, 2) in this level's pixels, as the kernels take them."""
        return (fields / self.factor).astype(np.float32)

    def scores(self, frames: NDArray[np.float32], alignment: Alignment) -> NDArray[np.float64]:
        """Return the slope (n, 2 n_nodes) of the log-likelihood in the field, at the fields given."""
        from napari_calcium.movie.misfit import misfit_slopes

        n = len(frames)
        sums = np.empty((n, self.grid.ny, self.grid.nx, 3), np.float32)
        misfit_slopes(
            frames,
            self.nodes(alignment.fields),
            *self.grid.numbers,
            alignment.gain,
            alignment.offset,
            np.float32(self.dark),
            self.level,
            self.precision,
            self.slope_y,
            self.slope_x,
            np.float32(_LIMIT),
            sums,
        )
        products = sums.astype(np.float64).reshape(n, -1, 3)
        moves = -products[..., :2].reshape(n, -1)
        scores: NDArray[np.float64] = moves - products[..., 2] @ self.light_share.T
        return scores

    def brightness(
        self, frames: NDArray[np.float32], fields: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return gain, offset and correlation of the sampled frames with the template."""
        from napari_calcium.movie.misfit import moments

        sums = np.empty((len(frames), 6))
        centre, centres = np.float32(self.template.mean()), frame_means(frames)
        weight = np.square(self.precision)
        moments(frames, self.nodes(fields), *self.grid.numbers, self.template, weight, centre, centres, sums)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean_t, mean_i, tt, ii, ti = (sums[:, 1:] / sums[:, :1]).T
            var_t, var_i, both = tt - mean_t**2, ii - mean_i**2, ti - mean_t * mean_i
            flat = ~((var_t > (_FLAT * centre) ** 2) & (var_i > (_FLAT * centres) ** 2))
            slope = np.where(flat, 1.0, both / var_t)
            correlation = np.where(flat, np.nan, both / np.sqrt(var_t * var_i))
        # A frame that does not resemble the template must not be blown up to its contrast.
        slope = np.where(np.isfinite(slope) & (slope > _LEAST_GAIN), slope, 1.0)
        offset = np.nan_to_num(mean_t + centre - (mean_i + centres) / slope)
        return (1 / slope).astype(np.float32), offset.astype(np.float32), correlation.astype(np.float32)


class FieldAligner:
    """Estimates the displacement field of frames against one template.

    A rigid start from the cross-correlation at the coarsest level is followed by Gauss–Newton steps on
    coarser, then finer levels. The gradient is that of the template (inverse compositional alignment), so the
    curvature is known beforehand and noise of the frame biases nothing; what a frame leaves open is filled in
    by the covariance of fields. A step costs O(pixels), compiled, and O(n_nodes²).

    Parameters
    ----------
    template, sd : (height, width) float32
        Expected value and standard deviation of the pixels of a frame; NaN where never seen.
    grid : Grid
    factors : tuple of int
        Scales, finest (1) first.
    covariance : (2 n_nodes, 2 n_nodes) float64
        Of the fields, y and x of a node beside each other; may be singular (rigid motion).
    max_shift : float
        Largest displacement, in pixels.

    References
    ----------
    Baker and Matthews 2004, doi:10.1023/B:VISI.0000011205.11775.fd.
    """

    def __init__(
        self,
        template: NDArray[np.float32],
        sd: NDArray[np.float32],
        grid: Grid,
        factors: tuple[int, ...],
        covariance: NDArray[np.float64],
        max_shift: float,
    ):
        self.grid = grid
        self.factors = factors
        self.max_shift = max_shift
        templates = pyramid(template[None], factors)
        variances = pyramid(np.square(sd, dtype=np.float32)[None], factors)
        # The mean of f² independent pixels varies f times less than a pixel.
        self.levels = [
            Level.build(image[0], np.sqrt(variance[0]) / factor, grid, factor)
            for image, variance, factor in zip(templates, variances, factors, strict=True)
        ]
        coarsest = self.levels[-1]
        self._rigid = RigidAligner(
            coarsest.template, max_shift / coarsest.factor, longest_wave=LONGEST_WAVE / coarsest.factor
        )
        self._errors = [posterior_covariance(level.information, covariance) for level in self.levels]

    def align(self, frames: NDArray[np.float32]) -> Alignment:
        """Align frames (n, height, width) float32, NaN where a pixel is missing."""
        scales = pyramid(frames, self.factors)
        coarsest = self.levels[-1]
        shifts = self._rigid.shifts(scales[-1]) * coarsest.factor
        n = len(frames)
        shape = (n, self.grid.ny, self.grid.nx, 2)
        fields = np.broadcast_to(shifts[:, None, None, :], shape).astype(np.float64)
        gain, offset, correlation = coarsest.brightness(scales[-1], fields)
        for scale, level, error in zip(scales[::-1], self.levels[::-1], self._errors[::-1], strict=True):
            for _ in range(_steps(level.factor, coarsest.factor)):
                now = Alignment(fields, gain, offset, correlation)
                fields = self._step(scale, now, level, error)
            if level is coarsest:
                gain, offset, correlation = coarsest.brightness(scale, fields)
        _, _, correlation = coarsest.brightness(scales[-1], fields)
        return Alignment(fields, gain, offset, correlation)

    def evidence(self, frames: NDArray[np.float32], alignment: Alignment) -> NDArray[np.float64]:
        """Return ``information @ field`` of each frame's best field without any prior, (n, 2 n_nodes)."""
        finest = self.levels[0]
        moved = alignment.fields.reshape(len(frames), -1) @ finest.information
        evidence: NDArray[np.float64] = moved + finest.scores(frames, alignment)
        return evidence

    def _step(
        self, frames: NDArray[np.float32], now: Alignment, level: Level, error: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        flat = now.fields.reshape(len(frames), -1)
        better = (flat @ level.information + level.scores(frames, now)) @ error
        return np.clip(better, -self.max_shift, self.max_shift).reshape(now.fields.shape)


def _steps(factor: int, coarsest: int) -> int:
    """Return how many steps a level takes: the finest, which costs most, starts from a converged one."""
    if coarsest == 1:
        return 4
    return {1: 1, coarsest: 3}.get(factor, 2)


def _slope(image: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Central differences along an axis; 0 where it has a single pixel."""
    if image.shape[axis] < 2:
        return np.zeros_like(image)
    slope: NDArray[np.float32] = np.gradient(image, axis=axis)
    return slope


def _curvature(grid: Grid, slopes: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """Return JᵀJ, where J (pixels, unknowns) is each slope times the hat function of each node.

    The first two slopes are those along y and x, whose unknowns alternate; the third's follow. Hat functions
    are products of one along y and one along x, so the sums over pixels are two matrix products.
    """
    across_y, across_x = (hats.astype(np.float64) for hats in grid.hats(slopes[0].shape))
    pairs_y = (across_y[:, :, None] * across_y[:, None, :]).reshape(len(across_y), -1)
    pairs_x = (across_x[:, :, None] * across_x[:, None, :]).reshape(len(across_x), -1)
    n = grid.n_nodes
    order = [np.arange(0, 2 * n, 2), np.arange(1, 2 * n, 2), np.arange(2 * n, 3 * n)]
    total = np.empty((3 * n, 3 * n))
    for a, left in enumerate(slopes):
        for b, right in enumerate(slopes[: a + 1]):
            sums = pairs_y.T @ (left.astype(np.float64) * right) @ pairs_x
            block = sums.reshape(grid.ny, grid.ny, grid.nx, grid.nx).transpose(0, 2, 1, 3).reshape(n, n)
            total[np.ix_(order[a], order[b])] = block
            total[np.ix_(order[b], order[a])] = block.T
    return total
