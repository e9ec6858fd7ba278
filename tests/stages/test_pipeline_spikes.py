import numpy as np
import pytest

from napari_calcium.events.spike_bursts import SpikeEvents
from napari_calcium.io.results_folder import write_results
from napari_calcium.io.results_reading import read_results
from napari_calcium.pipeline import PipelineSettings, preview, run, run_stage
from napari_calcium.recording import LogEntry, Recording, Trace
from napari_calcium.spikes.inference import infer_spike_rate
from napari_calcium.spikes.spikes_settings import DeconvolvedSpikes, NetworkSpikes
from napari_calcium.stages.stage_steps import StageError, stages_behind

FRAME_RATE = 20.0


@pytest.fixture
def raw():
    rng = np.random.default_rng(0)
    spikes = rng.poisson(0.3 / FRAME_RATE, (5, 1500))
    kernel = 0.4 * np.exp(-np.arange(60) / 10)
    clean = np.array([np.convolve(row, kernel)[:1500] for row in spikes])
    values = 200 * (1 + clean + 0.05 * rng.standard_normal(clean.shape))
    return Recording("made", np.arange(5) + 10, FRAME_RATE, {"raw": Trace(values.astype(np.float32), "a.u.")})


def entry_of(recording):
    return next(entry for entry in recording.log if entry.stage == "spikes")


def test_the_stage_writes_what_the_function_gives(raw):
    settings = NetworkSpikes(indicator="GCaMP6s", cell_type="excitatory")
    done = run(raw, PipelineSettings(spikes=settings))
    expected = infer_spike_rate(
        done.traces["dff"].values, FRAME_RATE, indicator="GCaMP6s", cell_type="excitatory"
    )
    assert done.traces["spikes"] == Trace(expected, "spikes/s")
    assert entry_of(done).reads == ("traces/dff",)
    assert entry_of(done).writes == ("traces/spikes",)
    assert not any("denoised" in note for note in entry_of(done).notes)


def test_spikes_are_not_made_unless_asked_for(raw):
    assert "spikes" not in run(raw).traces


def test_a_denoised_trace_is_read_with_a_warning(raw):
    done = run(raw, PipelineSettings(spikes=NetworkSpikes(input="denoised")))
    assert any("have been denoised" in note for note in entry_of(done).notes)


def test_raw_fluorescence_is_read_with_a_warning(raw):
    done = run_stage(raw, "spikes", NetworkSpikes(input="raw"))
    assert any("raw fluorescence" in note for note in entry_of(done).notes)


def test_there_must_be_a_trace_to_read(raw):
    with pytest.raises(StageError, match="Spikes reads dff, but there is raw"):
        run_stage(raw, "spikes", NetworkSpikes())


def test_a_preview_of_a_few_cells_is_what_the_run_gives(raw):
    done = run(raw, PipelineSettings(spikes=NetworkSpikes()))
    few = preview(done, "spikes", NetworkSpikes(), [12, 14])
    assert np.allclose(few.traces["spikes"].values, done.traces["spikes"].values[[2, 4]], atol=1e-5)


def test_the_stages_behind_a_trace_are_those_that_made_it(raw):
    log = (
        LogEntry("baseline", {}, ("traces/raw",), ("traces/dff",)),
        LogEntry("background", {}, ("traces/dff",), ("traces/background_corrected",)),
        LogEntry("denoise", {}, ("traces/background_corrected",), ("traces/denoised",)),
        LogEntry("events", {}, ("traces/dff",), ("events",)),
    )
    made = raw.replace(log=log)
    assert stages_behind(made, "denoised") == ("baseline", "background", "denoise")
    assert stages_behind(made, "background_corrected") == ("baseline", "background")
    assert stages_behind(made, "raw") == ()


@pytest.mark.parametrize("transient", ["jump", "rise"])
def test_deconvolution_says_that_its_unit_is_no_spike(raw, transient):
    settings = DeconvolvedSpikes(transient=transient)
    done = run(raw, PipelineSettings(spikes=settings))
    trace = done.traces["spikes"]
    assert trace.unit == "ΔF/F" and (trace.values >= 0).all() and trace.values.any()
    assert any("height of the transients" in note for note in entry_of(done).notes)


def test_single_spikes_are_kept_and_written_where_asked_for(raw, tmp_path):
    settings = NetworkSpikes(single_spikes=True, single_least=0.2)
    done = run(raw, PipelineSettings(spikes=settings))
    assert done.spike_times is not None and set(done.spike_times.roi_id) <= set(raw.roi_ids)
    assert entry_of(done).writes == ("traces/spikes", "spike_times")
    write_results(done, tmp_path, PipelineSettings(spikes=settings).to_yaml())
    assert read_results(tmp_path) == done
    again = run_stage(done, "spikes", NetworkSpikes())
    assert again.spike_times is None


def test_events_may_come_from_inferred_spikes(raw):
    done = run(raw, PipelineSettings(spikes=NetworkSpikes(), events=SpikeEvents(least=0.2)))
    assert done.events.unit == "spikes/s"
    with pytest.raises(StageError, match="Events reads spikes"):
        run(raw, PipelineSettings(events=SpikeEvents()))
    other = run(raw, PipelineSettings(spikes=DeconvolvedSpikes(), events=SpikeEvents()))
    assert any("means nothing" in n for e in other.log if e.stage == "events" for n in e.notes)
