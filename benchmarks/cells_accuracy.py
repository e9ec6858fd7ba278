"""From a simulated movie to inferred rates, by the pipeline with its default settings, beside the truth.

    python benchmarks/cells_accuracy.py [--presets small standard …] [--seeds 2] [--first-seed 400]
                                        [--folder FOLDER] [--set photons=0.8 frames=1000 …] [--once]

Motion error (root mean square in px, of the field and of the whole frame), cells, and traces: ΔF/F, denoised
(correlation with the truth, missed cells counted 0) and rates (matched cells, 0.1 s).
Simulator and scorer are those of ../shared/bench/movies, beside the checkout. Movies are kept in the folder
(by default a temporary one that goes away) and used again; `--once` removes each after its line. Seconds are
of each stage alone.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import PipelineSettings, run

BENCH = Path(__file__).parents[2] / "shared" / "bench" / "movies"
CELLS = ("precision", "recall", "f1", "fp_on_oof", "iou_median")
MISSED_AS_ZERO = "r_mean_missing_as_zero"
AFTER = ("events", "coactivity", "significance", "ensembles", "features")


def movie_of(preset, seed, changes, folder):
    """Return the files of a movie and its truth, simulated unless they lie in the folder."""
    from simulate import PRESETS, simulate

    name = "_".join([preset, str(seed), *(f"{k}={v}" for k, v in changes.items())])
    frames, truth = folder / f"{name}.tif", folder / f"{name}_truth.npz"
    if not truth.exists():
        kinds = {k: type(getattr(PRESETS[preset], k)) for k in changes}
        config = replace(PRESETS[preset], seed=seed, **{k: kinds[k](v) for k, v in changes.items()})
        simulate(config, frames, truth, workers=os.cpu_count() or 1, quiet=True)
    return frames, truth


def result_of(recording):
    """Return what the scorer reads."""
    motion, cells = recording.motion, recording.rois.footprints
    return {
        "shifts": np.column_stack([motion.shift_y_px, motion.shift_x_px]),
        "field": motion.fields,
        "field_y": motion.node_y_px,
        "field_x": motion.node_x_px,
        "mask_indptr": cells.indptr,
        "mask_indices": cells.indices,
        "mask_weights": cells.data,
        "traces": recording.traces["dff"].values,
        "traces_denoised": recording.traces["denoised"].values,
        "spikes": recording.traces["spikes"].values,
    }


def measure(preset, seed, changes, folder, once):
    """Run the pipeline on one movie and score it."""
    from score import score

    files = movie_of(preset, seed, changes, folder)
    with np.load(files[1]) as file:
        truth = {key: file[key] for key in file.files}
    given = {"spikes": {"method": "network"}, "read": {"frame_rate": float(truth["fs"])}}
    settings = PipelineSettings.validated(given | dict.fromkeys(AFTER))
    recording = run(open_recording(files[0], settings.read), settings)
    found = score(truth, result_of(recording))
    if once:
        for file in files:
            file.unlink()
    return {
        "preset": preset,
        "seed": seed,
        **changes,
        "before_px": round(found["motion"]["uncorrected_field"]["rms"], 2),
        "field_px": round(found["motion"]["field"]["rms"], 3),
        "frame_px": round(found["motion"]["rigid"]["rms"], 4),
        **{k: round(found["cells"][k], 3) for k in CELLS},
        "r_dff": round(found["traces"][MISSED_AS_ZERO], 3),
        "r_denoised": round(found["traces_denoised"][MISSED_AS_ZERO], 3),
        "r_rates": round(found["spikes"]["r_median"] or 0.0, 3),
        "seconds": {entry.stage: round(entry.seconds, 1) for entry in recording.log if entry.seconds >= 0.1},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=["small"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=400)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--set", nargs="*", default=[], dest="changes")
    parser.add_argument("--once", action="store_true", help="remove each movie after its line")
    arguments = parser.parse_args()
    sys.path.insert(0, str(BENCH))
    changes = dict(item.split("=", 1) for item in arguments.changes)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for preset in arguments.presets:
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                print(json.dumps(measure(preset, seed, changes, folder, arguments.once)), flush=True)


if __name__ == "__main__":
    main()
