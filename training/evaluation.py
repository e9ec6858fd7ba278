"""Score networks on datasets they have not seen, with the project's scorer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_calcium.spikes.ensemble import Ensemble
from napari_calcium.spikes.inference import infer_spike_rate

__all__ = ["folds_of", "load_scorer", "score", "table"]

Scores = dict[str, dict[str, Any]]


def folds_of(names: list[str], n_folds: int = 6) -> list[tuple[str, ...]]:
    """Deal datasets out to folds so that neighbours in name, which often share a laboratory, lie apart.

    Whole datasets, never parts of one. The scores of a dataset come from the fold that left it out.
    """
    return [tuple(names[k::n_folds]) for k in range(n_folds)]


def load_scorer(path: Path) -> Any:
    """Import the scorer, which is a script and not part of any package."""
    spec = importlib.util.spec_from_file_location("score_spikes", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no scorer at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def predictor(
    ensemble: Ensemble, knows: tuple[bool, bool] = (True, True)
) -> Callable[..., NDArray[np.float32]]:
    """Return what the scorer calls: spikes per frame, told the indicator and the cell type or not."""

    def spikes_per_frame(
        dff: NDArray[np.float32], frame_rate: float, indicator: str = "unknown", cell_type: str = "unknown"
    ) -> NDArray[np.float32]:
        told = {
            "indicator": indicator if knows[0] else "unknown",
            "cell_type": cell_type if knows[1] else "unknown",
        }
        return infer_spike_rate(dff, frame_rate, ensemble=ensemble, **told) / np.float32(frame_rate)

    return spikes_per_frame


def score(
    scorer: Any,
    folder: Path,
    ensemble: Ensemble,
    datasets: tuple[str, ...],
    *,
    told: bool,
    frame_rate: float = 30.0,
    noise: tuple[float, ...] = (2, 4, 8),
    cache: Path | None = None,
) -> Scores:
    """Return the scorer's means over noise levels for each dataset named (``DS06`` …).

    Parameters
    ----------
    told : bool
        Whether the predictor learns indicator and cell type.
    frame_rate, noise
        As the scorer takes them.
    cache : Path, optional
        Folder for resampled traces.
    """
    result = scorer.run(
        str(folder),
        predictor(ensemble, (told, told)),
        list(datasets),
        fs=frame_rate,
        noise=noise,
        cache=str(cache) if cache else None,
        verbose=False,
    )
    made: Scores = scorer.summary(result)["per_dataset"]
    return made


def table(told: Scores, untold: Scores) -> str:
    """Return a Markdown table of both, a row a dataset, and the mean over excitatory and inhibitory ones."""
    lines = [
        "| dataset | r 25/50/200 ms told | error 50 | bias | r 25/50/200 ms untold | error 50 | bias |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in told:
        lines.append(f"| {name.removesuffix('.npz')} | {_cells(told[name])} | {_cells(untold[name])} |")
    for kind, chosen in (("excitatory", False), ("inhibitory", True)):
        names = [name for name in told if _is_inhibitory(name) is chosen]
        if names:
            means = [_cells(_mean([scores[name] for name in names])) for scores in (told, untold)]
            lines.append(f"| mean of {len(names)} {kind}, bias absolute | {means[0]} | {means[1]} |")
    return "\n".join(lines) + "\n"


def _is_inhibitory(name: str) -> bool:
    return any(word in name for word in ("SST", "PV", "VIP", "Interneurons", "inhibitory"))


def _mean(scores: list[dict[str, Any]]) -> dict[str, Any]:
    keys = ("sigma_25ms", "sigma_50ms", "sigma_200ms")
    made = {k: {m: float(np.mean([s[k][m] for s in scores])) for m in ("corr", "error")} for k in keys}
    made["sigma_50ms"]["bias"] = float(np.mean([abs(s["sigma_50ms"]["bias"]) for s in scores]))
    return made


def _cells(scores: dict[str, Any]) -> str:
    r = "/".join(f"{scores[k]['corr']:.3f}".lstrip("0") for k in ("sigma_25ms", "sigma_50ms", "sigma_200ms"))
    return f"{r} | {scores['sigma_50ms']['error']:.2f} | {scores['sigma_50ms']['bias']:+.2f}"
