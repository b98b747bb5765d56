"""Sums over variants, for all people and scores at once.

    score[s, i] = sum[f](weight[f, s] * value[f, genotype[f, i]])

Packed genotypes: each byte holds the codes of four people, so a term's 4 values make a table of
256 rows of 4, and a byte is decoded by one look-up. The decoded block, small enough for the cache,
goes through a matrix product in float64. People are cut into the same ranges for any
number of threads, so that every product, and its bits, are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Small = NDArray[np.float32]
Mask = NDArray[np.bool_]

_TERMS = 16  # decoded at a time
_BYTES = 2_048  # of a row, decoded at a time
_MISSING = 4_096.0  # a unit of missing alleles, above any sum of halves of named ones
_MOST_TERMS = 960  # whose counts are exact in float32: 4 halves and 2 units each, below 2^24
PER_BYTE = 4

_BYTE = np.arange(256)
_CODES = (_BYTE[:, None] >> (2 * np.arange(PER_BYTE))) & 3
# (4, 1024): a product of four values with it is the table of 256 rows of 4.
_SPREAD = (_CODES.reshape(-1) == np.arange(4)[:, None]).astype(np.float64)
_SPREAD_SMALL = _SPREAD.astype(np.float32)


@dataclass(frozen=True)
class Tables:
    """The values of codes for some people.

    Attributes:
        people: whom they are for; None for all.
        value, named, missing: (F, 4) effects, copies of effect alleles, missing alleles.
    """

    people: Mask | None
    value: Floats
    named: Floats
    missing: Floats

    @property
    def count(self) -> Small:
        """(F, 4) halves of named alleles and units of missing ones, in one number."""
        return (2 * self.named + _MISSING * self.missing).astype(np.float32)


@dataclass
class Totals:
    """Sums so far, a column a person, the last ones filled up.

    Attributes:
        score: (S, P); named, missing: (G, P) alleles.
    """

    score: Floats
    named: Floats
    missing: Floats

    @classmethod
    def zeros(cls, scores: int, groups: int, people: int) -> Totals:
        """Nothing yet."""
        return cls(*(np.zeros((k, people)) for k in (scores, groups, groups)))


def ranges(width: int) -> list[tuple[int, int]]:
    """Ranges of bytes that go through one product each, the same for any number of threads."""
    return [(low, min(low + _BYTES, width)) for low in range(0, width, _BYTES)]


def add_packed(
    totals: Totals,
    codes: NDArray[np.uint8],
    variant: NDArray[np.int64],
    tables: Sequence[Tables],
    weight: Floats,
    member: Small,
    first: int,
    last: int,
) -> None:
    """Add the terms of a block, for the people of some bytes.

    Args:
        totals: where to.
        codes: (V, B) bytes of the block.
        variant: (F,) the row of `codes` of each term.
        tables: values of the terms; those of later ones replace the earlier, for their people.
        weight: (F, S) of the terms in the scores.
        member: (F, G) how often a term stands in a group.
        first: of a range of bytes.
        last: its end.
    """
    piece = _Piece(totals, codes, tables, first, last)
    for start in range(0, len(variant), _MOST_TERMS):
        stop = min(start + _MOST_TERMS, len(variant))
        piece.add(variant, weight, member, start, stop)


class _Piece:
    """The people of a few bytes."""

    def __init__(
        self,
        totals: Totals,
        codes: NDArray[np.uint8],
        tables: Sequence[Tables],
        low: int,
        high: int,
    ) -> None:
        self._codes = codes[:, low:high]
        self._tables = [(table, table.count) for table in tables]
        self._people = slice(PER_BYTE * low, PER_BYTE * high)
        self._totals = totals
        shape = (_TERMS, high - low, PER_BYTE)
        self._value, self._other = np.empty(shape), np.empty(shape)
        self._count, self._other_count = np.empty(shape, np.float32), np.empty(shape, np.float32)

    def add(
        self,
        variant: NDArray[np.int64],
        weight: Floats,
        member: Small,
        start: int,
        stop: int,
    ) -> None:
        width = self._people.stop - self._people.start
        counts = np.zeros((member.shape[1], width), np.float32)
        score = self._totals.score[:, self._people]
        for low in range(start, stop, _TERMS):
            terms = slice(low, min(low + _TERMS, stop))
            value, count = self._decode(variant, terms)
            if len(score):
                score += weight[terms].T @ value
            counts += member[terms].T @ count
        missing = np.floor(counts / np.float32(_MISSING))
        self._totals.missing[:, self._people] += missing
        self._totals.named[:, self._people] += (counts - missing * np.float32(_MISSING)) / 2

    def _decode(self, variant: NDArray[np.int64], terms: slice) -> tuple[Floats, Small]:
        """(F, P) effects, and counts."""
        number = terms.stop - terms.start
        value, count = self._value[:number], self._count[:number]
        for i, (table, counts) in enumerate(self._tables):
            into = (value, count) if i == 0 else (self._other[:number], self._other_count[:number])
            self._look_up(table.value, counts, variant, terms, *into)
            if i > 0 and table.people is not None:
                some = np.broadcast_to(self._mask(table.people), into[0].shape)
                np.copyto(value, into[0], where=some)
                np.copyto(count, into[1], where=some)
        return value.reshape(number, -1), count.reshape(number, -1)

    def _mask(self, people: Mask) -> Mask:
        return people[self._people].reshape(-1, PER_BYTE)

    def _look_up(
        self,
        of_value: Floats,
        of_count: Small,
        variant: NDArray[np.int64],
        terms: slice,
        value: Floats,
        count: Small,
    ) -> None:
        values = (of_value[terms] @ _SPREAD).reshape(-1, 256, PER_BYTE)
        counts = (of_count[terms] @ _SPREAD_SMALL).reshape(-1, 256, PER_BYTE)
        for i, row in enumerate(variant[terms]):
            places = self._codes[row].astype(np.intp)
            np.take(values[i], places, axis=0, out=value[i], mode="clip")
            np.take(counts[i], places, axis=0, out=count[i], mode="clip")


def add_dosages(
    totals: Totals,
    value: Floats,
    named: Floats,
    missing: Floats,
    weight: Floats,
    member: Floats,
) -> None:
    """Add terms whose values, copies and missing alleles are (F, P) arrays."""
    totals.score += weight.T @ value
    totals.named += member.T @ named
    totals.missing += member.T @ missing
