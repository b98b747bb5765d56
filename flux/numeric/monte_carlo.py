"""Uncertainty by drawing: inputs at random, and what becomes of them.

Every row sees the same draws, so that a row's result does not depend on the others.

Source:
    JCGM 101:2008, Propagation of distributions using a Monte Carlo method.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux import compiler
from flux.compiled import CompiledFunction
from flux.errors import ArgumentError, LimitError
from flux.expr import inputs
from flux.expr.signature import check_inputs
from flux.numeric.facts import Facts
from flux.numeric.uncertain import Outputs, Setting, called

Array = NDArray[Any]

QUANTILES = (0.025, 0.5, 0.975)
_MOST_SAMPLES = 100_000_000
_BLOCK = 1 << 21  # samples of all rows that are evaluated at a time
_KEPT = 64


@dataclass(frozen=True, eq=False, repr=False)
class MonteCarlo(Facts):
    """What random inputs gave; of several formulas, a dictionary each.

    Attributes:
        mean, sd: of the results that are finite.
        quantiles: by probability.
        covariance: of the results, (..., m, m).
        failed: the part of the samples without a finite result.
        samples: for each row.
    """

    mean: Any
    sd: Any
    quantiles: Mapping[float, Any]
    covariance: Array
    failed: Any
    samples: int

    def _facts(self) -> Iterator[tuple[str, str]]:
        several = isinstance(self.mean, dict)
        for name in self.mean if several else [""]:
            mean, sd, failed = (
                part[name] if several else part for part in (self.mean, self.sd, self.failed)
            )
            if np.ndim(mean):
                yield name or "rows", f"{np.size(mean):,}"
                continue
            yield name or "mean", f"{mean:.6g} +/- {sd:.2g}"
            for level, cut in self.quantiles.items():
                yield f"  quantile {level:g}", f"{cut[name] if several else cut:.6g}"
            yield "  failed", f"{failed:.2%} of {self.samples:,}"


@lru_cache(maxsize=_KEPT)
def _values(outputs: Outputs) -> CompiledFunction:
    return compiler.compile({str(n): e for n, (_, e) in enumerate(outputs)}, dtype="float64")


def _check_options(samples: Any, seed: Any, quantiles: Any) -> None:
    for what, number, most in (("samples", samples, _MOST_SAMPLES), ("seed", seed, 2**63)):
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= most:
            raise ArgumentError(f"{what} is a whole number up to {most:,}, not {number!r}")
    if samples < 2:
        raise ArgumentError("at least two samples are needed")
    if isinstance(quantiles, str) or not isinstance(quantiles, Sequence):
        raise ArgumentError("quantiles are a list of numbers from 0 to 1")
    for q in quantiles:
        if not isinstance(q, int | float) or not 0 <= q <= 1:
            raise ArgumentError(f"a quantile is a number from 0 to 1, not {q!r}")


def simulate(setting: Setting, samples: int, seed: int, quantiles: Sequence[float]) -> MonteCarlo:
    """Draw the uncertain inputs from a normal distribution, and look at the results.

    Raises:
        ArgumentError: an option has no meaning.
        LimitError: there is not enough memory.
    """
    _check_options(samples, seed, quantiles)
    cov = setting.covariance
    try:
        draws = np.random.Generator(np.random.Philox(seed)).standard_normal(
            (samples, len(cov.names))
        )
        count = int(np.prod(setting.shape))
        step = max(1, _BLOCK // samples)
        blocks = [
            _block(setting, draws, slice(n, min(n + step, count)), quantiles)
            for n in range(0, count, step)
        ]
    except MemoryError:
        raise LimitError("not enough memory for so many samples") from None
    outputs = len(setting.outputs)
    shapes = [(outputs,), (outputs,), (len(quantiles), outputs), (outputs, outputs), (outputs,)]
    mean, sd, q, covariance, failed = (
        _joined([block[n] for block in blocks], setting.shape, shape)
        for n, shape in enumerate(shapes)
    )
    named = setting.named
    levels = {float(level): named(q[..., n, :]) for n, level in enumerate(quantiles)}
    return MonteCarlo(named(mean), named(sd), levels, covariance, named(failed), samples)


def _joined(parts: list[Array], rows: tuple[int, ...], shape: tuple[int, ...]) -> Array:
    whole = np.concatenate(parts) if parts else np.zeros((0, *shape))
    return whole.reshape(*rows, *shape)


def _block(
    setting: Setting, draws: Array, rows: slice, quantiles: Sequence[float]
) -> tuple[Array, Array, Array, Array, Array]:
    """Mean, standard deviation, quantiles, covariance and failed part, of some rows."""
    moved = _inputs(setting, draws, rows)
    count = rows.stop - rows.start
    results = called(_values(setting.outputs), moved, (count, len(draws)))
    finite = np.isfinite(results)
    failed = 1 - finite.mean(axis=1)
    with np.errstate(all="ignore"):
        known = np.where(finite, results, 0.0)
        n = finite.sum(axis=1)
        mean = np.where(n > 0, known.sum(axis=1) / np.maximum(n, 1), np.nan)
        off = np.where(finite, results - mean[:, None, :], 0.0)
        both = np.einsum("rsa,rsb->rab", finite.astype(float), finite.astype(float))
        covariance = np.einsum("rsa,rsb->rab", off, off) / (both - 1)
        sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
        cuts = _quantiles(np.where(finite, results, np.nan), quantiles)
    return mean, sd, cuts, covariance, failed


def _quantiles(results: Array, quantiles: Sequence[float]) -> Array:
    """(rows, quantiles, outputs) of those results that are numbers; nan where there is none."""
    cuts = np.full((results.shape[0], len(quantiles), results.shape[2]), np.nan)
    if not quantiles:
        return cuts
    if not np.isnan(results).any():
        return np.asarray(np.moveaxis(np.quantile(results, quantiles, axis=1), 0, 1))
    for row, output in np.ndindex(results.shape[0], results.shape[2]):
        numbers = results[row, :, output]
        numbers = numbers[~np.isnan(numbers)]
        if numbers.size:
            cuts[row, :, output] = np.quantile(numbers, quantiles)
    return cuts


def _inputs(setting: Setting, draws: Array, rows: slice) -> dict[str, Array]:
    """The values of some rows, (rows, samples) where they are uncertain, (rows, 1) else."""
    cov, shape = setting.covariance, setting.shape
    size = len(cov.names)
    roots = np.broadcast_to(cov.root(), (*shape, size, size)).reshape(-1, size, size)[rows]
    moves = roots @ draws.T  # (rows, names, samples)
    leaves = check_inputs(inputs(*(e for _, e in setting.outputs)))
    found = {}
    for leaf in leaves:
        name, axes = leaf.attributes.name, len(leaf.attributes.axes)
        value = setting.values[name]
        tail = value.shape[value.ndim - axes :]
        flat = np.broadcast_to(value, (*shape, *tail)).reshape(-1, *tail)[rows]
        found[name] = flat[:, None]
        if name in cov.names:
            found[name] = flat[:, None] + moves[:, cov.names.index(name)]
    return found
