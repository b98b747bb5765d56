"""The random primitive: known answers, and that a number depends on its place alone."""

import numpy as np
import pytest

from flux.errors import ArgumentError
from flux.philox import philox, site_bits, stream_key, uniform

# The known-answer vectors of Random123 (kat_vectors, philox4x32 10): counter, key, result.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_words(counter, key, expected):
    assert philox(counter, key) == expected
    arrays = tuple(np.full(3, word, np.uint64) for word in counter)
    for word, result in zip(expected, philox(arrays, key), strict=True):
        assert (np.broadcast_to(result, 3) == word).all()


def _one(seed, site, step, i):
    low, high = site_bits(site) & 0xFFFFFFFF, site_bits(site) >> 32
    key = philox((seed & 0xFFFFFFFF, seed >> 32, low, high), (0, 0))[:2]
    words = philox((i // 2 & 0xFFFFFFFF, i // 2 >> 32, step & 0xFFFFFFFF, step >> 32), key)
    low, high = words[2 * (i % 2) : 2 * (i % 2) + 2]
    return ((high << 32 | low) >> 11) * 2.0**-53


@pytest.mark.parametrize("start", [0, 1, 7, 2**32 + 5, 2**40])
def test_each_number_follows_from_its_index_alone(start):
    got = uniform(2**63 + 9, "block.0.dropout", 2**33 + 1, 5, start)
    assert got.tolist() == [
        _one(2**63 + 9, "block.0.dropout", 2**33 + 1, start + i) for i in range(5)
    ]


def test_a_long_stream_equals_its_pieces():
    whole = uniform(3, "w", 0, 50_001)
    pieces = [uniform(3, "w", 0, n, s) for s, n in [(0, 1), (1, 16_385), (16_386, 33_615)]]
    assert (np.concatenate(pieces) == whole).all()


def test_float32_has_the_leading_bits_of_float64():
    wide, narrow = uniform(1, "x", 2, 1000), uniform(1, "x", 2, 1000, dtype=np.float32)
    assert narrow.dtype == np.float32
    assert (np.floor(wide * 2**24) / 2**24 == narrow).all()


def test_streams_differ_by_seed_site_and_step():
    first = uniform(0, "a", 0, 8)
    for other in (uniform(1, "a", 0, 8), uniform(0, "b", 0, 8), uniform(0, "a", 1, 8)):
        assert not np.isin(other, first).any()


def test_negative_integers_count_modulo_two_to_the_64():
    assert stream_key(-1, "a") == stream_key(2**64 - 1, "a")
    assert (uniform(0, 5, -1, 4) == uniform(0, 5, 2**64 - 1, 4)).all()


def test_numbers_look_uniform_and_uncorrelated():
    u = uniform(7, "uniformity", 0, 200_000)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.bincount((u * 64).astype(int), minlength=64)
    chi_squared = ((counts - 3125) ** 2 / 3125).sum()
    assert 30 < chi_squared < 110  # 63 degrees of freedom: beyond either end, p < 2e-4
    assert abs(np.corrcoef(u[:-1], u[1:])[0, 1]) < 0.01


def test_other_dtypes_are_refused():
    with pytest.raises(ArgumentError, match="float32 or float64"):
        uniform(0, "a", 0, 4, dtype=np.int64)
