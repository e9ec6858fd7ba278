"""How well cells and traces are found: registration, detection and extraction of simulated movies.

    python benchmarks/cells_accuracy.py [--presets small standard …] [--seeds 2] [--first-seed 400]
                                        [--folder FOLDER] [--set photons=0.8 …]

Simulator and scorer are those of ../shared/bench/movies, beside the checkout. Movies are kept in the folder
(by default a temporary one that goes away) and used again. One line a movie; times are of the work alone.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_calcium.movie.extraction import extract
from napari_calcium.movie.registration import register
from napari_calcium.movie.segmentation import find_cells
from napari_calcium.traces.baseline import baseline, dff

BENCH = Path(__file__).parents[2] / "shared" / "bench" / "movies"
CELLS = ("precision", "recall", "f1", "fp_on_oof", "iou_median")
TRACES = ("r_mean_missing_as_zero", "r_median", "r_over_ceiling_median", "neuropil_partial_r_abs_median")


def movie_of(preset, seed, changes, folder):
    """Return frames and truth, simulated unless they lie in the folder."""
    from simulate import PRESETS, simulate

    name = "_".join([preset, str(seed), *(f"{k}={v:g}" for k, v in changes.items())])
    frames, truth = folder / f"{name}.tif", folder / f"{name}_truth.npz"
    if not truth.exists():
        kinds = {k: type(getattr(PRESETS[preset], k)) for k in changes}
        config = replace(PRESETS[preset], seed=seed, **{k: kinds[k](v) for k, v in changes.items()})
        simulate(config, frames, truth, workers=os.cpu_count() or 1, quiet=True)
    with np.load(truth) as file:
        known = {key: file[key] for key in file.files}
    shape = tuple(int(n) for n in known["shape"])
    return np.memmap(frames, "<u2", "r", offset=4096, shape=shape), known


def measure(preset, seed, changes, folder):
    """Run the stages on one movie and score them."""
    from score import score

    movie, truth = movie_of(preset, seed, changes, folder)
    rate = float(truth["fs"])
    clock = [time.perf_counter()]
    registration = register(movie, rate)
    clock.append(time.perf_counter())
    rois = find_cells(registration.binned, registration.images, rate)
    clock.append(time.perf_counter())
    cells = rois.take(np.flatnonzero(rois.accepted))
    fluorescence = extract(registration.apply(movie), cells, rate, bad=registration.bad)
    clock.append(time.perf_counter())
    corrected = fluorescence.corrected
    scores = score(
        truth,
        {
            "shifts": registration.shifts,
            "field": registration.fields,
            "field_y": registration.grid.y,
            "field_x": registration.grid.x,
            "mask_indptr": cells.footprints.indptr,
            "mask_indices": cells.footprints.indices,
            "mask_weights": cells.footprints.data,
            "traces": dff(corrected, baseline(corrected, rate)),
        },
    )
    return {
        "preset": preset,
        "seed": seed,
        "field_px": round(scores["motion"]["field"]["rms"], 3),
        **{k: round(scores["cells"][k], 3) for k in CELLS},
        **{k: round(scores["traces"][k], 3) for k in TRACES},
        "seconds": [round(float(s), 1) for s in np.diff(clock)],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=["small"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=400)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    arguments = parser.parse_args()
    sys.path.insert(0, str(BENCH))
    changes = {k: float(v) for k, v in (item.split("=") for item in arguments.changes)}
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for preset in arguments.presets:
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                print(json.dumps(measure(preset, seed, changes, folder)), flush=True)


if __name__ == "__main__":
    main()
