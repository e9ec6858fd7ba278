"""Time and peak memory of the simulation, and of frames read from its movie."""

from napari_calcium.simulate import SimulationSettings, course_settings, simulate

SETTINGS = {
    "100 × 3,000": SimulationSettings(),
    "324 × 15,000": course_settings(),
    "5,000 × 20,000": SimulationSettings(
        n_rois=5_000, n_frames=20_000, height=1_100, width=1_100, n_ensembles=40, soma_diameter=9.0
    ),
}


class Simulate:
    params = tuple(SETTINGS)
    param_names = ("shape",)
    timeout = 600

    def time_simulate(self, shape):
        simulate(SETTINGS[shape])

    def peakmem_simulate(self, shape):
        simulate(SETTINGS[shape])


class Frames:
    params = (0.0, 1.0)
    param_names = ("motion",)

    def setup(self, motion):
        self.movie = simulate(SimulationSettings(height=512, width=512, motion=motion)).movie
        self.movie[0]

    def time_100_frames(self, motion):
        self.movie[100:200]

    def peakmem_100_frames(self, motion):
        self.movie[100:200]
