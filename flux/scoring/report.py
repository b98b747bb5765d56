"""What scoring saw: how many cells were missing or out of range, and which texts columns hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Counts = dict[str, int]
_SHOWN, _KEPT = 8, 1000  # texts of a column that are shown, and counted one by one
OTHERS = "(other texts)"


@dataclass(frozen=True)
class Found:
    """So many rows, and the number of the first of them, from 0; -1 where there is none."""

    count: int
    first: int

    def joined(self, later: Found, offset: int) -> Found:
        """With those of the rows that follow."""
        if not later.count:
            return self
        first = self.first if self.count else later.first + offset
        return Found(self.count + later.count, first)


NOTHING = Found(0, -1)


def range_text(low: float, high: float, flag: bool) -> str:
    """What is out of range: `outside 18 to 120`."""
    return "other than 0 and 1" if flag else f"outside {low:g} to {high:g}"


@dataclass
class Report:
    """What was seen in a table.

    Attributes:
        rows: of the table.
        missing: for each column, the rows that have no value.
        outside: for each column with a valid range, the rows outside it.
        ranges: those ranges.
        flags: the columns among them of which only 0 and 1 are valid.
        texts: for each column of texts, how often each text occurs.
        scored: for each score, the rows that have a value.
        statuses: for each root, how its searches ended.
    """

    rows: int = 0
    missing: dict[str, Found] = field(default_factory=dict)
    outside: dict[str, Found] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    texts: dict[str, Counts] = field(default_factory=dict)
    scored: Counts = field(default_factory=dict)
    statuses: dict[str, Counts] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()

    def joined(self, later: Report) -> Report:
        """With the report of the rows that follow."""
        return Report(
            self.rows + later.rows,
            _found(self.missing, later.missing, self.rows),
            _found(self.outside, later.outside, self.rows),
            {**self.ranges, **later.ranges},
            {name: _capped(counts) for name, counts in _nested(self.texts, later.texts).items()},
            _added(self.scored, later.scored),
            _nested(self.statuses, later.statuses),
            self.flags | later.flags,
        )

    def add(self, later: Report) -> None:
        """Become the report of these rows and those that follow."""
        whole = self.joined(later)
        self.rows, self.missing, self.outside = whole.rows, whole.missing, whole.outside
        self.ranges, self.texts, self.scored = whole.ranges, whole.texts, whole.scored
        self.statuses, self.flags = whole.statuses, whole.flags

    def as_json(self) -> dict[str, Any]:
        """The report in the types of JSON."""
        return {
            "rows": self.rows,
            "missing": {name: [f.count, f.first] for name, f in self.missing.items()},
            "outside": {name: [f.count, f.first] for name, f in self.outside.items()},
            "ranges": {name: list(ends) for name, ends in self.ranges.items()},
            "texts": self.texts,
            "scored": self.scored,
            "statuses": self.statuses,
            "flags": sorted(self.flags),
        }

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Report:
        """The report that `as_json` wrote."""
        return cls(
            int(read["rows"]),
            {name: Found(*map(int, pair)) for name, pair in read["missing"].items()},
            {name: Found(*map(int, pair)) for name, pair in read["outside"].items()},
            {name: (float(low), float(high)) for name, (low, high) in read["ranges"].items()},
            {name: dict(counts) for name, counts in read["texts"].items()},
            dict(read["scored"]),
            {name: dict(counts) for name, counts in read["statuses"].items()},
            frozenset(map(str, read.get("flags", ()))),
        )

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.rows:,} row{'' if self.rows == 1 else 's'}"
        for name, found in self.missing.items():
            if found.count:
                yield f"{name}: {found.count:,} missing, the first in row {found.first + 1:,}"
        for name, found in self.outside.items():
            if found.count:
                what = range_text(*self.ranges[name], name in self.flags)
                yield f"{name}: {found.count:,} {what}, the first in row {found.first + 1:,}"
        for name, counts in (*self.texts.items(), *self.statuses.items()):
            yield f"{name}: {_listed(counts)}"
        for name, count in self.scored.items():
            yield f"{name}: {count:,} of {self.rows:,} rows have a value"


def _found(first: Mapping[str, Found], then: Mapping[str, Found], offset: int) -> dict[str, Found]:
    names = dict.fromkeys((*first, *then))
    return {n: first.get(n, NOTHING).joined(then.get(n, NOTHING), offset) for n in names}


def _added(first: Mapping[str, int], then: Mapping[str, int]) -> Counts:
    return {name: first.get(name, 0) + then.get(name, 0) for name in dict.fromkeys((*first, *then))}


def _nested(first: Mapping[str, Counts], then: Mapping[str, Counts]) -> dict[str, Counts]:
    return {n: _added(first.get(n, {}), then.get(n, {})) for n in dict.fromkeys((*first, *then))}


def _capped(counts: Counts) -> Counts:
    """The most frequent texts, and the others together."""
    if len(counts) <= _KEPT:
        return counts
    ordered = sorted(counts.items(), key=lambda pair: (pair[0] == OTHERS, -pair[1], pair[0]))
    kept = dict(ordered[: _KEPT - 1])
    return {**kept, OTHERS: sum(count for _, count in ordered[_KEPT - 1 :])}


def _listed(counts: Counts) -> str:
    """The most frequent texts first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{text!r} {count:,}" for text, count in ordered[:_SHOWN])
    return shown + (f", and {len(ordered) - _SHOWN:,} more" if len(ordered) > _SHOWN else "")
