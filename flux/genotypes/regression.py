"""Regression of a trait on one variant at a time, with covariates, for many variants at once.

Linear: the least-squares slope of the whole regression, from sums that matrix products give; people
without a call are taken out of every sum, so each variant's regression is that of its own people.
Logistic: Rao's score test; the model of the covariates alone is fitted once. Both are formulas of
the library over those sums.

Source:
    Frisch and Waugh, Econometrica 1:387 (1933); Rao, Proc. Camb. Phil. Soc. 44:50 (1948).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, NotFoundError
from flux.genotypes.people import Mask
from flux.genotypes.statistics import formula

Floats = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

_DEPENDENT = 1e-9  # of the largest singular value of the covariates
_NO_VARIANCE = 1e-9  # of what a genotype's variance was before the covariates
_STEPS = 60


class Test(Protocol):
    """A test of one variant at a time.

    Attributes:
        people: whom it is about.
    """

    @property
    def people(self) -> Mask:
        """Whom it is about."""
        ...

    def of(self, copies: Floats) -> Columns:
        """The columns of some variants: (V, n) copies of the counted allele, nan without a call."""
        ...


def design(
    trait: Floats, covariates: dict[str, Floats], kept: Mask, sex: Floats | None = None
) -> tuple[Mask, Floats, Floats]:
    """Who has everything, their trait, and an orthonormal basis of covariates and intercept.

    Sex is a covariate too, unless the others say it already.

    Raises:
        ArgumentError: too few people, or covariates that depend on one another.
    """
    complete = kept & ~np.isnan(trait)
    for values in covariates.values():
        complete &= ~np.isnan(values)
    people = int(complete.sum())
    columns = [np.ones(people), *(values[complete] for values in covariates.values())]
    if people < len(columns) + 2:
        text = f"{people} people have the trait and all covariates"
        raise ArgumentError(text, hint=f"{len(columns) + 2} are needed at least")
    basis = _basis(columns)
    if basis is None:
        hint = "one is constant, or a sum of others; leave it out"
        raise ArgumentError("the covariates depend on one another", hint=hint)
    with_sex = None if sex is None else _basis([*columns, sex[complete]])
    return complete, trait[complete], basis if with_sex is None else with_sex


def _basis(columns: list[Floats]) -> Floats | None:
    """An orthonormal basis of columns, ones the first; None where they depend on one another."""
    scaled = [_centred(values) for values in columns[1:]]
    whole = np.stack([columns[0] / np.sqrt(len(columns[0])), *scaled], axis=1)
    basis, sizes, _ = np.linalg.svd(whole, full_matrices=False)
    return None if sizes[-1] < _DEPENDENT * sizes[0] else basis


def _centred(values: Floats) -> Floats:
    centred: Floats = values - values.mean()
    size = np.sqrt(centred @ centred)
    return centred / size if size > _DEPENDENT * np.abs(values).max(initial=0.0) else centred * 0


@dataclass(frozen=True)
class _Sums:
    """Sums over the people with a call, for each of V variants; w are weights of people.

    Attributes:
        number: (V,) people.
        gg, gy: (V,) w*g*g, and w*g*y.
        gx, xy: (V, C) w*g*x, and w*x*y.
        xx: (V, C, C) w*x*x.
        yy: (V,) w*y*y.
    """

    number: Floats
    gg: Floats
    gy: Floats
    gx: Floats
    xy: Floats
    xx: Floats
    yy: Floats


def _sums(copies: Floats, x: Floats, y: Floats, w: Floats) -> _Sums:
    absent = np.isnan(copies)
    g = np.where(absent, 0.0, copies)
    away = absent.astype(np.float64)
    wx, wy = w[:, None] * x, w * y
    n, c = x.shape
    pairs = (wx[:, :, None] * x[:, None, :]).reshape(n, c * c)
    lost = away @ np.column_stack([np.ones(n), wx * y[:, None], pairs, wy * y])
    of_g = g @ np.column_stack([wx, wy])
    return _Sums(
        number=n - lost[:, 0],
        gg=(g * g) @ w,
        gy=of_g[:, c],
        gx=of_g[:, :c],
        xy=wx.T @ y - lost[:, 1 : 1 + c],
        xx=wx.T @ x - lost[:, 1 + c : 1 + c + c * c].reshape(-1, c, c),
        yy=wy @ y - lost[:, -1],
    )


def _without_covariates(sums: _Sums) -> tuple[Floats, Floats, Floats]:
    """Sums gg, gy, yy of what is left when the covariates' part has been taken out.

    A variant that the covariates explain, or whose people have dependent covariates, has nan.
    """
    known = np.linalg.cond(sums.xx) < 1 / _DEPENDENT
    xx = np.where(known[:, None, None], sums.xx, np.eye(sums.xx.shape[1]))
    right = np.stack([sums.gx, sums.xy], axis=2)
    solved = np.linalg.solve(xx, right)
    part = np.swapaxes(right, 1, 2) @ solved
    gg, gy, yy = sums.gg - part[:, 0, 0], sums.gy - part[:, 0, 1], sums.yy - part[:, 1, 1]
    known &= gg > _NO_VARIANCE * sums.gg
    return np.where(known, gg, np.nan), np.where(known, gy, np.nan), yy


class Linear:
    """Least squares: slope, its error, t and its two-sided p.

    Raises:
        ArgumentError: too few people, dependent covariates, or a trait that is constant.
    """

    def __init__(
        self,
        trait: Floats,
        covariates: dict[str, Floats],
        kept: Mask,
        sex: Floats | None = None,
    ) -> None:
        self.people, self._y, self._x = design(trait, covariates, kept, sex)
        if np.ptp(self._y) == 0:
            raise ArgumentError(f"the trait is {self._y[0]:g} for everybody")
        self._scale = float(np.std(self._y))
        self._y = (self._y - self._y.mean()) / self._scale

    def of(self, copies: Floats) -> Columns:
        """The columns of some variants."""
        from scipy.special import stdtr

        sums = _sums(copies, self._x, self._y, np.ones(len(self._y)))
        gg, gy, yy = _without_covariates(sums)
        freedom = sums.number - self._x.shape[1] - 1
        freedom = np.where(freedom > 0, freedom, np.nan)
        beta = formula("slope(gy, gg)")(gy=gy, gg=gg)
        error = formula("slope_error(gy, gg, yy, freedom)")(gy=gy, gg=gg, yy=yy, freedom=freedom)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = beta / error
        return {
            "OBS_TRAIT": sums.number,
            "BETA": beta * self._scale,
            "SE": error * self._scale,
            "T": t,
            "P": 2 * stdtr(freedom, -np.abs(t)),
        }


class Logistic:
    """Rao's score test of a trait of cases: the slope of one step, its error, chi-square, p.

    Raises:
        ArgumentError: too few people, or dependent covariates.
        NotFoundError: the covariates tell cases from controls, so that no fit exists.
    """

    def __init__(
        self,
        trait: Floats,
        covariates: dict[str, Floats],
        kept: Mask,
        sex: Floats | None = None,
    ) -> None:
        self.people, y, self._x = design(trait, covariates, kept, sex)
        share = _fitted(self._x, y)
        self._weight = share * (1 - share)
        self._residual = (y - share) / self._weight

    def of(self, copies: Floats) -> Columns:
        """The columns of some variants."""
        sums = _sums(copies, self._x, self._residual, self._weight)
        variance, score, _ = _without_covariates(sums)
        found = formula("score_chi_square(score, variance)")(score=score, variance=variance)
        return {
            "OBS_TRAIT": sums.number,
            "BETA": formula("slope(gy, gg)")(gy=score, gg=variance),
            "SE": 1 / np.sqrt(variance),
            "CHI2": found,
            "P": formula("chi_square_tail(x)")(x=found),
        }


def _fitted(x: Floats, y: Floats) -> Floats:
    """The probabilities of a logistic regression, by Newton's method."""
    coefficients = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-np.clip(x @ coefficients, -36, 36)))
        weight = share * (1 - share)
        if weight.min() < 1e-12:
            break
        step = np.linalg.solve(x.T @ (weight[:, None] * x), x.T @ (y - share))
        coefficients = coefficients + step
        if np.abs(x @ step).max() < 1e-10:
            return 1 / (1 + np.exp(-(x @ coefficients)))
    text = "the model of the covariates alone has no fit"
    raise NotFoundError(text, hint="do the covariates tell cases from controls?")
