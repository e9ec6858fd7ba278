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
import time

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
start = time.perf_counter()
registration_wrapper(raw, settings=settings, device=torch.device("cpu"))
print("RESULT " + json.dumps({"seconds": time.perf_counter() - start, "frames": len(raw)}))
"""

OURS = """
import json, resource, sys, time
import numpy as np, tifffile
from napari_calcium.movie.registration import NonRigidRegistration, register
path, rate, frames = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
movie = tifffile.memmap(path, mode="r")
register(movie[:2], rate)  # kernels are compiled once, not every run
start = time.perf_counter()
register(movie[: frames or None], rate, NonRigidRegistration())
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print("RESULT " + json.dumps({"seconds": seconds, "frames": frames or len(movie), "peak_gb": peak}))
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
    print(time.strftime("%H:%M:%S"), flush=True)
    frames = str(options.frames)
    ours = result([sys.executable, "-c", OURS, options.movie, str(options.frame_rate), frames])
    fast = ours["frames"] / ours["seconds"]
    print(
        f"ours     {fast:7.1f} frames/s  {ours['seconds']:6.1f} s  peak {ours['peak_gb']:.2f} GB", flush=True
    )
    if options.suite2p:
        theirs = result([options.suite2p, "-c", SUITE2P, options.movie, str(options.block), frames])
        slow = theirs["frames"] / theirs["seconds"]
        print(f"suite2p  {slow:7.1f} frames/s  {theirs['seconds']:6.1f} s\nratio    {fast / slow:7.1f}")


if __name__ == "__main__":
    main()
