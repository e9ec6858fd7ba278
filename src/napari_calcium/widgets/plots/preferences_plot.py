"""Which epochs the selected cells or ensembles prefer, over the range that chance gives."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from napari_calcium.figures.preferences_figure import PreferenceRow, PreferencesData, places_of
from napari_calcium.widgets.plots.tuning_plots import SmallPlot
from napari_calcium.widgets.theme import PlotColors, readable

__all__ = ["PreferencesPlot"]


class PreferencesPlot(SmallPlot):
    """A dot an ensemble or cell and kind of epoch: filled beyond chance; grey behind it what shifts give."""

    def __init__(self, colors: PlotColors) -> None:
        self._data = PreferencesData()
        super().__init__(colors)

    def show_preferences(self, data: PreferencesData) -> None:
        """Show these preferences."""
        self._data = data
        self._draw()
        self.getPlotItem().getViewBox().autoRange()

    def _draw(self) -> None:
        data = self._data
        item = self._begin(f"Epochs of {data.of}" if data.of else "Epochs", "", "Rate inside / overall")
        item.getAxis("bottom").setTicks([list(enumerate(data.labels))])
        if not data.rows:
            return
        places, width = places_of(data)
        for at, row in zip(places, data.rows, strict=True):
            self._add(at, 0.7 * width, row)
        line = pg.InfiniteLine(1.0, angle=0, pen=pg.mkPen(self._colors.faint, width=1))
        item.addItem(line, ignoreBounds=True)

    def _add(self, at: NDArray[np.float64], width: float, row: PreferenceRow) -> None:
        item = self.getPlotItem()
        known = np.isfinite(row.chance_low) & np.isfinite(row.chance_high)
        ground = pg.mkBrush(self._colors.faint + "80")
        height = (row.chance_high - row.chance_low)[known]
        bars = pg.BarGraphItem(
            x=at[known], y0=row.chance_low[known], height=height, width=width, pen=None, brush=ground
        )
        item.addItem(bars)
        color = readable(row.color, self._colors.background)
        seen = np.isfinite(row.enrichment)
        brushes = [pg.mkBrush(color if sure else self._colors.background) for sure in row.significant[seen]]
        dots = pg.ScatterPlotItem(
            x=at[seen], y=row.enrichment[seen], size=8, pen=pg.mkPen(color, width=1.5), brush=brushes
        )
        item.addItem(dots)
