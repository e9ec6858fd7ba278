"""How well events and ensembles are found: the pipeline on simulated recordings with known truth.

    python benchmarks/accuracy.py [--presets easy medium …] [--seeds 5] [--first-seed 200]
                                  [--mode calibrated|course] [--set key=value …]

Simulator and scorers are those of ../shared/bench/ensembles, beside the checkout. One line a recording, then
the means.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.recording import Recording, Trace

BENCH = Path(__file__).parents[2] / "shared" / "bench" / "ensembles"
PRESETS = ("easy", "medium", "hard", "course", "molter", "null", "null_comod", "null_course", "null_molter")
SCORES = ("best_match", "ens_f1", "member_f1", "act_f1", "any_precision", "any_recall")


def truth_of(simulated):
    """Give a simulated truth the keys that the scorers add when they load it from a file."""
    ensembles = range(simulated["K"])
    members = [simulated["ens_neuron"][simulated["ens_id"] == k] for k in ensembles]
    times = [np.sort(simulated["act_time"][simulated["act_ens"] == k]) for k in ensembles]
    return simulated | {"members": members, "times": times}


def measure(preset, seed, settings, changes):
    """Simulate, run and score one recording."""
    from score import score
    from score_events import score_events
    from simulate import simulate

    raw, simulated = simulate(preset, seed, **changes)
    truth = truth_of(simulated)
    recording = Recording("simulated", np.arange(len(raw)), truth["fr"], {"raw": Trace(raw, "a.u.")})
    start = time.perf_counter()
    result = run(recording, settings)
    found = result.ensembles
    scores = score(
        [found.members_of(k).roi_id for k in found],
        [found.activations_of(k).time_s for k in found],
        truth,
        any_times=result.ensemble_events.peak_s,
    )
    events = score_events(result.events.roi_id, result.events.onset_s, truth)
    return {
        "preset": preset,
        "seed": seed,
        "true": scores["n_true"],
        "found": scores["n_found"],
        **{f"event_{k}": events[k] for k in ("f1", "precision", "recall", "lag_median_s")},
        **{k: scores[k] for k in SCORES if k in scores},
        **{k: scores[k] for k in ("false_ensembles", "false_events_per_1000_bins") if k in scores},
        "by_chance": found.expected_by_chance,
        "seconds": time.perf_counter() - start,
    }


def show(row):
    """Write one row of figures in a line."""
    texts = (f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items() if v is not None)
    print(" ".join(texts), flush=True)


def main():
    """Measure every preset asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="*", default=PRESETS)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=200)
    parser.add_argument("--mode", default="calibrated", choices=("calibrated", "course"))
    parser.add_argument("--set", nargs="*", default=[], help="changes of the simulator, key=json")
    given = parser.parse_args()
    if not BENCH.is_dir():
        sys.exit("accuracy: the simulator and scorers are not beside this checkout")
    sys.path.insert(0, str(BENCH))
    settings = PipelineSettings.course() if given.mode == "course" else PipelineSettings()
    changes = {k: json.loads(v) for k, v in (item.split("=", 1) for item in given.set)}
    for preset in given.presets:
        rows = []
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            rows.append(measure(preset, seed, settings, changes))
            show(rows[-1])
        numbers = {k for row in rows for k, v in row.items() if isinstance(v, int | float)} - {"seed"}
        means = {
            k: float(np.mean([r[k] for r in rows if r.get(k) is not None])) for k in rows[0] if k in numbers
        }
        show({"preset": f"{preset} MEAN of {len(rows)}", **means})
        if preset.startswith("null"):
            show({"recordings_with_an_ensemble": sum(r["found"] > 0 for r in rows), "of": len(rows)})


if __name__ == "__main__":
    main()
