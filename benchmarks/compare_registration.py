"""Frames per second of our registration and of suite2p's, one after the other on the same machine.

    python benchmarks/compare_registration.py MOVIE.tif --frame-rate 30 --suite2p /path/to/python

`--suite2p` is the interpreter of an environment with suite2p 1.x; without it only ours is timed. suite2p is
never imported here. It gets the movie as an array in memory that it registers in place, so neither reading
nor writing of files is on its bill; ours reads the file. The movie must be one contiguous uint16 stack, as
ImageJ writes it.
"""

import argparse
import json
import subprocess
import sys

import tifffile

SUITE2P = """
import json, sys, time, warnings
import numpy as np, tifffile, torch
warnings.filterwarnings("ignore")
import suite2p
from suite2p.registration.register import registration_wrapper
path, block, frames = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
movie = tifffile.memmap(path, mode="r")[: frames or None]
raw = (movie // 2).astype(np.int16)
settings = dict(suite2p.default_settings()["registration"], block_size=(block, block))
start, busy = time.perf_counter(), time.process_time()
registration_wrapper(raw, settings=settings, device=torch.device("cpu"))
seconds, busy = time.perf_counter() - start, time.process_time() - busy
print("RESULT " + json.dumps({"seconds": seconds, "cpu": busy, "frames": len(raw)}))
"""

OURS = """
import json, resource, sys, time
import numpy as np, tifffile
from napari_calcium.movie.registration import NonRigidRegistration, register
path, rate, frames = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
movie = tifffile.memmap(path, mode="r")
register(movie[:2], rate)  # kernels are compiled once, not every run
start, busy = time.perf_counter(), time.process_time()
register(movie[: frames or None], rate, NonRigidRegistration())
seconds, busy = time.perf_counter() - start, time.process_time() - busy
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print("RESULT " + json.dumps({"seconds": seconds, "cpu": busy, "frames": frames or len(movie), "peak": peak}))
"""


def result(command):
    """Run a script in a fresh interpreter and return what it says of itself."""
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1][7:])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("movie")
    parser.add_argument("--frame-rate", type=float, default=30.0)
    parser.add_argument("--frames", type=int, default=0, help="first frames only; 0 for all")
    parser.add_argument("--suite2p", metavar="PYTHON")
    parser.add_argument("--block", type=int, default=128, help="suite2p's block size in pixels")
    options = parser.parse_args()
    if not tifffile.TiffFile(options.movie).series[0].dataoffset:
        raise SystemExit(f"{options.movie} is not one contiguous stack")
    frames = str(options.frames)
    ours = result([sys.executable, "-c", OURS, options.movie, str(options.frame_rate), frames])
    print(line("ours", ours), f"  peak {ours['peak']:.2f} GB", flush=True)
    if options.suite2p:
        theirs = result([options.suite2p, "-c", SUITE2P, options.movie, str(options.block), frames])
        print(line("suite2p", theirs))
        print(
            f"ratio {theirs['seconds'] / ours['seconds']:.1f}, of CPU time {theirs['cpu'] / ours['cpu']:.1f}"
        )


def line(name, run):
    """Return what a run took; CPU time is fairer than wall time beside other work."""
    rate = run["frames"] / run["seconds"]
    return f"{name:8}{rate:8.1f} frames/s{run['seconds']:8.1f} s{run['cpu']:8.1f} s CPU"


if __name__ == "__main__":
    main()
