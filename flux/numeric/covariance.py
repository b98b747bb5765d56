"""How uncertain the names of a formula are: standard deviations, correlations, or a covariance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, ShapeError, UnknownNameError, did_you_mean
from flux.expr.arguments import as_array, as_float, is_number

Array = NDArray[Any]

_ASYMMETRIC = 1e-9  # beside the largest entry
_NEGATIVE = 1e-10  # an eigenvalue, beside the largest


@dataclass(frozen=True)
class Covariance:
    """The covariance of some names.

    Attributes:
        names: in the order of the matrix.
        matrix: (..., k, k); leading dimensions are rows.
        pairs: places of the matrix, from the diagonal up, that are not zero by construction.
    """

    names: tuple[str, ...]
    matrix: Array
    pairs: tuple[tuple[int, int], ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """The shape of the leading dimensions."""
        shape: tuple[int, ...] = self.matrix.shape[:-2]
        return shape

    def root(self) -> Array:
        """L with L L' = the matrix, also where that is singular."""
        w, q = np.linalg.eigh(self.matrix)
        root: Array = q * np.sqrt(np.maximum(w, 0))[..., None, :]
        return root


def read(sd: Any, correlation: Any, covariance: Any, names: Sequence[str]) -> Covariance:
    """The covariance that the options say.

    Args:
        sd: standard deviations by name: a number, or an array of rows.
        correlation: by pair of names.
        covariance: a mapping of pairs of names, or a matrix whose names are those of `sd`, a
            sequence then.
        names: of the formula.

    Raises:
        ArgumentError: it is no covariance.
        UnknownNameError: a name is not in the formula.
    """
    if covariance is None:
        return _from_deviations(sd, correlation, names)
    if correlation is not None:
        raise ArgumentError("a covariance holds the correlations already")
    if isinstance(covariance, Mapping):
        if sd is not None:
            raise ArgumentError("a covariance holds the standard deviations already")
        return _from_pairs(covariance, names)
    if not isinstance(sd, Sequence) or isinstance(sd, str | Mapping):
        hint = 'say whose it is, as in sd=["x", "y"], covariance=matrix'
        raise ArgumentError("the covariance is a matrix without names", hint=hint)
    return _from_matrix(list(sd), covariance, names)


def _from_deviations(sd: Any, correlation: Any, names: Sequence[str]) -> Covariance:
    if not isinstance(sd, Mapping) or not sd:
        hint = 'such as sd={"x": 0.1, "y": 0.2}'
        raise ArgumentError("standard deviations are by name", hint=hint)
    _check_names(sd, names)
    deviations = [_deviation(str(name), value) for name, value in sd.items()]
    try:
        spread = np.stack(np.broadcast_arrays(*deviations), axis=-1)
    except ValueError:
        shapes = ", ".join(str(list(d.shape)) for d in deviations)
        raise ShapeError(f"the standard deviations have the shapes {shapes}") from None
    known = list(sd)
    correlations = np.eye(len(known))
    for a, b, value in _pairs(correlation if correlation is not None else {}, names):
        if a not in known or b not in known or a == b:
            raise ArgumentError(f"`{a}` and `{b}` have no correlation", hint="give both an sd")
        at = known.index(a), known.index(b)
        correlations[at] = correlations[at[::-1]] = _number(value, f"the correlation of {a}, {b}")
    if not (np.abs(correlations) <= 1).all() or not _is_positive(correlations):
        raise ArgumentError("the correlations fit no distribution", hint="from -1 to 1 each")
    with np.errstate(all="ignore"):  # a square may overflow, and no variance is known then
        matrix = spread[..., :, None] * spread[..., None, :] * correlations
    return Covariance(tuple(known), matrix, _occupied(correlations))


def _from_pairs(covariance: Mapping[Any, Any], names: Sequence[str]) -> Covariance:
    given = list(_pairs(covariance, names))
    known = list(dict.fromkeys(name for a, b, _ in given for name in (a, b)))
    matrix = np.zeros((len(known), len(known)))
    for a, b, value in given:
        at = known.index(a), known.index(b)
        matrix[at] = matrix[at[::-1]] = _number(value, f"the covariance of {a}, {b}")
    return _checked(known, matrix)


def _from_matrix(known: list[str], covariance: Any, names: Sequence[str]) -> Covariance:
    _check_names(known, names)
    matrix = as_float("covariance", as_array("covariance", covariance), np.dtype(np.float64))
    size = len(known)
    if len(set(known)) != size or not known or matrix.shape[-2:] != (size, size):
        text = f"the covariance of {size} names has shape {list(matrix.shape)}"
        raise ShapeError(text, hint=f"its last two dimensions are [{size}, {size}]")
    return _checked(known, matrix)


def _checked(known: list[str], matrix: Array) -> Covariance:
    if not np.isfinite(matrix).all():
        raise ArgumentError("the covariance has an entry that is not finite")
    turned = np.swapaxes(matrix, -1, -2)
    if (np.abs(matrix - turned) > _ASYMMETRIC * np.abs(matrix).max(initial=0.0)).any():
        raise ArgumentError("the covariance is not symmetric")
    matrix = (matrix + turned) / 2
    if not _is_positive(matrix):
        raise ArgumentError("the covariance fits no distribution: a variance would be negative")
    return Covariance(
        tuple(known), matrix, _occupied((matrix != 0).any(axis=tuple(range(matrix.ndim - 2))))
    )


def _occupied(matrix: Array) -> tuple[tuple[int, int], ...]:
    """The places of what is not zero, from the diagonal up."""
    rows, columns = np.nonzero(np.triu(matrix))
    return tuple(zip(rows.tolist(), columns.tolist(), strict=True))


def _is_positive(matrix: Array) -> bool:
    if not matrix.size:
        return True
    values = np.linalg.eigvalsh(matrix)
    return bool((values[..., 0] >= -_NEGATIVE * np.abs(values).max(axis=-1)).all())


def _pairs(given: Any, names: Sequence[str]) -> Iterator[tuple[str, str, Any]]:
    if not isinstance(given, Mapping):
        raise ArgumentError("correlations are by pairs of names", hint='such as {("x", "y"): 0.5}')
    for pair, value in given.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ArgumentError(f"{pair!r} is no pair of names", hint='such as ("x", "y")')
        _check_names(pair, names)
        yield pair[0], pair[1], value


def _check_names(given: Any, names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            hint = did_you_mean(str(name), list(names))
            raise UnknownNameError(f"the formula has no `{name}`", hint=hint)


def _deviation(name: str, value: Any) -> Array:
    what = f"{name}'s standard deviation"
    found: Array = as_float(what, as_array(what, value), np.dtype(np.float64))
    if not (found >= 0).all() or np.isinf(found).any():
        raise ArgumentError(f"the standard deviation of `{name}` is a number from 0 on")
    return found


def _number(value: Any, what: str) -> float:
    if not is_number(value) or not np.isfinite(value):
        raise ArgumentError(f"{what} is a number, not {value!r}")
    return float(value)
