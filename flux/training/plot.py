"""The curve of a run as a picture, where matplotlib is installed (the extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flux.drawing import empty_canvas, write_picture
from flux.errors import ArgumentError

PICTURE = "loss.png"
_INCHES, _DOTS_PER_INCH = (7.0, 4.0), 120


def plot_losses(rows: Sequence[dict[str, Any]], path: Path) -> str:
    """Draw training and validation loss over steps.

    Returns:
        Why there is no picture; empty where there is one.

    Raises:
        DataError: the picture cannot be written.
    """
    try:
        canvas = empty_canvas(*_INCHES)
    except ArgumentError as error:
        return f"no {PICTURE}: {error.text} ({error.hint})"
    axes = canvas.add_subplot()
    for name, style in (("loss", "-"), ("validation", "o-")):
        points = [(r["step"], r[name]) for r in rows if isinstance(r.get(name), int | float)]
        if points:
            axes.plot(*zip(*points, strict=True), style, label=name, markersize=3)
    if axes.lines:
        axes.legend()
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    write_picture(canvas, path, _DOTS_PER_INCH)
    return ""
