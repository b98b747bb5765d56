"""Random numbers as a pure function of (seed, site, step, index): Philox 4x32-10.

A counter-based generator has no state to advance or to save: every backend, in any order and with
any number of threads, computes the same bits for the same place. The reference evaluator and the
backends call `uniform`; initialisers and dropout are expressions over it.

The rule, which native code repeats word for word:

- a site's 64 bits are the BLAKE2b-64 of its UTF-8 text, little endian (an integer site: itself);
- the key is the first two words of Philox(counter = (seed, site), key = 0);
- numbers 2q and 2q + 1 are the two 64-bit halves w of Philox(counter = (q, step), key);
- in float64 the number is floor(w / 2^11) / 2^53, in float32 floor(w / 2^40) / 2^24: the same
  leading bits, and always below 1.

Integers are taken modulo 2^64, each as two 32-bit words, the low one first.

Source:
    Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (SC 2011).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from flux.errors import ArgumentError

Words = tuple[Any, Any, Any, Any]  # four 32-bit words, each a uint64 array or a Python int

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)  # the golden ratio and sqrt(3) - 1, in 32 bits
_ROUNDS = 10
_WORD = 0xFFFF_FFFF
_BLOCK = 1 << 13  # counters a pass: its temporaries stay in the L2 cache


def uniform(
    seed: int,
    site: str | int,
    step: int,
    count: int,
    start: int = 0,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """Numbers `start` to `start + count - 1` of the stream (seed, site, step), uniform on [0, 1).

    Shapes:
        result: (count,).

    Dtypes:
        float64 has 53 random bits; float32 the leading 24 of the same ones.
    """
    result = np.empty(count, dtype)
    fill(result, seed, site, step, start)
    return result


def fill(out: NDArray[Any], seed: int, site: str | int, step: int, start: int = 0) -> None:
    """Write the numbers from `start` on into a one-dimensional array of float32 or float64."""
    if out.dtype not in (np.float32, np.float64):
        raise ArgumentError(f"random numbers are float32 or float64, not {out.dtype}")
    key = stream_key(seed, site)
    done = 0
    while done < len(out):
        first = start + done
        count = min(2 * _BLOCK - first % 2, len(out) - done)
        words = _words(key, step, first // 2, (first % 2 + count + 1) // 2)
        _scale(words[first % 2 : first % 2 + count], out[done : done + count])
        done += count


def _words(key: tuple[int, int], step: int, first: int, count: int) -> NDArray[np.uint64]:
    q = np.arange(count, dtype=np.uint64) + np.uint64(first)
    low, high = _halves(step)
    r0, r1, r2, r3 = philox((q & _WORD, q >> 32, low, high), key)
    words = np.empty((count, 2), np.uint64)
    words[:, 0] = r0 | (r1 << 32)
    words[:, 1] = r2 | (r3 << 32)
    return words.reshape(-1)


def _scale(words: NDArray[np.uint64], out: NDArray[Any]) -> None:
    bits = 53 if out.dtype == np.float64 else 24
    np.multiply(words >> (64 - bits), 2.0**-bits, out=out, casting="same_kind")


@lru_cache(maxsize=1024)
def stream_key(seed: int, site: str | int) -> tuple[int, int]:
    """The Philox key of a stream: one application of Philox to seed and site mixes them."""
    mixed = philox((*_halves(seed), *_halves(site_bits(site))), (0, 0))
    return mixed[0], mixed[1]


@lru_cache(maxsize=1024)
def site_bits(site: str | int) -> int:
    """The 64 bits of a site, the same in every run and on every machine."""
    if isinstance(site, int):
        return site % 2**64
    digest = blake2b(site.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _halves(value: int) -> tuple[int, int]:
    return value & _WORD, (value >> 32) & _WORD


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Ten rounds of Philox 4x32 over counters, which may be Python ints or uint64 arrays."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        left, right = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (
            (right >> 32) ^ c1 ^ k0,
            right & _WORD,
            (left >> 32) ^ c3 ^ k1,
            left & _WORD,
        )
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return c0, c1, c2, c3
