"""The pictures of the pages: `python docs/pictures.py` (or `make pictures`) draws them all again.

A row of COMMANDS or PRINTED is a command line, as its page has it; a row of DRAWINGS is a function
over the public interface. The same version of matplotlib gives the same bytes.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

import flux
from flux.cli.entry import run
from flux.drawing import empty_canvas, write_picture

FOLDER = Path(__file__).parent / "pictures"
_BLUE, _ORANGE, _GREEN, _GREY = "#0b6e99", "#c4550d", "#4b7f2b", "#8a97a5"
_DOTS_PER_INCH = 72  # of an SVG: a point
_SETTINGS: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "0.92",
}
# Reaction velocity by substrate, treated cells: Bates and Watts (1988), table A1.3.
_PUROMYCIN = {
    "c": [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.10, 1.10],
    "v": [76, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200],
}

COMMANDS: Mapping[str, Sequence[str]] = {
    "calculus.svg": ["plot", "x^2*exp(-x)", "x=-0.3..6", "--derivative", "--out", "calculus.svg"],
    "solving.svg": ["plot", "x^3 - 2*x - 5", "x=-3..3", "--roots", "--out", "solving.svg"],
    "fitting.svg": [
        *("fit", "v = Vm*c/(K + c)", "puromycin.csv", "Vm=205", "K=0.08"),
        *("--plot", "fitting.svg"),
    ],
}
PRINTED: Mapping[str, Sequence[str]] = {
    "graph.svg": ["show", "x^2/(1 + exp(-x)) + log(1 + exp(-x))", "--format", "svg"],
}


def _figure(width: float = 7.0, height: float = 3.6, **options: Any) -> tuple[Figure, Any]:
    figure = empty_canvas(width, height)
    return figure, figure.subplots(**options)


def profile() -> Figure:
    """The root of the rise over K, and the straight line of the linear approximation."""
    found = flux.fit("v = Vm*c/(K + c)", _PUROMYCIN, Vm=205, K=0.08)
    wide, narrow = found.profile("K", 0.99), found.profile("K")
    figure, area = _figure()
    error = found.errors["K"]
    ends = np.array([wide.at[0], wide.at[-1]])
    area.plot(ends, (ends - wide.value) / error, "--", color=_GREY, label="linear approximation")
    area.plot(wide.at, wide.tau, "o-", color=_BLUE, markersize=4, label="profile")
    for sign, end in ((-1, narrow.low), (1, narrow.high)):
        area.plot([end, end], [-4, sign * narrow.quantile], color=_ORANGE, linewidth=1.2)
    area.axhspan(-narrow.quantile, narrow.quantile, color=_ORANGE, alpha=0.1, label="95%")
    area.set(xlabel="K", ylabel="tau", ylim=(-3.6, 3.6))
    area.legend(loc="upper left")
    return figure


def losses() -> Figure:
    """What residuals count, by loss."""
    r = np.linspace(-4, 4, 161)
    rows = {
        "squares": "r^2",
        "huber": "where(abs(r) <= 1, r^2, 2*abs(r) - 1)",
        "soft_l1": "2*(sqrt(1 + r^2) - 1)",
        "cauchy": "log(1 + r^2)",
        "welsch": "1 - exp(-r^2)",
        "arctan": "atan(r^2)",
    }
    figure, area = _figure()
    for name, formula in rows.items():
        area.plot(r, flux.compile(formula)(r=r), label=name)
    area.set(xlabel="residual / threshold", ylabel="rho", ylim=(-0.2, 7))
    area.legend(ncols=2, loc="upper center")
    return figure


def precision() -> Figure:
    """Digits of (1 - cos(x))/x^2 that are right in float64, beside a form that keeps them."""
    x = np.geomspace(1e-9, 1, 61)
    forms = {"(1 - cos(x))/x^2": _ORANGE, "2*(sin(x/2)/x)^2": _BLUE}
    figure, area = _figure()
    for text, colour in forms.items():
        e = flux.parse(text)
        own = flux.compile(e)(x=x)
        true = np.array([float(flux.evaluate(text, x=repr(float(v)), digits=25)) for v in x])
        error = np.maximum(np.abs(own / true - 1), 1e-16)
        area.plot(x, -np.log10(error), ".-", color=colour, linewidth=0.8, label=text)
    area.set(xlabel="x", ylabel="digits that are right", xscale="log", ylim=(-0.5, 16.8))
    area.legend(loc="lower right")
    return figure


def minimising() -> Figure:
    """Where two methods went over Rosenbrock's valley."""
    text = "(1 - x)^2 + 100*(y - x^2)^2"
    x, y = np.meshgrid(np.linspace(-1.6, 1.4, 81), np.linspace(-0.6, 1.8, 65))
    height = flux.compile(text)(x=x, y=y)
    figure, area = _figure(7.0, 4.4)
    levels = np.geomspace(0.3, 1200, 8)
    area.contour(x, y, height, levels, colors="0.8", linewidths=0.8)
    for method, colour in (("newton", _BLUE), ("bfgs", _ORANGE)):
        found = flux.minimize(text, x=-1.2, y=1.0, method=method)
        path = np.array([[step.values["x"], step.values["y"]] for step in found.steps])
        label = f"{method}: {found.iterations} steps"
        area.plot(*path.T, "o-", color=colour, markersize=3.5, linewidth=1.1, label=label)
    area.plot(1, 1, "*", color=_GREEN, markersize=14)
    area.set(xlabel="x", ylabel="y", xlim=(-1.6, 1.4), ylim=(-0.6, 1.8))
    area.grid(visible=False)
    area.legend(loc="upper center")
    return figure


