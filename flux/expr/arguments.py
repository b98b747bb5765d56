"""Values given for an expression's inputs, checked and converted.

A value is a Python number, or anything that NumPy reads as an array of real numbers. Computation
is in the widest float among the inputs (float32 or float64; float16 counts as float32), else in
float64; integers and truth values convert to it exactly or are refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.expr.integers import MAX_EXACT
from flux.expr.node import Expr

Values = Mapping[str, Any]


def check_names(signature: Sequence[Expr], values: Values) -> None:
    """Raise UnknownNameError where an input has no value."""
    missing = next((x for x in signature if x.attributes.name not in values), None)
    if missing is None:
        return
    name = missing.attributes.name
    unused = sorted(set(map(str, values)).difference(x.attributes.name for x in signature))
    hint = did_you_mean(name, unused) or f"give it, as in {_example(name)}"
    raise UnknownNameError(f"no value for `{name}`", hint=hint)


def _example(name: str) -> str:
    return f"{name}=1.0" if name.isidentifier() else f'{{"{name}": 1.0}}'


def is_number(value: Any) -> bool:
    """Whether a value is a plain Python number (float64 scalars of NumPy among them)."""
    return isinstance(value, bool | int | float)


def exact_float(name: str, value: float | int | bool) -> float:
    """A Python number as a float, integers exactly.

    Raises:
        ArgumentError: an integer that a float64 does not hold.
    """
    if isinstance(value, float):
        return float(value)
    if -MAX_EXACT <= value <= MAX_EXACT or (
        abs(value).bit_length() < 1024 and int(float(value)) == value
    ):
        return float(value)
    raise ArgumentError(f"`{name}` is an integer that float64 does not hold exactly")


def as_array(name: str, value: Any) -> NDArray[Any]:
    """A value as an array of bool, integer or float dtype in native byte order.

    Raises:
        ArgumentError: anything else: complex numbers, texts, objects, masked arrays, long doubles,
            quantities with a unit.
    """
    if isinstance(value, np.ma.MaskedArray):
        raise ArgumentError(f"`{name}` is a masked array", hint="fill the masked places with nan")
    if is_number(value):
        return np.asarray(exact_float(name, value))
    if type(value) is not np.ndarray and carries_unit(value):
        raise ArgumentError(f"`{name}` carries a unit, and a formula takes numbers", hint=_UNITS)
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, OverflowError):
        raise ArgumentError(f"`{name}` is not an array of numbers") from None
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise ArgumentError(
            f"`{name}` has dtype {array.dtype}",
            hint="use float32, float64, integers or truth values",
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


_UNITS = (
    "flux.score and flux.formulas.get convert one quantity of a whole column by the card of a "
    "formula; value.magnitude has the numbers alone"
)


def carries_unit(value: Any, depth: int = 64) -> bool:
    """Whether a value is a quantity of pint or astropy, or a list that has one.

    NumPy would drop the unit. It reads lists to a depth of 64.
    """
    if not isinstance(value, list | tuple):
        return _is_quantity(type(value))
    kinds = set(map(type, value))
    if any(map(_is_quantity, kinds)):
        return True
    inner = depth and not kinds.isdisjoint((list, tuple))
    return bool(inner) and any(
        carries_unit(part, depth - 1) for part in value if isinstance(part, list | tuple)
    )


def _is_quantity(kind: type) -> bool:
    return hasattr(kind, "to") and (hasattr(kind, "units") or hasattr(kind, "unit"))


def float_dtype(values: Sequence[Any]) -> np.dtype[Any]:
    """The widest float dtype of values: float32 or float64; Python's own numbers are weak."""
    arrays = [np.asarray(v) for v in values if type(v) not in (bool, int, float)]
    floats = [array.dtype for array in arrays if array.dtype.kind == "f"]
    return np.result_type(np.float32, *floats) if floats else np.dtype(np.float64)


def as_float(name: str, array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array in the dtype of the computation, integers exactly.

    Raises:
        ArgumentError: an integer that the dtype does not hold, a float beyond its largest.
    """
    with np.errstate(all="ignore"):
        result = array.astype(dtype, copy=False)
    if array.dtype.kind in "iu" and not _same_integers(array, result):
        raise ArgumentError(f"`{name}` has an integer that {dtype} does not hold exactly")
    if result is not array and (np.isinf(result) & np.isfinite(array)).any():
        raise ArgumentError(f"`{name}` has a number beyond the largest {dtype}")
    return result


def _same_integers(array: NDArray[Any], floats: NDArray[Any]) -> bool:
    with np.errstate(all="ignore"):
        # A float of 2^63 or more has no int64; float64 holds every float32.
        return bool(
            (np.abs(floats.astype(np.float64)) < 2.0**63).all()
            and (floats.astype(np.int64) == array).all()
        )


def as_integer(name: str, array: NDArray[Any]) -> NDArray[np.int64]:
    """An array as int64; floats are taken where they are whole.

    Raises:
        ArgumentError: a number that is not whole, or beyond 2^53.
    """
    with np.errstate(all="ignore"):
        result = array.astype(np.int64)
    magnitude = np.abs(result)
    if not ((result == array) & (magnitude <= MAX_EXACT) & (magnitude >= 0)).all():
        raise ArgumentError(f"`{name}` must hold whole numbers up to 2^53")
    return result
