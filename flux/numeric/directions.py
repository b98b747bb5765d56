"""Steps of systems: Newton's, Powell's dogleg, and the best one within a trust region.

All act on A systems of n equations at once. The Jacobian of row i is scaled on both sides, so that
neither the units of the equations nor those of the unknowns matter to what counts as singular.

Source:
    Powell, A hybrid method for nonlinear equations, in Rabinowitz (ed.), Numerical Methods for
    Nonlinear Algebraic Equations (1970).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EPSILON = float(np.finfo(np.float64).eps)

_DOUBTFUL = 1e5  # a scaled step above this, beside the unknowns: the Jacobian is looked at closely
_HALVINGS, _FIRST_HALF = 40, 1e-4  # of the damping: in its exponent, once it is off zero
_RANK = 16  # times n * epsilon, beside the largest singular value: what counts as zero


def norm(v: Array) -> Array:
    """The length of each row, without overflow on the way."""
    most = np.abs(v).max(axis=-1, initial=0.0)
    unit = np.where((most > 0) & np.isfinite(most), most, 1.0)
    length: Array = unit * np.sqrt(((v / unit[..., None]) ** 2).sum(axis=-1))
    return length


def are_finite(f: Array, jacobian: Array) -> Array:
    """Whether the residuals of each row are, and all their derivatives."""
    every = np.concatenate([f[:, :, None], jacobian], axis=2)
    finite: Array = np.all(np.isfinite(every), axis=(1, 2))
    return finite


def column_norms(jacobian: Array) -> Array:
    """(A, n, n) to (A, n)."""
    return norm(np.swapaxes(jacobian, 1, 2))


def product(jacobian: Array, v: Array) -> Array:
    """J v for each row."""
    found: Array = (jacobian @ v[:, :, None])[:, :, 0]
    return found


def newton(jacobian: Array, f: Array, x: Array, scale: Array, free: Array) -> tuple[Array, Array]:
    """The s of J s = -F, and whether J is singular there.

    Where it is, s is the shortest of the least-squares steps. Unknowns that are not free stay, and
    s is the least-squares step of the others.

    Shapes:
        jacobian: (A, n, n); f, x, scale, free, s: (A, n); singular: (A,).
    """
    a, b = _equilibrated(jacobian, f, scale, free)
    y = _solved(a, b)
    size = norm(y)
    doubtful = ~np.isfinite(size) | ~free.all(axis=1)
    doubtful |= size > _DOUBTFUL * np.maximum(norm(x * scale), norm(scale))
    singular = np.zeros(len(f), bool)
    (at,) = np.nonzero(doubtful)
    if at.size:
        y[at], rank, _ = _least_squares(a[at], b[at])
        singular[at] = rank < free[at].sum(axis=1)
    return y / scale, singular


def condition(jacobian: Array, columns: Array, rows: Array) -> Array:
    """The condition number of the scaled Jacobian; infinite where it is singular.

    sigma_1/sigma_n of R^-1 J C^-1, with R and C diagonal
    """
    a = jacobian / columns[:, None, :] / np.where(rows > 0, rows, 1.0)[:, :, None]
    _, rank, values = _least_squares(a, np.zeros(rows.shape))
    return np.where(rank == rows.shape[1], values[:, 0] / values[:, -1], np.inf)


def _equilibrated(jacobian: Array, f: Array, scale: Array, free: Array) -> tuple[Array, Array]:
    a = np.where(free[:, None, :], jacobian / scale[:, None, :], 0.0)
    row = np.abs(a).max(axis=2)
    row = np.where(row > 0, row, 1.0)
    return a / row[:, :, None], -f / row


def _solved(a: Array, b: Array) -> Array:
    try:
        found: Array = np.linalg.solve(a, b[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # one of them is singular to the last bit
        return np.full(b.shape, np.nan)
    return found


def _least_squares(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """The shortest least-squares solution, the rank, and the singular values."""
    u, values, v = _factors(a)
    cut = _RANK * a.shape[1] * EPSILON * values[:, :1]
    kept = values > cut
    share = np.where(kept, product(np.swapaxes(u, 1, 2), b), 0.0) / np.where(kept, values, 1.0)
    return product(np.swapaxes(v, 1, 2), share), kept.sum(axis=1), values


def _factors(a: Array) -> tuple[Array, Array, Array]:
    """The singular value decompositions; a matrix that is not finite counts as one of rank 0."""
    known = np.isfinite(a).all(axis=(1, 2), keepdims=True)
    u, values, v = np.linalg.svd(np.where(known, a, 0.0))
    return u, values, v


def dogleg(jacobian: Array, f: Array, step: Array, scale: Array, reach: Array) -> Array:
    """The step within the trust region |D s| <= reach, D = diag(scale).

    Along the steepest descent to its least linear residual, then towards Newton's step.

    Shapes:
        step: Newton's, (A, n); reach: (A,); the result (A, n).
    """
    z = step * scale
    steep = -product(np.swapaxes(jacobian, 1, 2), f) / scale
    slope = norm(steep)
    unit = steep / np.where(slope > 0, slope, 1.0)[:, None]
    bend = norm(product(jacobian, unit / scale))
    far = slope / np.where(bend > 0, bend, 1.0) ** 2
    least = unit * np.minimum(far, reach)[:, None]
    along = _to_boundary(least, z - least, reach)
    inside = norm(z) <= reach
    return np.where(inside[:, None], z, least + along[:, None] * (z - least)) / scale


def _to_boundary(at: Array, way: Array, reach: Array) -> Array:
    """The part t of the way, 0 to 1, at whose end |at + t way| = reach."""
    unit = np.where(reach > 0, reach, 1.0)[:, None]
    at, way = at / unit, way / unit
    a, b, c = (way * way).sum(1), (at * way).sum(1), (at * at).sum(1) - 1
    root = np.sqrt(np.maximum(b * b - a * c, 0.0))
    # The form without cancellation; c is never above 0 but by rounding.
    t = np.where(b > 0, -c / np.where(b > 0, b + root, 1.0), (root - b) / np.where(a > 0, a, 1.0))
    part: Array = np.clip(np.nan_to_num(t), 0.0, 1.0)
    return part


def levenberg(jacobian: Array, f: Array, scale: Array, reach: Array) -> Array:
    """The step with the least linear residual within |D s| <= reach.

    (J^T J + m D^2) s = -J^T F, with the least m >= 0 for which the step is within reach

    Shapes:
        as for dogleg.

    Source:
        Moré, The Levenberg-Marquardt algorithm: implementation and theory (1978).
    """
    u, values, v = _factors(jacobian / scale[:, None, :])
    along = -product(np.swapaxes(u, 1, 2), f)
    cut = _RANK * f.shape[1] * EPSILON * values[:, :1]
    values = np.where(values > cut, values, 0.0)

    def step(damping: Array) -> Array:
        below = values**2 + damping[:, None]
        return values * along / np.where(below > 0, below, 1.0)

    # With m = |J^T F|/reach the step is within reach, whatever J is.
    low, high = np.zeros(reach.shape), norm(values * along) / np.where(reach > 0, reach, 1.0)
    within = norm(step(low)) <= reach
    for _ in range(_HALVINGS):
        middle = np.where(low > 0, np.sqrt(low * high), high * _FIRST_HALF)
        short = norm(step(middle)) <= reach
        low, high = np.where(short, low, middle), np.where(short, middle, high)
    z = np.where(within[:, None], step(np.zeros(reach.shape)), step(high))
    return product(np.swapaxes(v, 1, 2), z) / scale