def rows() -> Figure:
    """Kepler's equation solved over rows, for some eccentricities."""
    mean = np.linspace(0, 2 * np.pi, 181)
    figure, area = _figure()
    for e, colour in ((0.0, _GREY), (0.3, _GREEN), (0.6, _BLUE), (0.9, _ORANGE)):
        found = flux.solve("E - e*sin(E) = M", E=mean, e=e, M=mean, unknown="E")
        area.plot(mean, found.root, color=colour, label=f"e = {e:g}")
    area.set(xlabel="M", ylabel="E")
    area.legend()
    return figure


def ode() -> Figure:
    """Prey and predators in time, and against each other."""
    system = {"x": "a*x - b*x*y", "y": "c*x*y - d*y"}
    at = np.linspace(0, 20, 301)
    found = flux.integrate_ode(
        system, t=(0, 20), x=10, y=5, a=1.1, b=0.4, c=0.1, d=0.4, at=at.tolist()
    )
    figure, (left, right) = _figure(8.0, 3.4, ncols=2, width_ratios=[2, 1])
    left.plot(at, found["x"], color=_BLUE, label="x, prey")
    left.plot(at, found["y"], color=_ORANGE, label="y, predators")
    left.set(xlabel="t")
    left.legend(loc="upper right")
    right.plot(found["x"], found["y"], color=_GREEN)
    right.set(xlabel="x", ylabel="y")
    return figure


DRAWINGS: Mapping[str, Callable[[], Figure]] = {
    "profile.svg": profile,
    "losses.svg": losses,
    "rows.svg": rows,
    "precision.svg": precision,
    "minimising.svg": minimising,
    "ode.svg": ode,
}


def write(folder: Path) -> None:
    """Draw every picture into a folder."""
    folder.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        with matplotlib.rc_context(_SETTINGS):
            write_picture(draw(), folder / name, _DOTS_PER_INCH)
    for name, words in PRINTED.items():
        (folder / name).write_text(printed(words), encoding="utf-8")
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        rows_of_table = zip(*_PUROMYCIN.values(), strict=True)
        lines = [",".join(_PUROMYCIN), *(f"{c},{v}" for c, v in rows_of_table)]
        Path("puromycin.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name, words in COMMANDS.items():
            printed(words)
            Path(name).replace(folder / name)


def printed(words: Sequence[str]) -> str:
    """What a command prints; it has to succeed."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        if run(words) != 0:
            raise SystemExit(f"flux {' '.join(words)} failed")
    return text.getvalue()


if __name__ == "__main__":
    write(FOLDER)
