"""Pictures as files: PNG, SVG or PDF, by matplotlib. One picture has one sequence of bytes.

A picture is drawn into memory, and then its file is replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from flux.drawing.figure import Figure
from flux.errors import ArgumentError
from flux.files import replace_file

# By format, what a file would say of the program and the day that made it.
_SILENT: Mapping[str, Mapping[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
FORMATS = tuple(_SILENT)

_INCHES, _DOTS_PER_INCH = (8.0, 5.0), 150
# The names of parts are not random, and letters look the same on every machine.
_SETTINGS: dict[Any, Any] = {"svg.hashsalt": "flux", "svg.fonttype": "path"}


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure to a file, whose ending says the format.

    Raises:
        ArgumentError: another ending, or matplotlib is not installed.
        DataError: the file cannot be written.
    """
    _ending(path)
    canvas = empty_canvas(*_INCHES)
    with np.errstate(all="ignore"):
        _draw(figure, canvas)
    write_picture(canvas, path, _DOTS_PER_INCH)


def empty_canvas(width: float, height: float) -> Any:
    """A figure of matplotlib, in inches: none of pyplot's, so no window, and nothing is kept.

    Raises:
        ArgumentError: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Canvas
    except ImportError:
        hint = 'pip install "fluxparser[plot]"'
        text = "a picture needs matplotlib, which is not installed"
        raise ArgumentError(text, hint=hint) from None
    canvas = Canvas(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(canvas)
    return canvas


def write_picture(canvas: Any, path: str | Path, dots_per_inch: int) -> None:
    """Write what matplotlib has drawn to a file, whose ending says the format.

    Raises:
        ArgumentError: another ending.
        DataError: the file cannot be written.
    """
    import matplotlib

    ending, content = _ending(path), BytesIO()
    options = {"format": ending[1:], "dpi": dots_per_inch, "metadata": _SILENT[ending]}
    with matplotlib.rc_context(_SETTINGS), np.errstate(all="ignore"):
        canvas.savefig(content, **options)
    replace_file(Path(path), content.getvalue())


def _ending(path: str | Path) -> str:
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise ArgumentError(f"no picture format {ending!r}", hint=f"one of {', '.join(FORMATS)}")
    return ending


def _draw(figure: Figure, canvas: Any) -> None:
    area = canvas.subplots()
    area.set_autoscale_on(False)  # the figure knows its view
    area.set_xlim(*figure.sides())
    area.set_ylim(*figure.view())
    area.axhline(0, color="0.8", linewidth=1)
    for curve in figure.broken():
        area.plot(curve.x, curve.y, label=plain(curve.label))
    for marks in figure.marks:
        area.plot(marks.x, marks.y, "o", label=plain(marks.label))
    area.set_xlabel(plain(figure.across))
    area.set_title(plain(figure.title))
    if len(figure.curves) + len(figure.marks) > 1:
        area.legend()


def plain(text: str) -> str:
    """A text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")
