"""What is missing, what is out of range, which scores have no value: over some rows at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from flux.scoring.columns import Array, Texts
from flux.scoring.report import NOTHING, OTHERS, Counts, Found

_MOST_TEXTS = 100  # that are counted one by one


def missing(column: Array | Texts) -> Array | None:
    """Whether each row of a column has no value; None where all have one."""
    if isinstance(column, Texts):
        mask = column.missing()
    elif column.dtype.kind != "f" or complete(column):
        return None
    else:
        mask = np.isnan(column)
    return mask if mask.any() else None


def complete(column: Array) -> bool:
    """Whether no row is nan, which the largest of all would be."""
    return not column.size or not np.isnan(np.maximum.reduce(column, axis=None))


def outside(column: Array, low: float, high: float, flag: bool = False) -> Array | None:
    """Whether each row of a column is outside a range, None where none is; nan is not.

    A flag is outside, too, between 0 and 1.
    """
    mask = (column < low) | (column > high)
    if flag:
        mask |= (column > 0) & (column < 1)
    return mask if mask.any() else None


def found(mask: Array | None) -> Found:
    """How many rows a mask has, and the first of them."""
    if mask is None:
        return NOTHING
    count = int(np.count_nonzero(mask))
    return Found(count, int(mask.reshape(-1).argmax())) if count else NOTHING


def either(masks: Iterable[Array | None]) -> Array | None:
    """Whether a row is in any of some masks; None where there is none."""
    whole: Array | None = None
    for mask in masks:
        if mask is not None:
            whole = mask if whole is None else whole | mask
    return whole


def valued(score: Array) -> int:
    """How many rows have a value."""
    return score.size - (0 if complete(score) else int(np.count_nonzero(np.isnan(score))))


def counts(texts: Texts) -> Counts:
    """How often each text occurs; those beyond the hundred most frequent are counted together."""
    codes, times = np.unique(texts.codes, return_counts=True)
    pairs = sorted(zip((-times).tolist(), codes.tolist(), strict=True))
    pairs = [(less, code) for less, code in pairs if code >= 0]
    shown = {texts.texts[code]: -less for less, code in pairs[:_MOST_TEXTS]}
    rest = -sum(less for less, _ in pairs[_MOST_TEXTS:])
    return {**shown, OTHERS: rest} if rest else shown
