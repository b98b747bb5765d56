"""`flux.propagate`: how uncertain a result is, from how uncertain its inputs are.

cov(y) = J C J', with the exact derivatives J of the results and the covariance C of the inputs: the
first order. The second gives the bias: E y - y(x) = sum_ij H_ij C_ij / 2.

Source:
    JCGM 100:2008, Guide to the expression of uncertainty in measurement, eq. 13 and note to 5.1.2;
    JCGM 101:2008 for the Monte Carlo method.
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
from flux.errors import LimitError
from flux.expr import Expr
from flux.numeric.covariance import Covariance
from flux.numeric.facts import Facts
from flux.numeric.monte_carlo import QUANTILES, MonteCarlo, simulate
from flux.numeric.uncertain import Outputs, Setting, called, read

Array = NDArray[Any]

_BIASED = 0.1  # a bias, beside the standard deviation, that casts doubt on the first order
_KEPT = 64


@dataclass(frozen=True, eq=False, repr=False)
class Propagation(Facts):
    """Results with their uncertainty; of several formulas, a dictionary each.

    Attributes:
        value: at the given values.
        sd: its standard deviation, to first order.
        bias: how far the mean lies above the value, to second order.
        covariance: of the results, (..., m, m).
        shares: by uncertain name, its part of the variance with correlations left out, for one
            formula; they add up to 1 where nothing is correlated.
        doubtful: where the bias is more than a tenth of the standard deviation, or a derivative not
            finite: there the first order is not to be trusted.
    """

    value: Any
    sd: Any
    bias: Any
    covariance: Array
    shares: Any
    doubtful: Any
    _setting: Setting

    def monte_carlo(
        self,
        samples: int = 100_000,
        seed: int = 0,
        quantiles: Sequence[float] = QUANTILES,
    ) -> MonteCarlo:
        """The same from random inputs with a normal distribution, for comparison.

        Every row sees the same draws, so a row's result does not depend on the others.

        Args:
            samples: for each row.
            seed: of the draws; the same seed gives the same result.
            quantiles: to report, from 0 to 1.

        Raises:
            ArgumentError: an option has no meaning.
        """
        return simulate(self._setting, samples, seed, quantiles)

    def _facts(self) -> Iterator[tuple[str, str]]:
        for name, _ in self._setting.outputs:
            value, sd, bias, doubtful = (
                part if self._setting.single else part[name]
                for part in (self.value, self.sd, self.bias, self.doubtful)
            )
            if np.ndim(value):
                yield name or "rows", f"{np.size(value):,}, {int(np.sum(doubtful)):,} doubtful"
                continue
            note = "; doubtful: see its .monte_carlo()" if doubtful else ""
            yield name or "value", f"{value:.6g} +/- {sd:.2g} (bias {bias:.2g}{note})"
        if self._setting.single and not self._setting.shape:
            for name, share in self.shares.items():
                yield f"  from {name}", f"{share:.1%}"


def propagate(
    formula: str | Expr | Mapping[str, str | Expr],
    values: Any = None,
    /,
    *,
    sd: Any = None,
    correlation: Any = None,
    covariance: Any = None,
    **named: Any,
) -> Propagation:
    """The uncertainty of a formula's value, to first order, by exact derivatives.

    `flux.propagate("m/V", m=10.0, V=2.0, sd={"m": 0.1, "V": 0.05}).sd`. Names without an
    uncertainty are exact. Arrays give one result a row.

    Args:
        formula: a text, an expression, or several by name: their covariance is found too.
        values: of the names, as a mapping or a table.
        sd: standard deviations by name, numbers or arrays.
        correlation: of names that have an sd, as {("x", "y"): 0.5}.
        covariance: instead, as {("x", "x"): 0.01, ("x", "y"): 0.002}, or as a matrix with
            sd=["x", "y"] for its names; leading dimensions of a matrix are rows.
        named: values by name. Options give way to names of the formula.

    Raises:
        FluxError: a text is no formula, a name has no value, or the covariance fits no
            distribution.
    """
    options = {"sd": sd, "correlation": correlation, "covariance": covariance}
    setting = read(formula, values, options, named)
    try:
        return _propagated(setting)
    except MemoryError:
        raise LimitError("not enough memory for the rows of this call") from None


# First and second order.


@lru_cache(maxsize=_KEPT)
def _derivatives(
    outputs: Outputs,
    names: tuple[str, ...],
    pairs: tuple[tuple[int, int], ...],
) -> CompiledFunction:
    """Value, first derivatives, and the second ones of the pairs, output by output."""
    parts: dict[str, str | Expr] = {}
    for n, (_, e) in enumerate(outputs):
        first = [e.diff(name) for name in names]
        second = [first[i].diff(names[j]) for i, j in pairs]
        parts |= {f"{n}.{k}": part for k, part in enumerate([e, *first, *second])}
    return compiler.compile(parts, dtype="float64")


def _propagated(setting: Setting) -> Propagation:
    cov, count = setting.covariance, len(setting.outputs)
    compiled = _derivatives(setting.outputs, cov.names, cov.pairs)
    parts = called(compiled, setting.values, setting.shape)
    parts = parts.reshape(*setting.shape, count, parts.shape[-1] // count)
    value, k = parts[..., 0], len(cov.names)
    jacobian, second = parts[..., 1 : k + 1], parts[..., k + 1 :]
    with np.errstate(all="ignore"):
        spread = jacobian @ cov.matrix @ np.swapaxes(jacobian, -1, -2)
        variance = np.diagonal(spread, axis1=-2, axis2=-1)
        sd = np.sqrt(np.maximum(variance, 0))
        bias = _bias(second, cov)
        doubtful = ~(np.abs(bias) <= _BIASED * sd) | ~np.isfinite(variance)
        shares = _shares(setting, jacobian, variance) if setting.single else {}
    named = setting.named
    return Propagation(
        named(value), named(sd), named(bias), spread, shares,
        _truths(named(doubtful)), setting,
    )  # fmt: skip


def _truths(found: Any) -> Any:
    """Truth values as they are in rows; those of one result, which `named` made floats, as bool."""
    if isinstance(found, dict):
        return {name: _truths(truth) for name, truth in found.items()}
    return bool(found) if isinstance(found, float) else found


def _bias(second: Array, cov: Covariance) -> Array:
    """Half the sum of H_ij C_ij; each pair off the diagonal stands for two."""
    weights = [1.0 if i != j else 0.5 for i, j in cov.pairs]
    entries = np.stack([cov.matrix[..., i, j] for i, j in cov.pairs], axis=-1)
    bias: Array = (second * (entries * weights)[..., None, :]).sum(axis=-1)
    return bias


def _shares(setting: Setting, jacobian: Array, variance: Array) -> dict[str, Any]:
    cov = setting.covariance
    own = np.diagonal(cov.matrix, axis1=-2, axis2=-1)
    parts = jacobian[..., 0, :] ** 2 * own / variance
    shown = [parts[..., n] for n in range(len(cov.names))]
    return {
        name: float(part) if part.ndim == 0 else part
        for name, part in zip(cov.names, shown, strict=True)
    }
