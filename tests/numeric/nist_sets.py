"""NIST's Statistical Reference Datasets for nonlinear regression, read from its own files.

Source: https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml; the files of `tests/numeric/nist`
are NIST's, and in the public domain.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "nist"
_NUMBER = r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"


@dataclass(frozen=True)
class NistSet:
    """One set: its model, data, both starts, and what NIST certifies."""

    name: str
    model: str
    data: dict[str, NDArray[np.float64]]
    starts: tuple[dict[str, float], dict[str, float]]
    certified: dict[str, float]
    errors: dict[str, float]
    sum_of_squares: float
    noise: float


# The models as NIST's files write them, but for log[y], arctan[..] and the like.
_THREE_GAUSSIANS = "y = b1*exp(-b2*x) + b3*exp(-(x-b4)**2/b5**2) + b6*exp(-(x-b7)**2/b8**2)"
_LANCZOS = "y = b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)"
_RATIO_3_3 = "y = (b1 + b2*x + b3*x**2 + b4*x**3)/(1 + b5*x + b6*x**2 + b7*x**3)"
MODELS = {
    "Bennett5": "y = b1*(b2 + x)**(-1/b3)",
    "BoxBOD": "y = b1*(1 - exp(-b2*x))",
    "Chwirut1": "y = exp(-b1*x)/(b2 + b3*x)",
    "Chwirut2": "y = exp(-b1*x)/(b2 + b3*x)",
    "DanWood": "y = b1*x**b2",
    "ENSO": (
        "y = b1 + b2*cos(2*pi*x/12) + b3*sin(2*pi*x/12) + b5*cos(2*pi*x/b4) + b6*sin(2*pi*x/b4)"
        " + b8*cos(2*pi*x/b7) + b9*sin(2*pi*x/b7)"
    ),
    "Eckerle4": "y = (b1/b2)*exp(-0.5*((x - b3)/b2)**2)",
    "Gauss1": _THREE_GAUSSIANS,
    "Gauss2": _THREE_GAUSSIANS,
    "Gauss3": _THREE_GAUSSIANS,
    "Hahn1": _RATIO_3_3,
    "Kirby2": "y = (b1 + b2*x + b3*x**2)/(1 + b4*x + b5*x**2)",
    "Lanczos1": _LANCZOS,
    "Lanczos2": _LANCZOS,
    "Lanczos3": _LANCZOS,
    "MGH09": "y = b1*(x**2 + x*b2)/(x**2 + x*b3 + b4)",
    "MGH10": "y = b1*exp(b2/(x + b3))",
    "MGH17": "y = b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "y = b1*(1 - exp(-b2*x))",
    "Misra1b": "y = b1*(1 - (1 + b2*x/2)**(-2))",
    "Misra1c": "y = b1*(1 - (1 + 2*b2*x)**(-.5))",
    "Misra1d": "y = b1*b2*x*((1 + b2*x)**(-1))",
    "Nelson": "log(y) = b1 - b2*x1*exp(-b3*x2)",
    "Rat42": "y = b1/(1 + exp(b2 - b3*x))",
    "Rat43": "y = b1/((1 + exp(b2 - b3*x))**(1/b4))",
    "Roszman1": "y = b1 - b2*x - atan(b3/(x - b4))/pi",
    "Thurber": _RATIO_3_3,
}


@cache
def read(name: str) -> NistSet:
    """The set of that name."""
    lines = (FOLDER / f"{name}.dat").read_text(encoding="ascii").splitlines()
    rows = [
        (found[1], [float(text) for text in found[2].split()])
        for line in lines
        if (found := re.match(rf"\s*(b\d)\s*=((?:\s+{_NUMBER}){{4}})\s*$", line))
    ]
    table = np.array([list(map(float, line.split())) for line in lines[60:] if line.strip()])
    names = ["y", "x"] if table.shape[1] == 2 else ["y", "x1", "x2"]
    return NistSet(
        name,
        MODELS[name],
        {column: table[:, i] for i, column in enumerate(names)},
        ({b: row[0] for b, row in rows}, {b: row[1] for b, row in rows}),
        {b: row[2] for b, row in rows},
        {b: row[3] for b, row in rows},
        _figure(lines, "Residual Sum of Squares"),
        _figure(lines, "Residual Standard Deviation"),
    )


def _figure(lines: list[str], what: str) -> float:
    return next(float(line.split(":")[1]) for line in lines if line.strip().startswith(what))


def digits(found: float, certified: float) -> float:
    """How many digits agree: the log relative error, at most 11, as many as NIST certifies."""
    if found == certified:
        return 11.0
    return float(min(11.0, max(0.0, -np.log10(abs(found - certified) / abs(certified)))))


# Linear sets: https://www.itl.nist.gov/div898/strd/lls/lls.shtml, from `nist/linear.json`.


def linear_sets() -> list[NistSet]:
    """The linear sets."""
    content = json.loads((FOLDER / "linear.json").read_text(encoding="ascii"))
    return [_linear(name, own) for name, own in content["sets"].items()]


def _linear(name: str, own: dict[str, Any]) -> NistSet:
    data = {column: np.array(values, float) for column, values in own["data"].items()}
    names = list(own["certified"])
    start = dict.fromkeys(names, 0.0)
    errors = dict(zip(names, own["errors"], strict=True))
    model = own["model"]
    return NistSet(name, model, data, (start, start), own["certified"], errors, np.nan, np.nan)
