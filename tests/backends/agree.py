"""Running one expression on every evaluator, and what it means that two results agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import flux
from flux.backends.runner import Runner
from flux.expr import Expr
from flux.expr.evaluate import evaluate
from flux.expr.signature import result_axes, signature
from flux.lower import lower
from flux.settings import override

BACKENDS = ("vm", "numpy")
Array = NDArray[Any]


def reference(
    e: Expr, values: Mapping[str, Any], sizes: Mapping[str, int], dtype: str = "float64"
) -> Array:
    """The value by the reference evaluator, in a type."""
    typed = {name: _typed(value, dtype) for name, value in values.items()}
    found = np.asarray(evaluate(e, typed, sizes=sizes, raise_domain=False))
    return found.astype(dtype)


def run(
    e: Expr,
    backend: str,
    values: Mapping[str, Any],
    sizes: Mapping[str, int],
    dtype: str = "float64",
    relaxed: bool = False,
) -> Array:
    """The value by a Program that is verified after every pass, without rows."""
    with override(verify=True):
        program = lower(
            {"the result": e},
            signature(e),
            sizes=sizes,
            dtype=dtype,
            orders={"the result": result_axes(e)},
            relaxed=relaxed,
        )
        typed = {name: _typed(value, dtype) for name, value in values.items()}
        found: Array = Runner(program, backend)(**typed)["the result"]
    return found


def over_rows(e: Expr, backend: str, values: Mapping[str, Any], **options: Any) -> Array:
    """The value by a compiled formula over rows."""
    with override(verify=True):
        return np.asarray(flux.compile(e, backend=backend, **options)(values))


def _typed(value: Any, dtype: str) -> Array:
    array = np.asarray(value)
    return array.astype(dtype) if array.dtype.kind == "f" else array


def kinds(x: Array) -> Array:
    """0 where finite, else which of nan, inf and -inf."""
    return np.select([np.isnan(x), np.isposinf(x), np.isneginf(x)], [1, 2, 3], 0)


def same_kinds(a: Array, b: Array) -> bool:
    """Whether nan and the infinities stand in the same places."""
    return a.shape == b.shape and bool((kinds(a) == kinds(b)).all())


def ulps(a: Array, b: Array) -> float:
    """The largest distance between finite values, in units in the last place."""
    with np.errstate(all="ignore"):
        finite = np.isfinite(a) & np.isfinite(b)
        a, b = a[finite].astype(np.longdouble), b[finite]
        distance = np.abs(a - b) / np.spacing(np.abs(b)).astype(np.longdouble)
    return float(distance.max(initial=0))


def close(a: Array, b: Array, tolerance: float) -> bool:
    """Whether finite values agree, relative to themselves and a little to the largest."""
    finite = np.isfinite(a) & np.isfinite(b)
    scale = np.abs(b[finite]).max(initial=0)
    allowed = tolerance * (np.abs(b[finite]) + 1e-3 * scale) + 1e-300
    with np.errstate(all="ignore"):
        return bool((np.abs(a[finite] - b[finite]) <= allowed).all())
