"""From ground truth to the packaged weights and the score table: ``python -m training --help``."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import fields, replace
from pathlib import Path

import torch

from napari_calcium.spikes.ensemble import Ensemble
from training.calibration import squared_error
from training.card import write_card
from training.evaluation import Scores, folds_of, load_scorer, score, table
from training.exporting import ensemble_of, write
from training.fitting import fit
from training.ground_truth import load_datasets, short_name
from training.settings import TrainingSettings

_RATE = 30.0
_WEIGHTS = (
    Path(__file__).parent.parent / "src" / "napari_calcium" / "spikes" / "weights" / "spike_network.npz"
)


def main() -> None:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("ground_truth", type=Path, help="folder of DS*.npz")
    parser.add_argument("--scorer", type=Path, help="score_spikes.py; needed for scores")
    parser.add_argument("--work", type=Path, default=Path("training_work"), help="checkpoints and tables")
    parser.add_argument("--weights", type=Path, default=_WEIGHTS, help="where the final networks go")
    parser.add_argument("--only", choices=("final", "folds"), help="the networks alone, or the scores alone")
    parser.add_argument("--folds", type=int, default=6, help="number of groups of datasets held out in turn")
    parser.add_argument(
        "--frame-rate", type=float, default=_RATE, help="of the scores, in Hz; only that band is held out"
    )
    parser.add_argument("--hold-out", nargs="*", help="datasets of one fold of your own (DS06 DS14 …)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--band-rounds", type=int, nargs="*", help="rounds of each band, for a quick trial")
    for field in fields(TrainingSettings):
        if field.type in ("int", "float") and field.name not in ("rounds", "main_share"):
            kind = int if field.type == "int" else float
            parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.use_deterministic_algorithms(True)
    numbers = {f.name: getattr(given, f.name) for f in fields(TrainingSettings) if hasattr(given, f.name)}
    settings = replace(TrainingSettings(), **numbers)
    if given.band_rounds:
        bands = zip(settings.bands, given.band_rounds, strict=True)
        settings = replace(settings, bands=tuple(replace(band, rounds=n) for band, n in bands))
    given.work.mkdir(parents=True, exist_ok=True)
    error = None
    if given.only != "final":
        error = _folds(given, settings)
    if given.only != "folds":
        _final(given, settings, error)


def _train(
    given: argparse.Namespace, settings: TrainingSettings, name: str, without: tuple[str, ...]
) -> list:
    datasets = load_datasets(given.ground_truth, without=without)
    print(f"{name}: {len(datasets)} datasets, {settings.networks} networks a band", flush=True)
    started = time.perf_counter()
    networks = [
        fit(
            datasets,
            settings.for_band(band),
            k,
            given.work / f"{name}_{band.name}_{k}.pt",
            lambda line, band=band: print(f"{band.name} {line}", flush=True),
        )
        for band in settings.bands
        for k in range(settings.networks)
    ]
    print(f"{name}: trained in {time.perf_counter() - started:.0f} s", flush=True)
    return networks


def _folds(given: argparse.Namespace, settings: TrainingSettings) -> dict[str, list[float]] | None:
    """Train with each group of datasets held out, and score that group."""
    if given.scorer is None:
        raise SystemExit("give --scorer, or --only final to train without scores")
    scorer = load_scorer(given.scorer)
    settings = _band_for(settings, given.frame_rate)
    names = [short_name(path) for path in sorted(given.ground_truth.glob("DS*.npz"))]
    folds = [tuple(given.hold_out)] if given.hold_out else folds_of(names, given.folds)
    told: Scores = {}
    untold: Scores = {}
    ensembles: list[tuple[Ensemble, tuple[str, ...]]] = []
    for k, held_out in enumerate(folds):
        name = "fold_" + "_".join(held_out) if given.hold_out else f"fold{k}of{len(folds)}"
        ensemble = ensemble_of(_train(given, settings, name, held_out), settings)
        ensembles.append((ensemble, held_out))
        for made, knows in ((told, True), (untold, False)):
            made |= score(
                scorer, given.ground_truth, ensemble, held_out, told=knows, frame_rate=given.frame_rate
            )
        print(table(told, untold), flush=True)
    told, untold = dict(sorted(told.items())), dict(sorted(untold.items()))
    stem = "scores" if given.frame_rate == _RATE else f"scores_{given.frame_rate:g}Hz"
    (given.work / f"{stem}.json").write_text(json.dumps({"told": told, "untold": untold}, indent=1))
    (given.work / f"{stem}.md").write_text(table(told, untold), encoding="utf-8")
    if given.frame_rate != _RATE:
        return None
    (given.work / "held_out.md").write_text(_how(folds, settings), encoding="utf-8")
    error = squared_error(scorer, given.ground_truth, ensembles)
    (given.work / "squared_error.json").write_text(json.dumps(error))
    return error


def _band_for(settings: TrainingSettings, frame_rate: float) -> TrainingSettings:
    """Return the settings with the band alone that serves this rate: scores need no other."""
    return replace(
        settings,
        bands=tuple(band for band in settings.bands if band.serves[0] <= frame_rate < band.serves[1]),
    )


def _final(
    given: argparse.Namespace, settings: TrainingSettings, error: dict[str, list[float]] | None
) -> None:
    """Train on every dataset and write what the program ships."""
    stored = given.work / "squared_error.json"
    if error is None:
        if not stored.exists():
            raise SystemExit(
                f"the uncertainty is measured on held-out datasets: run --only folds first ({stored})"
            )
        error = json.loads(stored.read_text())
    networks = _train(given, settings, "final", ())
    names = [path.stem for path in sorted(given.ground_truth.glob("DS*.npz"))]
    given.weights.parent.mkdir(parents=True, exist_ok=True)
    known = {"datasets": names, "squared_error": error}
    write(given.weights, networks, settings, **known)
    shipped = ensemble_of(networks, settings, **known)
    scores, held_out = (_text(given.work / name) for name in ("scores.md", "held_out.md"))
    write_card(given.weights.with_name("README.md"), shipped, settings, scores, held_out)
    print(f"wrote {given.weights} ({given.weights.stat().st_size / 1e6:.2f} MB)", flush=True)


def _how(folds: list[tuple[str, ...]], settings: TrainingSettings) -> str:
    """Say in words how the networks that were scored had been trained."""
    groups = "; ".join(" ".join(fold) for fold in folds)
    rounds = ", ".join(f"{band.rounds} rounds for the {band.name} band" for band in settings.bands)
    return (
        f"Whole datasets were held out, in groups: {groups}. For each group {settings.networks} networks a "
        f"band were trained on all others ({rounds})."
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else "Not scored."


if __name__ == "__main__":
    main()
