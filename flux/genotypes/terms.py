"""The terms of scores: what is added up for each person.

A term is the effect of one allele of one variant. Rows of several files, or of several ranges, that
mean the same effect share a term, so a genotype is decoded once however many scores use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError
from flux.genotypes.match import NO_RANGE, Matches
from flux.genotypes.weights import ADDITIVE, BY_DOSAGE, INTERACTION

Index = NDArray[np.int64]
Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Group:
    """Scores whose terms are the same: those of one file and one range.

    Attributes:
        name: of the file, with the range behind it.
        columns: names of its scores.
        source: which of the files.
        rows: how many rows of the file it uses.
    """

    name: str
    columns: tuple[str, ...]
    source: int
    rows: int


@dataclass(frozen=True)
class Interaction:
    """A product of effects.

    Attributes:
        terms: whose effects are multiplied.
        group: that it belongs to.
        weight: (S,) for each score of the group.
    """

    terms: tuple[int, ...]
    group: int
    weight: NDArray[np.float64]


@dataclass(frozen=True)
class Terms:
    """Terms, ascending by variant, and who uses them.

    Attributes:
        variant: a row of the cohort's variants.
        counted: whether the effect allele is the one that the cohort counts.
        kind: of the effect.
        by_dosage: (F, 3) weights by dosage.
        use_term, use_score, use_weight: a weight of a term in a score, ascending by term.
        part_term, part_group: that a term belongs to a group, ascending by term.
        groups: of scores.
        interactions: products of terms.
    """

    variant: Index
    counted: NDArray[np.bool_]
    kind: NDArray[np.int8]
    by_dosage: NDArray[np.float64]
    use_term: Index
    use_score: Index
    use_weight: NDArray[np.float64]
    part_term: Index
    part_group: Index
    groups: tuple[Group, ...]
    interactions: tuple[Interaction, ...]

    def __len__(self) -> int:
        return len(self.variant)

    @property
    def scores(self) -> int:
        """How many scores there are."""
        return sum(len(group.columns) for group in self.groups)


@dataclass(frozen=True)
class _Part:
    """The rows of one file in one range."""

    source: int
    name: str
    rows: NDArray[np.bool_]


def terms_of(found: Sequence[Matches], effect_kind: int, ranges: Ranges | None) -> Terms:
    """The terms of the rows that are used.

    Args:
        found: what became of the rows of each file; rows outside every range are marked so.
        effect_kind: of rows that state none.
        ranges: lowest and highest value of each range, both included.
    """
    parts = [part for i, one in enumerate(found) for part in _parts(i, one, ranges)]
    rows = [_rows(part, found[part.source], effect_kind) for part in parts]
    first, term = _shared([own.key for own in rows])
    all_rows = _Rows.joined(rows)
    terms = np.split(term, np.cumsum([len(own.owner) for own in rows])[:-1])
    names = distinct([part.name for part in parts])
    groups = tuple(_group(*one, found[one[1].source]) for one in zip(names, parts, strict=True))
    starts = np.cumsum([0, *(len(group.columns) for group in groups)])
    use_term, use_score, use_weight, products = [], [], [], []
    for g, (own, at, part) in enumerate(zip(rows, terms, parts, strict=True)):
        weight = found[part.source].weights.weight[own.owner]
        products += _products(own, at, g, weight)
        alone = ~own.together
        columns = np.arange(starts[g], starts[g + 1])
        use_term.append(np.repeat(at[alone], len(columns)))
        use_score.append(np.tile(columns, int(alone.sum())))
        use_weight.append(weight[alone].reshape(-1))
    use = _ascending(*(np.concatenate(part) for part in (use_term, use_score, use_weight)))
    group_of = np.repeat(np.arange(len(rows)), [len(own.owner) for own in rows])
    member = _ascending(term, group_of)
    return Terms(
        variant=all_rows.variant[first],
        counted=all_rows.counted[first],
        kind=all_rows.kind[first],
        by_dosage=all_rows.by_dosage[first],
        use_term=use[0],
        use_score=use[1],
        use_weight=use[2],
        part_term=member[0],
        part_group=member[1],
        groups=groups,
        interactions=tuple(products),
    )


def _ascending(term: Index, *others: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Columns in the order of the first."""
    order = np.argsort(term, kind="stable")
    return tuple(column[order] for column in (term, *others))


