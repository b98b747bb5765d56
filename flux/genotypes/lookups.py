"""Sums over variants by look-ups: the quick way for a few scores.

The codes of four variants of one person make a byte, so a table of 256 rows holds what four terms
add to each score and count, and one look-up adds them. Bytes of a .bed hold four people of one
variant; a transposition of 4 x 4 codes, inside words, turns them round.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from flux.genotypes.kernel import PER_BYTE, Tables, Totals

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

MOST_COLUMNS = 12  # scores and counts; beyond, a matrix product is quicker
_TERMS = 4  # in a byte
_CODES = 4
_BYTES = 8  # in a word
_UNIT = float(1 << 26)  # a unit of missing alleles, above any sum of halves of named ones
_WIDTH = 4  # columns of a table: rows of 8, 16 and 32 bytes are copied quickest
_WORDS = 320  # of a row at a time, so that sums and buffers stay in the cache
_QUADS = 16  # transposed at a time, for the same reason

_NIBBLES, _PAIRS = np.uint64(0x0F0F_0F0F_0F0F_0F0F), np.uint64(0x3333_3333_3333_3333)
_FOUR, _TWO = np.uint64(4), np.uint64(2)


def add_by_lookup(
    totals: Totals,
    codes: Words,
    variant: NDArray[np.int64],
    tables: Sequence[Floats],
    scores: int,
    first: int,
    last: int,
) -> None:
    """Add the terms of a block, for the people of some words.

    Args:
        totals: where to.
        codes: (V, W) of the block.
        variant: (F,) the row of `codes` of each term.
        tables: what `lookup_tables` gives.
        scores: how many of their columns are scores; the others are counts.
        first: of the range of words.
        last: its end.
    """
    for low in range(first, last, _WORDS):
        high = min(low + _WORDS, last)
        sums = _sums(codes[:, low:high], variant, tables)
        people = slice(low * _BYTES * PER_BYTE, high * _BYTES * PER_BYTE)
        counts = sums[scores : scores + len(totals.named)]
        missing = np.floor(counts / _UNIT)
        totals.score[:, people] += sums[:scores]
        totals.missing[:, people] += missing
        totals.named[:, people] += (counts - missing * _UNIT) / 2


def lookup_tables(table: Tables, weight: Floats, member: Floats) -> list[Floats]:
    """What four terms add to scores and counts: (Q, 256, C) each, C at most _WIDTH.

    The columns are the S scores, then for each of the G groups halves of named alleles and units of
    missing ones in one number.
    """
    count = 2 * table.named + _UNIT * table.missing
    added = [table.value * weight[:, s : s + 1] for s in range(weight.shape[1])]
    added += [count * member[:, g : g + 1] for g in range(member.shape[1])]
    return [
        _of_four(np.stack(added[at : at + _WIDTH], axis=2)) for at in range(0, len(added), _WIDTH)
    ]


def _of_four(added: Floats) -> Floats:
    """(Q, 256, C) from (F, 4, C): every sum of one value of each of four terms.

    The code of the first term stands in the lowest bits of a byte.
    """
    terms, _, columns = added.shape
    quads, width = -(-terms // _TERMS), 1 << (columns - 1).bit_length()
    filled = np.zeros((quads * _TERMS, _CODES, width))
    filled[:terms, :, :columns] = added
    a, b, c, d = np.moveaxis(filled.reshape(quads, _TERMS, _CODES, width), 1, 0)
    low = (b[:, :, None] + a[:, None]).reshape(quads, 1, 16, width)
    high = (d[:, :, None] + c[:, None]).reshape(quads, 16, 1, width)
    together: Floats = (high + low).reshape(quads, 256, width)
    return together


def _sums(codes: Words, variant: NDArray[np.int64], tables: Sequence[Floats]) -> Floats:
    """Sums over all terms, for the people of these words: S scores, G counts, columns of zeros."""
    words = codes.shape[1]
    people = _BYTES * PER_BYTE * words
    sums = [np.zeros((people, table.shape[2])) for table in tables]
    found = [np.empty_like(total) for total in sums]
    places = np.empty(people, np.intp)
    for quad, turned in enumerate(_turned(codes, variant)):
        np.copyto(places, turned.view(np.uint8).reshape(-1))
        for table, total, row in zip(tables, sums, found, strict=True):
            np.take(table[quad], places, axis=0, out=row, mode="clip")
            total += row
    flat = np.concatenate([total.T for total in sums])
    # Places run over the four people of a byte first, then over bytes.
    in_order = flat.reshape(len(flat), PER_BYTE, people // PER_BYTE).swapaxes(1, 2)
    return in_order.reshape(len(flat), people)


def _turned(codes: Words, variant: NDArray[np.int64]) -> Iterator[Words]:
    """(4, W) for every four terms: row p has, in each byte, the codes of the p-th person of it."""
    for low in range(0, len(variant), _QUADS * _TERMS):
        rows = variant[low : low + _QUADS * _TERMS]
        some = codes[rows]
        lacking = -len(rows) % _TERMS
        if lacking:
            some = np.concatenate([some, np.zeros((lacking, codes.shape[1]), np.uint64)])
        a, b, c, d = np.moveaxis(some.reshape(-1, _TERMS, codes.shape[1]), 1, 0)
        _exchange(a, c, _NIBBLES, _FOUR)
        _exchange(b, d, _NIBBLES, _FOUR)
        _exchange(a, b, _PAIRS, _TWO)
        _exchange(c, d, _PAIRS, _TWO)
        yield from some.reshape(-1, _TERMS, codes.shape[1])


def _exchange(x: Words, y: Words, low: np.uint64, distance: np.uint64) -> None:
    """Exchange the high half of each field of x with the low half of y's, in place.

    The delta swap of Warren, Hacker's Delight (2012), section 7-3.
    """
    changed = x >> distance
    changed ^= y
    changed &= low
    y ^= changed
    changed <<= distance
    x ^= changed
