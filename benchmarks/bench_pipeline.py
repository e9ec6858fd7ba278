"""From a CSV to ensembles, whole, beside the plain script of the course in the same run."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from napari_calcium.io.csv import CsvSettings
from napari_calcium.io.opening import open_recording
from napari_calcium.pipeline import PipelineSettings, run
from napari_calcium.simulate import course_settings, simulate

SCRIPT = Path(__file__).parents[2] / "shared" / "bench" / "ensembles" / "course_baseline.py"


class CsvToEnsembles:
    """324 neurons x 15,000 frames at 4.8 Hz, as the course's file."""

    params = ("calibrated", "course")
    param_names = ("mode",)
    timeout = 600
    number = 1

    def setup_cache(self):
        path = str(Path.cwd() / "course.csv")
        simulate(course_settings()).write_csv(path)
        return path

    def setup(self, path, mode):
        self.settings = PipelineSettings.course() if mode == "course" else PipelineSettings()
        self.time_csv_to_ensembles(path, mode)  # kernels are compiled once, not every run

    def time_csv_to_ensembles(self, path, mode):
        run(open_recording(path, CsvSettings(frame_rate=4.8)), self.settings)

    def peakmem_csv_to_ensembles(self, path, mode):
        run(open_recording(path, CsvSettings(frame_rate=4.8)), self.settings)

    def track_times_faster_than_the_plain_script(self, path, mode):
        if not SCRIPT.exists():
            raise NotImplementedError("the course's plain script is not beside this checkout")
        return ratio(path, mode)["ratio"]


def ratio(path, mode):
    """Time both on one file, ours after one run that compiles, and return seconds and their ratio."""
    settings = PipelineSettings.course() if mode == "course" else PipelineSettings()
    ours = []
    for _ in range(2):
        start = time.perf_counter()
        run(open_recording(path, CsvSettings(frame_rate=4.8)), settings)
        ours.append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, SCRIPT, path, "--fr", "4.8", "--shuffles", "1000", "--out", f"{folder}/r.json"],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
        )
        theirs = time.perf_counter() - start
    return {"ours_s": round(ours[-1], 2), "script_s": round(theirs, 2), "ratio": round(theirs / ours[-1], 1)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        table = str(simulate(course_settings()).write_csv(f"{scratch}/course.csv"))
        print(json.dumps({mode: ratio(table, mode) for mode in CsvToEnsembles.params}, indent=1))
