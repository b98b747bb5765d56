"""Arrays of any kind: the right value or a FluxError, never a crash and never a wrong number."""

import numpy as np
import pytest

import flux
from flux.errors import ArgumentError, FluxError
from flux.expr import index, variable
from tests.program.programs import total

X = np.linspace(-2, 3, 12)


def misaligned(x: np.ndarray) -> np.ndarray:
    raw = np.zeros(x.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(x.tobytes(), np.uint8)
    found = raw[1:].view(x.dtype)
    assert not found.flags.aligned
    return found


def readonly(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


RECORD = np.zeros(12, [("value", "f8"), ("name", "S3")])
RECORD["value"] = X

# What holds the numbers X in an unusual way.
UNUSUAL = {
    "big-endian": X.astype(">f8"),
    "reversed": X[::-1].copy()[::-1],
    "every third": np.repeat(X, 3)[::3],
    "misaligned": misaligned(X),
    "read-only": readonly(X),
    "a field of a record": RECORD["value"],
    "a list": X.tolist(),
    "a subclass": X.view(np.recarray),
    "a memory view": memoryview(X),
    "a column of a matrix": np.stack([X, X + 1], axis=1)[:, 0],
    "in Fortran order": np.asfortranarray(X),
}


@pytest.mark.parametrize("what", UNUSUAL)
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_unusual_arrays_of_rows_are_read_right(what, backend):
    f = flux.compile("x*2 + y", backend=backend)
    np.testing.assert_array_equal(f(UNUSUAL[what], 1), X * 2 + 1)
    np.testing.assert_array_equal(f(UNUSUAL[what], UNUSUAL[what]), X * 2 + X)


@pytest.mark.parametrize("what", UNUSUAL)
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_unusual_arrays_with_named_axes_are_read_right(what, backend):
    x, w = variable("x", ("d",)), variable("w", ("d", "k"))
    f = flux.compile(total(x * w, "d"), backend=backend)
    w = np.arange(36.0).reshape(12, 3)
    np.testing.assert_allclose(f(UNUSUAL[what], w), X @ w, rtol=1e-13)
    np.testing.assert_allclose(f(X, w[::-1][::-1].T.copy().T), X @ w, rtol=1e-13)


@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_matrices_of_any_strides_are_read_right(backend):
    x, w = variable("x", ("a", "d")), variable("w", ("d", "k"))
    f = flux.compile(total(x * w, "d"), backend=backend)
    big = np.random.default_rng(0).normal(size=(8, 10))
    views = [big[::2, 1::2], big[::-2, ::-2], big.T[:5, :5], np.broadcast_to(big[0, :5], (4, 5))]
    for left in views:
        for right in (view.T for view in views if view.shape[1] == left.shape[1]):
            np.testing.assert_allclose(f(left, right), left @ right, rtol=1e-11, atol=1e-13)


# (what it is, the value)
REFUSED = [
    ("complex", X + 1j),
    ("objects", X.astype(object)),
    ("texts", np.array(["1", "2"])),
    ("bytes", b"12"),
    ("dates", np.array(["2020-01-01"], "datetime64[D]")),
    ("durations", np.array([1], "timedelta64[s]")),
    ("records", RECORD),
    ("masked", np.ma.masked_array(X, X > 0)),
    ("long doubles", X.astype(np.longdouble)),
    ("ragged", [[1.0], [1.0, 2.0]]),
    ("nothing", None),
    ("a function", len),
    ("a set", {1.0}),
    ("a huge integer", 10**400),
    ("an integer with no float", 2**64 + 1),
    ("a list with a huge integer", [10**400]),
]


@pytest.mark.parametrize(("what", "value"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_no_array_of_real_numbers_is_refused(what, value):
    f = flux.compile("x*2")
    for call in [lambda: f(value), lambda: f(x=value), lambda: f({"x": value})]:
        with pytest.raises(ArgumentError, match="`x`"):
            call()


def test_a_number_beyond_float32_is_refused_where_float32_is_the_type():
    with pytest.raises(ArgumentError, match="beyond the largest float32"):
        flux.compile("x*2", dtype="float32")(np.array([1e300]))


class Liar:
    """Says that it is an array, and is not."""

    def __init__(self, answer):
        self._answer = answer

    def __array__(self, dtype=None, copy=None):
        return self._answer


def test_objects_that_give_something_else_than_an_array_are_refused():
    for answer in [None, "text", np.array([None])]:
        with pytest.raises(FluxError):
            flux.compile("x*2")(Liar(answer))


class BrokenTable:
    columns = ("x",)

    def __getitem__(self, name):
        raise KeyError(name)


def test_an_array_that_is_too_large_to_broadcast_is_refused():
    f = flux.compile("x + y")
    wide = np.broadcast_to(1.0, (1 << 20, 1 << 20))
    with pytest.raises(FluxError):
        f(wide, 1.0)


@pytest.mark.parametrize("backend", ["numpy", "vm"])
@pytest.mark.parametrize("bad", [-1, 5, 2**53, -(2**53)])
def test_positions_outside_an_axis_are_refused(backend, bad):
    table, i = variable("E", ("v", "d")), variable("i", ("t",), integer=True)
    f = flux.compile(index(table, {"v": i}), backend=backend)
    values = np.arange(10.0).reshape(5, 2)
    np.testing.assert_array_equal(f(values, [4, 0, 4]), values[[4, 0, 4]].T)
    with pytest.raises(FluxError, match="outside"):
        f(values, [0, bad, 1])
    with pytest.raises(ArgumentError, match="whole numbers"):
        f(values, [0, 0.5, 1])
    with pytest.raises(ArgumentError, match="whole numbers"):
        f(values, [0, np.nan, 1])


SIZES = [(0,), (0, 3), (3, 0), (0, 0, 0)]


@pytest.mark.parametrize("shape", SIZES)
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_arrays_without_elements_give_arrays_without_elements(shape, backend):
    f = flux.compile("x*2 + 1/y", backend=backend)
    assert f(np.ones(shape), 2).shape == shape
    assert f(np.ones(shape), np.ones((1,) * len(shape)), domain="raise").shape == shape
    assert f(np.ones(shape), 2, out=np.empty(shape), threads=3).shape == shape
