"""The curve of a run as a picture, where matplotlib is installed (the extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flux.errors import DataError

PICTURE = "loss.png"


def plot_losses(rows: Sequence[dict[str, Any]], path: Path) -> str:
    """Draw training and validation loss over steps.

    Returns:
        Why there is no picture; empty where there is one.

    Raises:
        DataError: the picture cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return f"no {PICTURE}: matplotlib is not installed (pip install 'fluxparser[plot]')"
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, style in (("loss", "-"), ("validation", "o-")):
        points = [(r["step"], r[name]) for r in rows if isinstance(r.get(name), int | float)]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=name, markersize=3)
    if axes.lines:
        axes.legend()
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise DataError(f"cannot write {str(path)!r}: {error.strerror}") from None
    return ""
