"""From the raw TIFF to corrected traces: ours beside suite2p, one after the other on the same machine.

    python benchmarks/compare_movie.py MOVIE.tif --frame-rate 30 [--suite2p /path/to/python] [--frames 1000]

`--suite2p` is the interpreter of an environment with suite2p 1.x; without it only ours is timed. suite2p is
never imported here. Both read the same file and end with corrected traces: suite2p with its default settings
and with blocks of 64 px, without inferring spikes. Each run has a process of its own; seconds are of the work
alone, without imports and compilation, peaks are of the process. The movie must be one contiguous uint16
stack, as ImageJ writes it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tifffile

SUITE2P = """
import json, resource, sys, time, warnings
warnings.filterwarnings("ignore")
import suite2p
path, rate, folder, block = sys.argv[1], float(sys.argv[2]), sys.argv[3], int(sys.argv[4])
settings = suite2p.default_settings()
settings["fs"] = rate
settings["registration"]["block_size"] = (block, block)
# Ours stops at the corrected traces, too.
settings["run"]["do_deconvolution"] = False
db = {"data_path": [path.rsplit("/", 1)[0]], "file_list": [path.rsplit("/", 1)[1]], "save_path0": folder}
start, busy = time.perf_counter(), time.process_time()
suite2p.run_s2p(db=db, settings=settings)
seconds, busy = time.perf_counter() - start, time.process_time() - busy
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print("RESULT " + json.dumps({"seconds": seconds, "cpu": busy, "peak": peak}))
"""

OURS = """
import json, resource, sys, time
from napari_calcium.guidance.run_estimate import estimate_run
from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.pipeline_settings import MOVIE_STAGES
from napari_calcium.recording import Movie
path, rate = sys.argv[1], float(sys.argv[2])
after = ("baseline", "background", "denoise", "events", "coactivity", "significance", "ensembles", "features")
settings = PipelineSettings.validated({"read": {"frame_rate": rate}} | dict.fromkeys(after))
recording = open_recording(path, settings.read)
foreseen = {s: round(estimate_run(recording, settings, [s]).seconds, 1) for s in MOVIE_STAGES}
# Kernels are compiled once, not every run.
run(recording.replace(movie=Movie(recording.movie.data[:40, :64, :64])), settings)
start, busy = time.perf_counter(), time.process_time()
done = run(open_recording(path, settings.read), settings)
seconds, busy = time.perf_counter() - start, time.process_time() - busy
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
stages = {entry.stage: round(entry.seconds, 1) for entry in done.log if entry.seconds}
result = {"seconds": seconds, "cpu": busy, "peak": peak, "stages": stages, "foreseen": foreseen}
print("RESULT " + json.dumps(result))
"""


def result(command):
    """Run a script in a fresh interpreter and return what it says of itself."""
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1][7:])


def line(name, run):
    """CPU time is fairer than wall time beside other work."""
    return f"{name:18}{run['seconds']:8.1f} s{run['cpu']:8.1f} s CPU{run['peak']:7.2f} GB"


def shortened(movie, frames, folder):
    """Return the movie, or a copy of its first frames."""
    if not frames:
        return movie
    copy = folder / "movie.tif"
    tifffile.imwrite(copy, tifffile.memmap(movie, mode="r")[:frames], imagej=True, metadata={"axes": "TYX"})
    return copy


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("movie", type=Path)
    parser.add_argument("--frame-rate", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=0, help="first frames only; 0 for all")
    parser.add_argument("--suite2p", metavar="PYTHON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = shortened(options.movie.absolute(), options.frames, Path(scratch))
        common = [str(path), str(options.frame_rate)]
        ours = result([sys.executable, "-c", OURS, *common])
        stages = ", ".join(
            f"{name} {seconds} (foreseen {ours['foreseen'].get(name, 0)})"
            for name, seconds in ours["stages"].items()
        )
        print(line("ours", ours), f"  ({stages})", flush=True)
        for block in (128, 64) if options.suite2p else ():
            with tempfile.TemporaryDirectory() as folder:
                theirs = result([options.suite2p, "-c", SUITE2P, *common, folder, str(block)])
            name = f"suite2p, {block} px"
            ratios = {key: theirs[key] / ours[key] for key in ("seconds", "cpu", "peak")}
            print(line(name, theirs), flush=True)
            print(
                f"{'':18}ours is {ratios['seconds']:.1f} times as fast, {ratios['cpu']:.1f} by CPU time, "
                f"and needs 1/{ratios['peak']:.1f} of the memory",
                flush=True,
            )


if __name__ == "__main__":
    main()
