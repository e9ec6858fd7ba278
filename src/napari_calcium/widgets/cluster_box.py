"""Where the stages compute: on this machine, or on a cluster whose address is typed here."""

from __future__ import annotations

from qtpy.QtWidgets import QLabel, QLineEdit

from napari_calcium.recording import Recording
from napari_calcium.widgets.links import Links
from napari_calcium.widgets.preferences import keep_preference, preferences
from napari_calcium.widgets.workbench import Workbench

__all__ = ["ClusterBox"]


class ClusterBox(QLineEdit):
    """The address of a dask scheduler, which all runs of the window then use; empty for this machine.

    It is kept in napari's preferences. Whether a cluster answers is seen when a run begins. The box and its
    label are there for movies, whose stages are what takes long, and wherever an address is set.

    Parameters
    ----------
    bench : Workbench
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.setAccessibleName("Compute on")
        self.setPlaceholderText("this machine")
        self.setClearButtonEnabled(True)
        self.setToolTip(
            "<qt>Empty: this machine. The address of a dask scheduler (<i>tcp://192.168.0.2:8786</i>): its "
            "workers do the work, with the same result to the byte. They need this program in the same "
            "version, and the movie under the same name.</qt>"
        )
        self.label = QLabel("Compute on")
        self.label.setBuddy(self)
        self.label.setToolTip(self.toolTip())
        self.setText(preferences().cluster)
        self._bench.cluster = self.text().strip()
        self.editingFinished.connect(self._take)
        Links(self).join(bench.session.recording_changed, self._show)
        self._show(bench.session.recording)

    def _take(self) -> None:
        """Use the address from the next run on."""
        address = self.text().strip()
        if address != self._bench.cluster:
            self._bench.cluster = address
            keep_preference("cluster", address)

    def _show(self, recording: Recording | None) -> None:
        there = bool(self._bench.cluster) or (recording is not None and recording.movie is not None)
        for widget in (self.label, self):
            widget.setVisible(there)
