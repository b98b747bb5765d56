"""Formulas over ten million rows of arrays, and files, a competitor each.

Each formula is written once in the syntax that Flux, Python, numexpr and SymPy share (`where`,
`minimum` and `maximum` are calls), and once without choices for pandas.eval, which knows none.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Call = Callable[[], Any]


@dataclass(frozen=True)
class Formula:
    """A text, the range of each column (two whole numbers draw 0 and 1), and pandas' text."""

    text: str
    ranges: Mapping[str, tuple[float, float]]
    pandas: str


def _chosen(flag: str, yes: float, no: float) -> str:
    return f"({no} + {flag}*{yes - no!r})"


# Inker et al., New England Journal of Medicine 385 (2021): creatinine, mg/dl; age, years.
_RATIO = "(creatinine/where(female > 0, 0.7, 0.9))"
_EGFR = (
    f"142*minimum({_RATIO}, 1)**where(female > 0, -0.241, -0.302)*maximum({_RATIO}, 1)**(-1.2)"
    "*0.9938**age*where(female > 0, 1.012, 1)"
)
_RATIO_P = f"(creatinine/{_chosen('female', 0.7, 0.9)})"
_EGFR_P = (
    f"142*(({_RATIO_P} < 1)*{_RATIO_P} + ({_RATIO_P} >= 1))**{_chosen('female', -0.241, -0.302)}"
    f"*(({_RATIO_P} > 1)*{_RATIO_P} + ({_RATIO_P} <= 1))**(-1.2)*0.9938**age"
    f"*{_chosen('female', 1.012, 1.0)}"
)

# D'Agostino et al., Circulation 117 (2008), 743-753, men: cholesterol mg/dl, pressure mmHg.
_RISK = (
    "1 - 0.88936**exp(3.06117*log(age) + 1.1237*log(total) - 0.93263*log(hdl) + {} "
    "+ 0.65451*smoker + 0.57367*diabetic - 23.9802)"
)
_PRESSURE = "where(treated > 0, 1.99881, 1.93303)*log(pressure)"
_PRESSURE_P = f"{_chosen('treated', 1.99881, 1.93303)}*log(pressure)"

FORMULAS: Mapping[str, Formula] = {
    "eGFR": Formula(_EGFR, {"creatinine": (0.4, 4), "female": (0, 1), "age": (18, 90)}, _EGFR_P),
    "Framingham": Formula(
        _RISK.replace("{}", _PRESSURE),
        {
            "age": (30.5, 75), "total": (120.5, 320), "hdl": (25.5, 90), "treated": (0, 1),
            "pressure": (95.5, 190), "smoker": (0, 1), "diabetic": (0, 1),
        },
        _RISK.replace("{}", _PRESSURE_P),
    ),
    "4PL": Formula(
        "0.05 + (2.1 - 0.05)/(1 + (dose/3.7)**(-1.35))",
        {"dose": (0.1, 60)},
        "0.05 + (2.1 - 0.05)/(1 + (dose/3.7)**(-1.35))",
    ),
}  # fmt: skip


def arrays(formula: str, rows: int) -> dict[str, Array]:
    """The same columns for everybody, made in place: flags are 0.0 and 1.0."""
    random = np.random.default_rng(3)
    found = {}
    for name, (low, high) in FORMULAS[formula].ranges.items():
        column = random.random(rows)
        if (low, high) == (0, 1):
            np.greater(column, 0.5, out=column)
        else:
            column *= high - low
            column += low
        found[name] = column
    return found


