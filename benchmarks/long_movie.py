"""Peak memory of the whole pipeline on movies that are made while they are read, of several lengths.

    python benchmarks/long_movie.py [--gigabytes 1.6 5 20] [--side 512] [--most 1500]

Each length runs in a process of its own: raw movie of 16 bits, registration, cells, fluorescence, and every
stage after them with default settings. One line a length with the highest memory up to each stage in MB; it
fails if a length needs more than `--most`.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np

RATE = 30.0
STAGES = ("registration", "segmentation", "extraction", "events")


class FlashingField:
    """Somata on a textured field that wanders by whole pixels, flash and fade, with noise; made when read."""

    dtype = np.dtype(np.uint16)

    def __init__(self, n_frames, side=512):
        from scipy.ndimage import gaussian_filter

        rng = np.random.default_rng(0)
        self.shape = (n_frames, side, side)
        waves = [gaussian_filter(rng.standard_normal((side, side)), s, mode="wrap") for s in (1.5, 6, 20)]
        scene = (800 + 60 * sum(wave / wave.std() for wave in waves)).astype(np.uint16)
        # A frame that wandered is a window of the scene laid out twice along each axis: a view.
        self._scene = np.tile(scene, (2, 2))
        self._noise = (rng.normal(0, 60, (31, side, side)) + 300).clip(0).astype(np.uint16)
        y, x = np.mgrid[-9:10, -9:10]
        self._soma = 300 / (1 + np.exp(2 * (np.hypot(y, x) - 6)))
        places = range(24, side - 24, 40)
        self._places = [(row, column) for row in places for column in places]

    def fill(self, k, out):
        """Each cell flashes every 400 frames, at a time of its own."""
        side = self.shape[1]
        y, x = round(4 * np.sin(k / 37)), round(4 * np.sin(k / 23))
        np.add(self._scene[-y % side :, -x % side :][:side, :side], self._noise[k * 7919 % 31], out=out)
        for cell, (row, column) in enumerate(self._places):
            since = (k - 137 * cell) % 400
            if since < 40:
                light = (np.exp(-since / 12) * self._soma).astype(np.uint16)
                out[row + y - 9 : row + y + 10, column + x - 9 : column + x + 10] += light

    def __getitem__(self, frames):
        numbers = range(*frames.indices(self.shape[0]))
        out = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        for k, frame in zip(numbers, out, strict=True):
            self.fill(k, frame)
        return out


def run_one(gigabytes, side):
    """Run the pipeline in this process and say what it needed, as JSON."""
    from napari_calcium.pipeline import PipelineSettings, run
    from napari_calcium.recording import Movie, Recording

    n_frames = round(gigabytes * 1e9 / (2 * side * side))
    movie = Movie(FlashingField(n_frames, side))
    recording = Recording("long", np.empty(0, np.int64), RATE, movie=movie)
    start = time.perf_counter()
    done = run(recording, PipelineSettings())
    peaks = {entry.stage: entry.peak_memory_mb for entry in done.log}
    traces = sum(trace.values.nbytes for trace in done.traces.values()) / 1e6
    seconds = time.perf_counter() - start
    return {"frames": n_frames, "cells": done.n_rois, "peaks": peaks, "traces": traces, "seconds": seconds}


def in_own_process(gigabytes, side):
    """Return what :func:`run_one` says in a fresh interpreter, whose peak is its own."""
    command = [sys.executable, __file__, "--only", str(gigabytes), "--side", str(side)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gigabytes", type=float, nargs="+", default=[1.6, 5.0, 20.0])
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--most", type=float, default=1500.0, help="MB that no run may need")
    parser.add_argument("--only", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only is not None:
        print(json.dumps(run_one(options.only, options.side)))
        return
    highest = []
    for gigabytes in options.gigabytes:
        found = in_own_process(gigabytes, options.side)
        stages = ", ".join(f"{stage} {found['peaks'][stage]:,.0f}" for stage in STAGES)
        highest.append(max(found["peaks"].values()))
        print(f"{gigabytes:6.1f} GB {found['frames']:8,} frames {found['cells']:4} cells", end="")
        print(f"{found['seconds']:7.0f} s  MB: {stages}; traces {found['traces']:,.0f}", flush=True)
    print(f"highest peak {max(highest):,.0f} MB, spread over lengths {max(highest) - min(highest):,.0f} MB")
    if max(highest) > options.most:
        raise SystemExit(f"more than {options.most:,.0f} MB")


if __name__ == "__main__":
    main()
