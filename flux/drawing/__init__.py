"""Drawings of curves and marks: as a picture file, or in the terminal with plain characters."""

from flux.drawing.figure import Curve, Figure, Marks
from flux.drawing.picture import FORMATS, empty_canvas, plain, save, write_picture
from flux.drawing.terminal import draw

__all__ = [
    "FORMATS",
    "Curve",
    "Figure",
    "Marks",
    "draw",
    "empty_canvas",
    "plain",
    "save",
    "write_picture",
]
