"""A fit as a picture: data, curve, bands, and the residuals below.

Where the curve depends on one column, that column is the horizontal axis; otherwise the observed
values are drawn over the fitted ones. Matplotlib draws it; nothing of its state is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flux.drawing import empty_canvas, plain
from flux.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from flux.numeric.fitting.result import Fit

Array = NDArray[Any]

_POINTS = 200  # of a curve
_INCHES, DOTS_PER_INCH = (7.0, 6.0), 120
_COLOURS = ("#0b6e99", "#c4550d", "#4b7f2b", "#8a3ba0", "#a32638", "#5a5a5a")


def draw(fit: Fit, x: str | None, log: bool, level: float) -> Any:
    """The figure: data, curve and bands above, residuals below.

    Args:
        fit: what is drawn.
        x: the column along the horizontal axis; None to choose.
        log: whether that axis is logarithmic.
        level: of the bands.

    Raises:
        ArgumentError: Matplotlib is not installed, or there is no such column.
    """
    figure = empty_canvas(*_INCHES)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    columns = fit.columns()
    varying = [name for name, column in columns.items() if column.ndim]
    if x is not None and x not in varying:
        hint = did_you_mean(x, varying) or f"one of {', '.join(varying[:8])}"
        raise ArgumentError(f"the curve has no column `{x}`", hint=hint)
    name = x or (varying[0] if len(varying) == 1 else "")
    across = columns[name] if name else fit.fitted
    if log and not (across > 0).all():
        raise ArgumentError("a logarithmic axis needs numbers above 0", hint="leave log out")
    for group, rows in fit.rows_by_group():
        _draw_group(fit, above, below, group, rows, across)
    if len(varying) == 1 and name:
        _draw_curves(fit, above, name, across, log, level)
    else:
        _draw_fitted(fit, above, across, bool(name))
    _label(fit, above, below, name or "fitted", log)
    return figure


def _colour(group: int) -> str:
    return _COLOURS[group % len(_COLOURS)]


def _draw_group(fit: Fit, above: Any, below: Any, group: int, rows: Array, across: Array) -> None:
    names = fit.groups
    label = plain(names[group]) if names else "data"
    style = {"s": 18, "color": _colour(group), "alpha": 0.8, "linewidths": 0}
    above.scatter(across[rows], fit.fitted[rows] + fit.residuals[rows], label=label, **style)
    below.scatter(across[rows], fit.residuals[rows], **style)


def _draw_curves(fit: Fit, above: Any, name: str, across: Array, log: bool, level: float) -> None:
    low, high = float(across.min()), float(across.max())
    places = np.geomspace(low, high, _POINTS) if log else np.linspace(low, high, _POINTS)
    columns = {key: column for key, column in fit.columns().items() if not column.ndim}
    for group in range(max(1, len(fit.groups))):
        chosen = {**columns, name: places, **fit.group_column(group)}
        band = fit.band(chosen, level=level)
        above.plot(places, band.value, color=_colour(group), linewidth=1.5)
        for kind, alpha in (("confidence", 0.3), ("prediction", 0.12)):
            edge = fit.band(chosen, level=level, kind=kind)
            if np.isfinite(edge.low).any():
                colour = {"color": _colour(group), "alpha": alpha, "linewidth": 0}
                above.fill_between(places, edge.low, edge.high, **colour)


def _draw_fitted(fit: Fit, above: Any, across: Array, over_column: bool) -> None:
    if over_column:
        above.scatter(across, fit.fitted, s=14, color="black", marker="_", label="fitted")
        return
    ends = [float(across.min()), float(across.max())]
    above.plot(ends, ends, color="black", linewidth=1)


def _label(fit: Fit, above: Any, below: Any, name: str, log: bool) -> None:
    above.set_title(plain(fit.model.strip().splitlines()[-1][:90]), fontsize=10)
    above.set_ylabel("observed")
    below.set_ylabel("residual")
    below.set_xlabel(plain(name))
    below.axhline(0, color="black", linewidth=0.8)
    if log:
        above.set_xscale("log")
    if len(fit.groups) > 1:
        above.legend(fontsize=8)