def _python(formula: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    row = FORMULAS[formula]
    found: Callable[..., Any] = eval(f"lambda {', '.join(row.ranges)}: {row.text}", dict(names))
    return found


_NUMPY = {name: getattr(np, name) for name in ("where", "minimum", "maximum", "exp", "log")}


def bare(formula: str, rows: int, cores: int) -> Call:
    """Nobody: columns that lie there, and a result that is written."""
    given = arrays(formula, rows)
    return lambda: np.add(next(iter(given.values())), 0.0)


def flux(formula: str, rows: int, cores: int) -> Call:
    """`flux.score` as its users call it."""
    import flux

    given = arrays(formula, rows)
    scorer = flux.scorer(f"y = {FORMULAS[formula].text}", threads=cores)
    return lambda: scorer(given)["y"]


def numpy_typed(formula: str, rows: int, cores: int) -> Call:
    """The formula typed into NumPy."""
    function, given = _python(formula, _NUMPY), list(arrays(formula, rows).values())
    return lambda: function(*given)


def numpy_in_blocks(formula: str, rows: int, cores: int) -> Call:
    """NumPy by a hand that knows caches: 8,192 rows at a time, into a fresh result."""
    function, block = _python(formula, _NUMPY), 8192
    given = list(arrays(formula, rows).values())

    def one() -> Array:
        out = np.empty(rows)
        for start in range(0, rows, block):
            cut = slice(start, start + block)
            out[cut] = function(*(column[cut] for column in given))
        return out

    return one


def numexpr(formula: str, rows: int, cores: int) -> Call:
    """Its virtual machine, with its own threads."""
    import numexpr

    numexpr.set_num_threads(cores)
    text, given = FORMULAS[formula].text, arrays(formula, rows)
    return lambda: numexpr.evaluate(text, given, {})


def pandas_eval(formula: str, rows: int, cores: int) -> Call:
    """A DataFrame's `eval`, through numexpr where it is installed."""
    import pandas

    try:
        import numexpr

        numexpr.set_num_threads(cores)
    except ModuleNotFoundError:
        pass
    frame = pandas.DataFrame(arrays(formula, rows), copy=False)
    text = FORMULAS[formula].pandas
    return lambda: frame.eval(text).to_numpy()


def lambdify(formula: str, rows: int, cores: int) -> Call:
    """SymPy's function of NumPy arrays."""
    import sympy

    names = {name: sympy.Symbol(name) for name in FORMULAS[formula].ranges}

    def where(condition: Any, yes: Any, no: Any) -> Any:
        return sympy.Piecewise((yes, condition), (no, True))

    taken = {"where": where, "minimum": sympy.Min, "maximum": sympy.Max}
    taken |= {"exp": sympy.exp, "log": sympy.log}
    e = eval(FORMULAS[formula].text, taken | names)
    function = sympy.lambdify(list(names.values()), e, "numpy")
    given = list(arrays(formula, rows).values())
    return lambda: function(*given)


def numba(formula: str, rows: int, cores: int) -> Call:
    """A loop over rows, compiled in every call: what one run of a script costs."""
    import math

    import numba

    if cores > 1:
        numba.set_num_threads(cores)
    row, given = FORMULAS[formula], list(arrays(formula, rows).values())

    def call() -> Array:
        choose = numba.njit(inline="always")(lambda c, a, b: a if c else b)
        names: dict[str, Any] = {"where": choose, "minimum": min, "maximum": max}
        names |= {"exp": math.exp, "log": math.log}
        one = eval(f"lambda {', '.join(row.ranges)}: {row.text}", names)
        each = numba.njit(inline="always", fastmath=True, error_model="numpy")(one)
        items = ", ".join(f"{name}[i]" for name in row.ranges)
        made = {"each": each, "prange": numba.prange}
        exec(
            f"def loop({', '.join(row.ranges)}, out):\n"
            f"    for i in prange(out.size):\n        out[i] = each({items})",
            made,
        )
        compiled = numba.njit(fastmath=True, error_model="numpy", parallel=cores > 1)(made["loop"])
        out = np.empty(rows)
        compiled(*given, out)
        return out

    return call


# ---- Files ---------------------------------------------------------------------------------------


def _written(kind: str, rows: int) -> tuple[Path, Path]:
    """A file of the columns of eGFR with two more that nobody reads, and where to write."""
    import pyarrow
    from pyarrow import csv, parquet

    folder = Path(tempfile.mkdtemp(prefix="flux-bench-"))
    given = {name: column.round(3) for name, column in arrays("eGFR", rows).items()}
    more = {"site": np.arange(rows) % 17, "note": np.array(["as usual"])[np.zeros(rows, int)]}
    table = pyarrow.table({**given, **more})
    path = folder / f"table.{kind}"
    if kind == "csv":
        csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)
    return path, folder / "out.parquet"


def flux_file(kind: str, rows: int, cores: int) -> Call:
    """`flux score` with its columns kept."""
    import flux
    from flux.scoring.files import score_file

    path, out = _written(kind, rows)
    scorer = flux.scorer(f"y = {FORMULAS['eGFR'].text}", keep=tuple(FORMULAS["eGFR"].ranges))

    def call() -> float:
        return float(score_file(scorer, str(path), str(out), jobs=cores).rows)

    return call


def bare_file(kind: str, rows: int, cores: int) -> Call:
    """Reading and writing the same columns by pyarrow, the score among them, nothing between."""
    import pyarrow
    from pyarrow import csv, parquet

    pyarrow.set_cpu_count(cores)
    path, out = _written(kind, rows)
    columns = list(FORMULAS["eGFR"].ranges)
    score = pyarrow.array(np.random.default_rng(1).random(rows))  # which Flux writes too

    def call() -> float:
        if kind == "csv":
            options = csv.ConvertOptions(include_columns=columns)
            table = csv.read_csv(path, convert_options=options)
        else:
            table = parquet.read_table(path, columns=columns)
        parquet.write_table(table.append_column("y", score), out)
        return float(table.num_rows)

    return call


COMPETITORS: Mapping[str, Callable[..., Call]] = {
    "flux": flux,
    "numpy typed": numpy_typed,
    "numpy in blocks": numpy_in_blocks,
    "numexpr": numexpr,
    "pandas.eval": pandas_eval,
    "lambdify": lambdify,
    "numba, compiling": numba,
    "bare": bare,
    "flux file": flux_file,
    "bare file": bare_file,
}
OVER_ARRAYS = tuple(COMPETITORS)[:7]
