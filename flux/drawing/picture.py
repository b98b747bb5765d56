"""A figure as a file: PNG, SVG or PDF, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from flux.drawing.figure import Figure
from flux.errors import ArgumentError, DataError

FORMATS = (".png", ".svg", ".pdf")

_INCHES, _DOTS_PER_INCH = (8.0, 5.0), 150
# The same figure gives the same bytes: no dates, and no random names of parts.
_SETTINGS = {"svg.hashsalt": "flux", "svg.fonttype": "path", "text.parse_math": False}
_METADATA = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure to a file, whose ending says the format.

    Raises:
        ArgumentError: another ending, or matplotlib is not installed.
        DataError: the file cannot be written.
    """
    file = Path(path)
    ending = file.suffix.lower()
    if ending not in FORMATS:
        raise ArgumentError(f"no picture format {ending!r}", hint=f"one of {', '.join(FORMATS)}")
    matplotlib = _matplotlib()
    with matplotlib.rc_context(_SETTINGS), np.errstate(all="ignore"):
        drawn = _drawn(figure)
        try:
            drawn.savefig(file, format=ending[1:], dpi=_DOTS_PER_INCH, metadata=_METADATA[ending])
        except OSError as error:
            raise DataError(f"cannot write {str(file)!r}: {error.strerror or error}") from None


def _matplotlib() -> Any:
    try:
        import matplotlib.figure
    except ImportError:
        hint = 'pip install "fluxparser[plot]", or leave the file out to draw in the terminal'
        raise ArgumentError("a picture needs matplotlib", hint=hint) from None
    return matplotlib


def _drawn(figure: Figure) -> Any:
    # A Figure of its own, not pyplot's: no window, and nothing is kept.
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=_INCHES, layout="constrained")
    area = canvas.subplots()
    area.set_autoscale_on(False)  # the figure knows its view
    area.set_xlim(*figure.sides())
    area.set_ylim(*figure.view())
    area.axhline(0, color="0.8", linewidth=1)
    for curve in figure.broken():
        area.plot(curve.x, curve.y, label=curve.label)
    for marks in figure.marks:
        area.plot(marks.x, marks.y, "o", label=marks.label)
    area.set_xlabel(figure.across)
    area.set_title(figure.title)
    if len(figure.curves) + len(figure.marks) > 1:
        area.legend()
    return canvas