def _parts(source: int, found: Matches, ranges: Ranges | None) -> list[_Part]:
    if ranges is None:
        return [_Part(source, found.weights.name, found.used)]
    among = found.weights.among
    if among is None:
        raise ArgumentError("ranges need a column that they are about", hint="such as p-values")
    inside = {name: (among >= low) & (among <= high) for name, (low, high) in ranges.items()}
    outside = ~np.logical_or.reduce(list(inside.values())) & found.used
    found.reason[outside] = NO_RANGE
    several = len(ranges) > 1
    return [
        _Part(source, f"{found.weights.name}_{name}" if several else name, found.used & rows)
        for name, rows in inside.items()
    ]


def distinct(names: Sequence[str]) -> list[str]:
    """Names that stand several times get numbers, which no other name ends in."""
    made: list[str] = []
    for name in names:
        alone = names.count(name) == 1
        tries = (f"{name}_{i}" for i in count(1))
        made.append(name if alone else next(t for t in tries if t not in made and t not in names))
    return made


def _group(name: str, part: _Part, found: Matches) -> Group:
    return Group(name, found.weights.columns, part.source, int(part.rows.sum()))


@dataclass(frozen=True)
class _Rows:
    """Loci of the rows of a part, as columns."""

    owner: Index
    variant: Index
    counted: NDArray[np.bool_]
    kind: NDArray[np.int8]
    by_dosage: NDArray[np.float64]
    together: NDArray[np.bool_]

    @property
    def key(self) -> Index:
        """(L, 3): equal where two loci are one term; weights by dosage are a row's own."""
        own = np.where(self.kind == BY_DOSAGE, self.owner + 1, 0)
        return np.stack([self.variant, self.kind * 2 + self.counted, own], axis=1)

    @staticmethod
    def joined(parts: Sequence[_Rows]) -> _Rows:
        """The rows of all parts in one table."""
        return _Rows(
            np.concatenate([p.owner for p in parts]),
            np.concatenate([p.variant for p in parts]),
            np.concatenate([p.counted for p in parts]),
            np.concatenate([p.kind for p in parts]),
            np.concatenate([p.by_dosage for p in parts]),
            np.concatenate([p.together for p in parts]),
        )


def _rows(part: _Part, found: Matches, effect_kind: int) -> _Rows:
    chosen = np.flatnonzero(part.rows[found.places.owner])
    owner = found.places.owner[chosen]
    kind = found.weights.kind[owner]
    together = kind == INTERACTION
    kind = np.where(together, ADDITIVE, kind)
    kind = np.where((kind == ADDITIVE) & ~together, effect_kind, kind).astype(np.int8)
    by_dosage = found.weights.by_dosage[owner]
    counted, variant = found.counted[chosen], found.variant[chosen]
    return _Rows(owner, variant, counted, kind, by_dosage, together)


def _shared(keys: Sequence[NDArray[np.int64]]) -> tuple[Index, Index]:
    """The first row of each distinct key, ascending by variant; the term of each row."""
    rows = np.concatenate(keys)
    source = np.concatenate([np.full(len(key), i) for i, key in enumerate(keys)])
    rows = np.column_stack([rows, np.where(rows[:, 2] > 0, source, 0)])
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    starts = np.ones(len(rows), bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    term = np.empty(len(rows), np.int64)
    term[order] = np.cumsum(starts) - 1
    return order[starts], term


def _products(
    rows: _Rows, term: Index, group: int, weight: NDArray[np.float64]
) -> list[Interaction]:
    found: dict[int, list[int]] = {}
    for at in np.flatnonzero(rows.together):
        found.setdefault(int(rows.owner[at]), []).append(int(at))
    return [
        Interaction(tuple(int(term[at]) for at in places), group, weight[places[0]])
        for places in found.values()
    ]
