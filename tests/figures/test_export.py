"""Export: every figure that makes sense, as PNG and SVG, the same bytes each time, nothing half-written."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from tests.figures.pages import laid_out

from napari_calcium.figures import export
from napari_calcium.figures.export import FIGURES, figure_of
from napari_calcium.figures.figure_style import STANDARD
from napari_calcium.progress import Cancelled
from napari_calcium.recording import Recording, Trace
from napari_calcium.results.tables import Activations, Coactivity, EnsembleEvents, Ensembles, Events, Members
from napari_calcium.simulate import SimulationSettings, simulate

STEMS = [kind.stem for kind in FIGURES]


COARSE = STANDARD.replace(resolution=50)
"""Few dots an inch: what is tested does not depend on them."""

draw_all = partial(export.draw_all, style=COARSE)
save_figure = partial(export.save_figure, style=COARSE)


def lay_out_all(recording):
    """Lay out every figure without writing it, and return their names; warnings are errors."""
    fitting = [kind for kind in FIGURES if kind.fits(recording)]
    for kind in fitting:
        laid_out(figure_of(kind, recording))
    return {kind.stem for kind in fitting}


def _of_more(kind):
    """Whether a figure shows stages that are skipped by default; those have tests of their own."""
    more = ("motion", "population", "behaviour", "relations", "tuning", "preferences")
    return any(need.startswith(more) for need in kind.needs)


def names(paths):
    return [path.name for path in paths]


def test_all_figures_of_a_finished_analysis(recording, tmp_path):
    seen = []
    paths = draw_all(recording, tmp_path / "figures", on_progress=lambda *step: seen.append(step))
    stems = [kind.stem for kind in FIGURES if kind.fits(recording)]
    assert stems == [kind.stem for kind in FIGURES if not _of_more(kind)]
    assert names(paths) == [f"{stem}.{ending}" for stem in stems for ending in ("png", "svg")]
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == sorted(names(paths))
    assert seen == [(k, len(stems)) for k in range(len(stems) + 1)]
    for path in paths:
        head = path.read_bytes()[:200]
        assert head.startswith(b"\x89PNG") if path.suffix == ".png" else b"<?xml" in head


def test_the_same_recording_gives_the_same_bytes(field, analyse, tmp_path):
    (tmp_path / "again").mkdir()
    for kind in filter(lambda kind: not _of_more(kind), FIGURES):
        first = save_figure(kind, analyse(field), tmp_path)
        for a, b in zip(first, save_figure(kind, analyse(field), tmp_path / "again"), strict=True):
            assert a.read_bytes() == b.read_bytes(), a.name


def test_a_users_matplotlib_style_does_not_leak_in_or_out(recording, tmp_path):
    import matplotlib as mpl

    kind = FIGURES[STEMS.index("coactivity")]
    plain = save_figure(kind, recording, tmp_path)[0].read_bytes()
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        before = dict(mpl.rcParams)
        assert save_figure(kind, recording, tmp_path)[0].read_bytes() == plain
        assert dict(mpl.rcParams) == before


def test_files_hold_neither_date_nor_machine(recording, tmp_path):
    import datetime

    kind = FIGURES[STEMS.index("similarity")]
    png, svg = save_figure(kind, recording, tmp_path)
    for path in (png, svg):
        data = path.read_bytes()
        assert str(datetime.date.today().year).encode() + b"-" not in data
        assert str(tmp_path).encode() not in data
    assert b"<text" in svg.read_bytes()


def test_only_figures_with_data_are_drawn(recording, tmp_path):
    traces = {"raw": recording.traces["raw"]}
    bare = Recording("r", recording.roi_ids, 10.0, traces=traces)
    drawn = {path.stem for path in draw_all(bare, tmp_path)}
    assert drawn == {"processing_steps", "traces_with_events", "heatmap"}


def test_nothing_at_all_draws_nothing(tmp_path):
    assert draw_all(Recording("r", np.empty(0, np.int64), None), tmp_path) == []


def test_results_of_nothing_are_figures_that_say_so(recording):
    empty = recording.replace(
        events=Events(), coactivity=Coactivity(), ensemble_events=EnsembleEvents(), ensembles=Ensembles()
    )
    assert all(kind.fits(empty) for kind in FIGURES if not _of_more(kind))
    lay_out_all(empty)


def test_zero_neurons_to_the_end(tmp_path):
    recording = Recording(
        "r",
        np.empty(0, np.int64),
        10.0,
        traces={"raw": Trace(np.empty((0, 20), np.float32), "a.u.")},
        events=Events(),
        coactivity=Coactivity(),
        ensemble_events=EnsembleEvents(),
        ensembles=Ensembles(Members(), Activations()),
    )
    assert len(draw_all(recording, tmp_path)) == 2 * sum(kind.fits(recording) for kind in FIGURES) > 10


@pytest.mark.parametrize("change", [{"n_rois": 1, "n_ensembles": 0}, {"n_frames": 1, "n_ensembles": 0}])
def test_one_neuron_or_one_frame_to_the_end(change, analyse):
    settings = SimulationSettings(n_rois=6, n_frames=300, height=48, width=48, ensemble_size=(3, 4))
    assert {"traces_with_events", "heatmap"} <= lay_out_all(analyse(simulate(settings.replace(**change))))


def test_gaps_to_the_end(recording):
    traces = {}
    for name, trace in recording.traces.items():
        values = trace.values.copy()
        values[3] = np.nan
        values[:, 200:260] = np.nan
        traces[name] = Trace(values, trace.unit)
    assert lay_out_all(recording.replace(traces=traces)) == lay_out_all(recording)


def test_cancelling_keeps_whole_files_only(recording, tmp_path):
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        draw_all(recording, tmp_path, on_progress=stop)
    fitting = [kind.stem for kind in FIGURES if kind.fits(recording)]
    assert {p.stem for p in tmp_path.iterdir()} == set(fitting[:2])


def test_a_failed_write_keeps_the_old_figure(recording, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    kind = FIGURES[STEMS.index("similarity")]
    png, _ = save_figure(kind, recording, tmp_path)
    before = png.read_bytes()

    def half(self, path, **options):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", half)
    with pytest.raises(OSError, match="disk full"):
        save_figure(kind, recording, tmp_path)
    assert png.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_threads_that_draw_at_once_do_not_disturb_each_other(recording, tmp_path):
    kinds = [FIGURES[STEMS.index(stem)] for stem in ("coactivity", "similarity")]
    alone = [save_figure(kind, recording, tmp_path)[0].read_bytes() for kind in kinds]
    folders = [tmp_path / str(k) for k in range(4)]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(save_figure, kinds[k % 2], recording, folder) for k, folder in enumerate(folders)]
        drawn = [job.result()[0].read_bytes() for job in jobs]
    assert drawn == [alone[k % 2] for k in range(4)]


def test_png_is_wide_enough_for_print(recording):
    figure = figure_of(FIGURES[STEMS.index("raster")], recording)
    assert figure.get_size_inches()[0] == pytest.approx(7.2)


def test_no_text_is_cut_off(recording):
    for kind in FIGURES:
        figure = figure_of(kind, recording)
        figure.canvas.draw()
        box = figure.bbox
        for ax in figure.axes:
            for text in [
                ax.title,
                ax._left_title,
                ax._right_title,
                ax.xaxis.label,
                ax.yaxis.label,
                *ax.texts,
            ]:
                if text.get_text() and text.get_visible():
                    extent = text.get_window_extent()
                    assert extent.x0 >= box.x0 - 2, (kind.stem, text)
                    assert extent.x1 <= box.x1 + 2, (kind.stem, text)
                    assert extent.y0 >= box.y0 - 2, (kind.stem, text)
                    assert extent.y1 <= box.y1 + 2, (kind.stem, text)


def test_drawing_needs_no_pyplot(tmp_path):
    code = """
import sys, numpy as np
from napari_calcium.figures import export
from napari_calcium.figures.export import draw_all
from napari_calcium.recording import Recording, Trace
values = np.random.default_rng(0).normal(size=(3, 100)).astype(np.float32)
draw_all(Recording("r", np.arange(3), 10.0, traces={"raw": Trace(values, "a.u.")}), sys.argv[1])
print([m for m in ("matplotlib.pyplot", "qtpy", "PyQt6", "napari") if m in sys.modules])
"""
    run = [sys.executable, "-c", code, str(tmp_path)]
    out = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
