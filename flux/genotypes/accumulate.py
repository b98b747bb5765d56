"""Scores of a cohort: blocks of genotypes in, sums and counts for each person out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError, LimitError
from flux.genotypes.cohort import Block, Cohort, Dosages, Packed
from flux.genotypes.counts import frequencies
from flux.genotypes.kernel import PER_BYTE, Tables, Totals, add_dosages, add_packed, ranges
from flux.genotypes.lines import Progress
from flux.genotypes.lookups import MOST_COLUMNS, add_by_lookup, lookup_tables
from flux.genotypes.ploidy import KINDS, kinds, ploidy
from flux.genotypes.terms import Terms
from flux.genotypes.values import OF_CODE, Valuing

Floats = NDArray[np.float64]

_BLOCK_BYTES = 8 << 20
_PER_THREAD = 32  # words of a row: below that, a thread is not worth its start
_MOST_PRODUCTS = 1 << 30  # bytes of values that interactions wait for


@dataclass(frozen=True)
class Sums:
    """What a pass over the genotypes gives.

    Attributes:
        score: (S, N) sums.
        named: (G, N) copies of effect alleles among calls.
        alleles: (G, N) alleles with a call.
        possible: (G, N) alleles with and without one.
        frequency: (F,) of each term's counted allele, nan where nothing was imputed by it.
    """

    score: Floats
    named: Floats
    alleles: Floats
    possible: Floats
    frequency: Floats


class Pass:
    """One pass over a cohort.

    Args:
        cohort: whose genotypes.
        terms: what to add up.
        valuing: how genotypes become numbers.
        kept: of whom frequencies are taken, the founders among them.
        known: (V,) frequencies of counted alleles by variant, or None to take them from the data.
        male_x: copies of X that a male counts.
        threads: how many work at once.
    """

    def __init__(
        self,
        cohort: Cohort,
        terms: Terms,
        valuing: Valuing,
        kept: NDArray[np.bool_],
        known: Floats | None,
        male_x: int,
        threads: int,
    ) -> None:
        self._cohort, self._terms, self._valuing = cohort, terms, valuing
        self._founders = kept & cohort.people.founder
        self._known = known
        self._threads = threads
        people = cohort.people
        self._ploidy = [ploidy(kind, people, male_x) for kind in range(KINDS)]
        self._copies = [ploidy(kind, people, 1) for kind in range(KINDS)]
        self._kinds = kinds(cohort.variants.chrom[terms.variant])
        self._members = np.zeros((len(terms.groups), KINDS))
        at = (terms.part_group, self._kinds[terms.part_term])
        np.add.at(self._members, at, 1.0)
        self._frequency = np.full(len(terms), np.nan)
        self._waiting: dict[int, Floats] = {}
        self._awaited = {t for product in terms.interactions for t in product.terms}
        wanted = len(self._awaited) * len(people) * 8
        if wanted > _MOST_PRODUCTS:
            text = f"interactions of {len(self._awaited):,} effects need {wanted:,} bytes"
            raise LimitError(text, hint="score fewer interactions at a time")

    def run(self, progress: Progress | None = None) -> Sums:
        """The sums.

        Raises:
            DataError: the genotypes cannot be read, or a score is beyond the largest number.
        """
        from threadpoolctl import threadpool_limits

        terms = self._terms
        rows = np.unique(terms.variant)
        width = -(-len(self._cohort.people) // 32) * 32
        totals = Totals.zeros(terms.scores, len(terms.groups), width)
        done = 0
        pool = ThreadPoolExecutor(self._threads, initializer=_quieten)
        with pool, threadpool_limits(1, "blas"), np.errstate():
            _quieten()
            for block in self._cohort.blocks(rows, _BLOCK_BYTES):
                self._add(block, totals, pool)
                done += len(block.rows)
                if progress is not None:
                    progress("variants", done, len(rows))
            if done != len(rows):
                raise DataError(f"{self._cohort.name} gave {done:,} of {len(rows):,} variants")
            return self._sums(totals)

    def _sums(self, totals: Totals) -> Sums:
        n = len(self._cohort.people)
        possible = self._members @ np.stack(self._ploidy).astype(np.float64)
        score = totals.score[:, :n]
        self._multiply(score)
        if not np.isfinite(score).all():
            raise DataError(
                "a score is beyond the largest number", hint="are the weights too large?"
            )
        missing = totals.missing[:, :n]
        return Sums(score, totals.named[:, :n], possible - missing, possible, self._frequency)

    def _add(self, block: Block, totals: Totals, pool: ThreadPoolExecutor) -> None:
        first, last = np.searchsorted(self._terms.variant, (block.rows[0], block.rows[-1] + 1))
        variant = np.searchsorted(block.rows, self._terms.variant[first:last])
        chromosomes = self._kinds[first:last]
        for kind in np.unique(chromosomes):
            some = np.flatnonzero(chromosomes == kind)
            index = some + first
            share = self._shares(block, variant[some], index, int(kind))
            self._frequency[index] = share
            if isinstance(block, Packed):
                self._add_packed(block, totals, pool, variant[some], index, share, int(kind))
            else:
                self._add_dosages(block, totals, variant[some], index, share, int(kind))

    def _shares(
        self, block: Block, variant: NDArray[np.int64], index: NDArray[np.int64], kind: int
    ) -> Floats:
        """The frequency of each term's counted allele."""
        if not self._valuing.needs_frequency:
            return np.full(len(index), np.nan)
        if self._known is not None:
            return self._known[self._terms.variant[index]]
        rows, back = np.unique(variant, return_inverse=True)
        if isinstance(block, Packed):
            part: Block = Packed(block.rows[rows], _some(block.codes, rows))
        else:
            part = Dosages(block.rows[rows], _some(block.counted, rows))
        found, _ = frequencies(part, self._founders, self._copies[kind])
        return found[back]

    def _weights(self, index: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """(F, S) weights and (F, G) memberships of some terms, ascending."""
        terms = self._terms
        place = np.full(len(terms) + 1, -1)
        place[index] = np.arange(len(index))
        ends = (index[0], index[-1] + 1)
        weight = np.zeros((len(index), terms.scores))
        member = np.zeros((len(index), len(terms.groups)))
        low, high = np.searchsorted(terms.use_term, ends)
        at = place[terms.use_term[low:high]]
        own = at >= 0
        np.add.at(
            weight,
            (at[own], terms.use_score[low:high][own]),
            terms.use_weight[low:high][own],
        )
        low, high = np.searchsorted(terms.part_term, ends)
        at = place[terms.part_term[low:high]]
        own = at >= 0
        np.add.at(member, (at[own], terms.part_group[low:high][own]), 1.0)
        return weight, member

    def _add_packed(
        self,
        block: Packed,
        totals: Totals,
        pool: ThreadPoolExecutor,
        variant: NDArray[np.int64],
        index: NDArray[np.int64],
        share: Floats,
        kind: int,
    ) -> None:
        weight, member = self._weights(index)
        tables = self._tables(index, share, self._ploidy[kind])
        if len(tables) == 1 and weight.shape[1] + member.shape[1] <= MOST_COLUMNS:
            quick = lookup_tables(tables[0], weight, member)
            look_up = partial(add_by_lookup, totals, block.codes, variant, quick, weight.shape[1])
            _share_out(pool, look_up, self._even(block.codes.shape[1]))
        else:
            of_group = member.astype(np.float32)
            arguments = (block.codes.view(np.uint8), variant, tables, weight, of_group)
            multiply = partial(add_packed, totals, *arguments)
            _share_out(pool, multiply, ranges(block.codes.shape[1] * 8))
        self._keep_packed(block.codes.view(np.uint8), variant, index, tables)

    def _even(self, width: int) -> list[tuple[int, int]]:
        """A range of words for each thread; sums of look-ups are the same in any range."""
        count = max(1, min(self._threads, width // _PER_THREAD))
        edges = [width * i // count for i in range(count + 1)]
        return list(pairwise(edges))

    def _tables(
        self, index: NDArray[np.int64], share: Floats, places: NDArray[np.int8]
    ) -> list[Tables]:
        """The values of codes: one table where everybody has as many copies."""
        numbers = np.unique(places)
        made = []
        for number in numbers:
            value, named, absent = self._values(
                index, np.tile(OF_CODE, (len(index), 1)), share, int(number)
            )
            people = None
            if len(numbers) > 1:
                people = np.zeros(-(-len(places) // 32) * 32, bool)
                people[: len(places)] = places == number
            made.append(Tables(people, value, named, np.float64(number) * absent))
        return made

    def _values(
        self, index: NDArray[np.int64], copies: Floats, share: Floats, number: int
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Effects, named alleles and absences of some terms, for people of one ploidy."""
        value, named = np.zeros(copies.shape), np.zeros(copies.shape)
        absent = np.isnan(copies)
        if not number:
            return value, named, np.zeros_like(absent)
        terms = self._terms
        for kind in np.unique(terms.kind[index]):
            some = np.flatnonzero(terms.kind[index] == kind)
            at = index[some]
            value[some], named[some], _ = self._valuing.of(
                int(kind), copies[some], terms.counted[at], number, share[some], terms.by_dosage[at]
            )
        return value, named, absent

    def _add_dosages(
        self,
        block: Dosages,
        totals: Totals,
        variant: NDArray[np.int64],
        index: NDArray[np.int64],
        share: Floats,
        kind: int,
    ) -> None:
        weight, member = self._weights(index)
        copies = block.counted[variant]
        places = self._ploidy[kind]
        value, named = np.zeros(copies.shape), np.zeros(copies.shape)
        missing = np.zeros(copies.shape)
        for number in np.unique(places):
            some = np.flatnonzero(places == number)
            found = self._values(index, copies[:, some], share, int(number))
            value[:, some], named[:, some] = found[0], found[1]
            missing[:, some] = found[2] * int(number)
        n = copies.shape[1]
        part = Totals(totals.score[:, :n], totals.named[:, :n], totals.missing[:, :n])
        add_dosages(part, value, named, missing, weight, member)
        for at, term in enumerate(index):
            if int(term) in self._awaited:
                self._waiting[int(term)] = value[at].copy()

    def _keep_packed(
        self,
        codes: NDArray[np.uint8],
        variant: NDArray[np.int64],
        index: NDArray[np.int64],
        tables: list[Tables],
    ) -> None:
        """The values of the terms that interactions wait for."""
        if not self._awaited:
            return
        n = len(self._cohort.people)
        for at, term in enumerate(index):
            if int(term) not in self._awaited:
                continue
            bits = codes[variant[at]][:, None] >> (2 * np.arange(PER_BYTE, dtype=np.uint8)) & 3
            code = bits.reshape(-1)[:n]
            value = tables[0].value[at][code]
            for table in tables[1:]:
                assert table.people is not None
                value = np.where(table.people[:n], table.value[at][code], value)
            self._waiting[int(term)] = value

    def _multiply(self, score: Floats) -> None:
        """Add the interactions to their scores; without imputing, one lacks with any of its parts.

        Then the missing part has the value 0, and so has the product.
        """
        starts = np.cumsum([0, *(len(group.columns) for group in self._terms.groups)])
        for product in self._terms.interactions:
            values = [self._waiting[term] for term in product.terms]
            together = np.multiply.reduce(values)
            first = starts[product.group]
            score[first : first + len(product.weight)] += product.weight[:, None] * together


def _quieten() -> None:
    """No warnings of this thread: what is not finite is refused at the end."""
    np.seterr(over="ignore", invalid="ignore")


def _share_out(
    pool: ThreadPoolExecutor, work: Callable[[int, int], None], parts: list[tuple[int, int]]
) -> None:
    """Do the work over ranges of people."""
    for task in [pool.submit(work, low, high) for low, high in parts]:
        task.result()


def _some(array: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    return array if len(rows) == len(array) else array[rows]
