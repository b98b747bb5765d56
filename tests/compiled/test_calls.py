"""How a compiled formula is called: positions, keywords, mappings, tables, shapes, types, `out`."""

import pickle
import threading

import numpy as np
import pytest

import flux
from flux.errors import ArgumentError, AxisError, DomainError, ShapeError, UnknownNameError
from flux.expr import Expr, constant, position, rename, size, variable
from tests.program.programs import total

A, B = np.linspace(-1, 2, 7), np.linspace(3, 1, 7)
BACKENDS = ["numpy", "vm"]


class Table:
    """The part of a data frame that Flux asks for."""

    def __init__(self, **columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return self._columns[name]


@pytest.fixture(params=BACKENDS)
def f(request):
    return flux.compile("a + b*2", backend=request.param)


def test_every_way_to_give_arguments_gives_the_same_array(f):
    wanted = A + B * 2
    ways = [f(A, B), f(a=A, b=B), f(A, b=B), f({"a": A, "b": B}), f(Table(b=B, a=A, c=None))]
    ways += [f({"a": A}, b=B), f(list(A), tuple(B))]
    for found in ways:
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == np.float64


def test_numbers_give_a_float_and_so_do_arrays_without_dimensions(f):
    for found in [f(1, 2), f(1.0, 2.0), f(True, b=2), f(np.float64(1), 2), f(np.array(1.0), 2)]:
        assert type(found) is float
        assert found == 5.0


# (arguments, error, a part of its text)
WRONG_CALLS = [
    (lambda f: f(1, 2, 3), ArgumentError, "3 arguments for 2 inputs (a, b)"),
    (lambda f: f(1, a=2), ArgumentError, "`a` is given twice"),
    (lambda f: f(1), UnknownNameError, "no value for `b`"),
    (lambda f: f(), UnknownNameError, "no value for `a`"),
    (lambda f: f(a=1, B=2), UnknownNameError, "did you mean `B`"),
    (lambda f: f({"a": 1, "bb": 2}), UnknownNameError, "did you mean `bb`"),
    (lambda f: f(Table(a=A, bee=B)), UnknownNameError, "no column `b`"),
    (lambda f: f(A, A[:3]), ShapeError, "shapes do not broadcast: a [7], b [3]"),
    (lambda f: f(A, "text"), ArgumentError, "`b` has dtype"),
    (lambda f: f(A, None), ArgumentError, "`b` has dtype object"),
    (lambda f: f(1, [[1], [2, 3]]), ArgumentError, "`b` is not an array"),
    (lambda f: f(A, B, domain="zero"), ArgumentError, "domain must be one of nan, raise"),
    (lambda f: f(A, B, domain=[]), ArgumentError, "domain must be one of"),
    (lambda f: f(A, B, threads=0), ArgumentError, "threads must be a whole number"),
    (lambda f: f(A, B, threads="2"), ArgumentError, "threads must be a whole number"),
    (lambda f: f(A, B, out=np.empty(6)), ArgumentError, "shape [7] and type float64"),
    (lambda f: f(A, B, out=np.empty(7, np.float32)), ArgumentError, "type float64"),
    (lambda f: f(A, B, out=np.empty(14)[::2]), ArgumentError, "C-contiguous"),
    (lambda f: f(A, B, out=np.empty(7, ">f8")), ArgumentError, "type float64"),
    (lambda f: f(A, B, out=[0.0] * 7), ArgumentError, "`out` must be a writeable"),
    (lambda f: f(1.0, 2.0, out=np.empty(3)), ArgumentError, "shape [] and type float64"),
    (lambda f: f(2**53 + 1, A), ArgumentError, "does not hold exactly"),
    (lambda f: f(np.array([2**53 + 1]), 1), ArgumentError, "does not hold exactly"),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG_CALLS, ids=range(len(WRONG_CALLS)))
def test_a_wrong_call_is_an_error_that_says_what(f, call, error, text):
    with pytest.raises(error) as caught:
        call(f)
    assert text in str(caught.value)


def test_wrong_options_of_compile_are_errors():
    for options in [
        {"backend": "gpu"},
        {"dtype": "float16"},
        {"dtype": 8},
        {"threads": 0},
        {"threads": 1.5},
        {"threads": True},
        {"domain": "inf"},
        {"sizes": 5},
        {"sizes": {"d": 0}},
        {"sizes": {"d": 2.5}},
        {"sizes": {"d": "2"}},
        {"sizes": {"d": True}},
        {"sizes": {1: 2}},
    ]:
        with pytest.raises(ArgumentError):
            flux.compile("x", **options)
    for wrong in [{}, {3: "x"}, {"a": 3}, None, 3.0, b"x"]:
        with pytest.raises(ArgumentError):
            flux.compile(wrong)


def test_names_of_options_can_be_inputs():
    f = flux.compile("out + domain*threads")
    np.testing.assert_array_equal(f(out=A, domain=2, threads=3), A + 6)
    assert f(1, 2, 3) == 7
    assert flux.compile("backend + digits + dtype")(dtype=1, digits=2, backend=3) == 6


def test_an_unused_keyword_takes_part_in_the_broadcast_only():
    f = flux.compile("x*2")
    np.testing.assert_array_equal(f(x=3, other=A.astype(np.float32)), np.full(7, 6.0))
    assert f(x=3, other=A.astype(np.float32)).dtype == np.float64
    assert f({"x": 3, "y": A, 7: None}) == 6.0  # a mapping's other columns are ignored
    with pytest.raises(ShapeError):
        f(x=A, other=A[:2])


# Shapes and types.

# (shapes of a and b)
SHAPES = [
    ((), ()),
    ((5,), ()),
    ((), (5,)),
    ((5, 1), (4,)),
    ((1,), (4,)),
    ((3, 1, 2), (4, 1)),
    ((2, 3), (2, 3)),
    ((0,), (1,)),
    ((3, 0), (0,)),
    ((1, 1, 1), ()),
]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_anonymous_dimensions_broadcast_as_in_numpy(f, shapes, dtype):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    found = f(a, b)
    np.testing.assert_array_equal(found, a + b * 2)
    assert np.shape(found) == np.broadcast_shapes(*shapes)
    if np.ndim(found):
        assert found.dtype == dtype


@pytest.mark.parametrize("text", ["3", "3 + 0*x", "where(x > 0, 2, 2)", "x - x"])
def test_a_constant_gives_an_array_of_the_broadcast_shape(text):
    f = flux.compile(text)
    assert f(x=np.ones((2, 3))).shape == (2, 3)
    assert f(x=np.ones((2, 3)), y=np.ones((4, 1, 3))).shape == (4, 2, 3)
    assert type(f(x=1.0)) is float
    found = f(x=np.ones(3))
    found[0] = 7  # of its own, and writeable
    assert found[1] != 7


def test_zero_derivatives_have_the_broadcast_shape():
    zero = flux.parse("x*y").diff("x").diff("x")
    found = flux.compile(zero)(x=np.ones((4, 1)), y=np.ones(3))
    np.testing.assert_array_equal(found, np.zeros((4, 3)))


# (values of x and y, the type of the result)
TYPES = [
    ((np.float32(1), 1.0), "float64"),  # only numbers: a float
    ((A.astype(np.float32), 0.1), "float32"),
    ((A.astype(np.float32), np.float64(0.1)), "float64"),
    ((A.astype(np.float32), B), "float64"),
    ((A.astype(np.float16), 1), "float32"),
    ((A.astype(np.float32), np.arange(7)), "float32"),
    ((np.arange(7), 2), "float64"),
    ((np.arange(7) > 3, 2), "float64"),
    ((np.arange(7, dtype=np.int8), np.arange(7, dtype=np.uint16)), "float64"),
]


@pytest.mark.parametrize(("values", "dtype"), TYPES, ids=range(len(TYPES)))
def test_the_type_is_the_widest_float_of_the_inputs(values, dtype):
    found = flux.compile("x + y/3")(*values)
    assert np.asarray(found).dtype == dtype


def test_a_given_type_is_the_type():
    assert flux.compile("x/3", dtype="float32")(A).dtype == np.float32
    assert flux.compile("x/3", dtype="float64")(A.astype(np.float32)).dtype == np.float64
    assert flux.compile("x/3", dtype="float32")(1.0) == np.float32(1) / np.float32(3)


def test_integers_convert_exactly_or_are_refused():
    f = flux.compile("x + 0")
    assert f(np.array([2**53, -(2**53)])).tolist() == [2.0**53, -(2.0**53)]
    assert f(np.array([2**60, 2**62], np.uint64)).tolist() == [2.0**60, 2.0**62]
    for value in [2**53 + 1, -(2**53) - 1, 2**63 - 1]:
        with pytest.raises(ArgumentError, match="exactly"):
            f(np.array([0, value]))
        with pytest.raises(ArgumentError, match="exactly"):
            f(value)
    with pytest.raises(ArgumentError, match="float32 does not hold exactly"):
        flux.compile("x + y")(np.array([2**24 + 1]), A.astype(np.float32))


# Where results are written.


def test_out_takes_the_result_and_is_returned(f):
    out = np.full(7, np.nan)
    assert f(A, B, out=out) is out
    np.testing.assert_array_equal(out, A + B * 2)


def test_out_may_be_an_input_or_overlap_one():
    f = flux.compile("x + y*2")
    x, y = A.copy(), B.copy()
    np.testing.assert_array_equal(f(x, y, out=x), A + B * 2)
    memory = np.arange(20_000.0)
    wanted = memory[:-1] + 2 * memory[1:]
    f(memory[:-1], memory[1:], out=memory[1:])
    np.testing.assert_array_equal(memory[1:], wanted)


def test_results_never_share_memory(f):
    first = f(A, B)
    second = f(A, B)
    first[:] = 0
    np.testing.assert_array_equal(second, A + B * 2)
    assert not np.may_share_memory(first, second)
    assert not np.may_share_memory(flux.compile("x")(A), A)


def test_several_formulas_give_a_dictionary():
    f = flux.compile({"sum": "x + y", "product": flux.parse("x*y")})
    found = f(A, B)
    np.testing.assert_array_equal(found["sum"], A + B)
    np.testing.assert_array_equal(found["product"], A * B)
    assert f(2, 3) == {"sum": 5.0, "product": 6.0}


def test_several_results_go_into_given_arrays():
    f = flux.compile({"sum": "x + y", "product": "x*y"})
    out = {"sum": np.empty(A.shape), "product": np.empty(A.shape)}
    found = f(A, B, out=out)
    assert all(found[name] is out[name] for name in out)
    np.testing.assert_array_equal(out["sum"], A + B)
    np.testing.assert_array_equal(out["product"], A * B)
    both = A.copy()
    f(both, B, out={"sum": both, "product": out["product"]})
    np.testing.assert_array_equal(both, A + B)
    np.testing.assert_array_equal(out["product"], A * B)
    one = np.empty(A.shape)
    for wrong in (one, {"sum": one}, {"sum": one, "product": one}, {**out, "more": one}):
        with pytest.raises(ArgumentError, match="out"):
            f(A, B, out=wrong)


def test_one_name_with_two_declarations_is_an_error():
    with pytest.raises(AxisError, match="declared twice"):
        flux.compile({"f": variable("x") + 1, "g": variable("x", ("d",))})


# Domains.


@pytest.mark.parametrize("backend", BACKENDS)
def test_outside_the_domain_is_nan_or_an_error(backend):
    f = flux.compile("log(x) + 1/y", backend=backend)
    with np.errstate(all="raise"):  # and no warning, whatever the host has set
        assert np.isnan(f(-1.0, 1.0))
        assert f(0.0, 1.0) == -np.inf
        np.testing.assert_array_equal(f(np.array([-1.0, 1.0]), 0), [np.nan, np.inf])
        for call in [lambda: f(-1.0, 1.0, domain="raise"), lambda: f(A, 1, domain="raise")]:
            with pytest.raises(DomainError, match=r"log\(-1\) has no finite value"):
                call()
        assert f(1.0, 1.0, domain="raise") == 1.0
    strict = flux.compile("log(x) + 1/y", backend=backend, domain="raise")
    with pytest.raises(DomainError, match="1 / 0"):
        strict(1.0, 0.0)
    assert np.isnan(strict(-1.0, 1.0, domain="nan"))


def test_domain_errors_are_those_of_the_type_of_the_computation():
    f = flux.compile("exp(x)", dtype="float32", domain="raise")
    with pytest.raises(DomainError, match="exp"):
        f(np.array([100.0]))


def test_values_that_are_not_finite_in_the_arguments_are_no_domain_error():
    f = flux.compile("x + 1", domain="raise")
    np.testing.assert_array_equal(f(np.array([np.inf, np.nan])), [np.inf, np.nan])


# Named axes.


@pytest.mark.parametrize("backend", BACKENDS)
def test_named_axes_stand_last_and_anonymous_dimensions_broadcast(backend):
    x, w = variable("x", ("d",)), variable("w", ("d", "k"))
    f = flux.compile(total(x * w, "d"), backend=backend)
    rng = np.random.default_rng(0)
    rows, matrix = rng.normal(size=(5, 1, 3)), rng.normal(size=(6, 3, 2))
    np.testing.assert_allclose(f(rows[0, 0], matrix[0]), rows[0, 0] @ matrix[0], rtol=1e-13)
    np.testing.assert_allclose(
        f(rows, matrix),
        np.einsum("abd,bdk->abk", np.broadcast_to(rows, (5, 6, 3)), matrix),
        rtol=1e-13,
    )


def test_a_value_of_named_axes_alone_is_repeated_over_anonymous_dimensions():
    f = flux.compile(variable("x", ("d",)) * 2)
    np.testing.assert_array_equal(f(np.arange(3.0), y=np.ones(2)), [[0, 2, 4]] * 2)


# (expression, arguments, a part of the message)
WRONG_SIZES = [
    (variable("x", ("d",)) + 1, {"x": 1.0}, "fewer than its axes [d]"),
    (variable("x", ("d",)) + variable("y", ("d",)), {"x": A, "y": A[:2]}, "axis d has size 2"),
    (variable("x", ("d",)) + 1, {"x": np.ones(0)}, "sizes are at least 1"),
    (size("d") * variable("x"), {"x": 1.0}, "size of axis d is not known"),
    (
        rename(variable("x", ("d",)), {"d": "e"}) * variable("y", ("e",)),
        {"x": A[:2], "y": A},
        "size 2",
    ),
]


@pytest.mark.parametrize(("e", "values", "text"), WRONG_SIZES, ids=range(len(WRONG_SIZES)))
def test_sizes_that_do_not_fit_are_shape_errors(e, values, text):
    with pytest.raises(ShapeError) as caught:
        flux.compile(e)(values)
    assert text in str(caught.value)


def test_given_sizes_serve_where_no_array_has_the_axis():
    assert flux.compile(total(position("d"), "d"), sizes={"d": 5})() == 10.0
    assert flux.compile(size("d") * variable("x"), sizes={"d": 5})(2.0) == 10.0
    assert flux.compile(total(variable("x"), "d"), sizes={"d": 5})(2) == 10.0


# Copies, threads, size.


def test_a_compiled_formula_pickles_as_its_source_and_options():
    f = flux.compile("sin(x) + y", dtype="float32", domain="raise", threads=2)
    copy = pickle.loads(pickle.dumps(f))
    assert copy.options == f.options
    assert copy.inputs == ("x", "y")
    assert copy.expr is f.expr
    np.testing.assert_array_equal(copy(A, B), f(A, B))


def test_many_threads_get_the_same_bits():
    f = flux.compile("exp(-x*x)*sin(y) + x/y")
    g = flux.compile(total(variable("x", ("d",)) * variable("y", ("d",)), "d"))
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 10_000))
    wanted, dots = f(x, y), g(x.reshape(-1, 10), y.reshape(-1, 10))
    wrong = []

    def work(seed):
        for i in range(100):
            stop = 1 + (seed * 977 + i * 131) % 10_000
            if not np.array_equal(f(x[:stop], y[:stop]), wanted[:stop]):
                wrong.append(stop)
            if f(x[i].item(), y[i].item()) != pytest.approx(wanted[i], rel=1e-14):
                wrong.append(i)
            if not np.array_equal(g(x.reshape(-1, 10), y.reshape(-1, 10)), dots):
                wrong.append("dots")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_never_changes_bits(threads):
    f = flux.compile("tanh(x)*y + x^2.5")
    x, y = np.random.default_rng(0).normal(size=(2, 50_001))
    np.testing.assert_array_equal(f(x, y, threads=threads), f(x, y))
    strided = np.repeat(x, 3)[::3]
    np.testing.assert_array_equal(f(strided, y[:, None][:, 0], threads=threads), f(x, y))
    two = x[:50_000].reshape(250, 200)
    np.testing.assert_array_equal(f(two.T, 0.5, threads=threads), f(two.T.copy(), 0.5))


def test_an_error_in_a_thread_is_raised_in_the_call():
    x, i = variable("x", ("v",)), variable("i", integer=True)
    from flux.expr import index

    f = flux.compile(index(x, {"v": i}), threads=4)
    with pytest.raises(DomainError, match="index 3 is outside"):
        f(x=np.ones(3), i=np.full(50_000, 3))
    with pytest.raises(ArgumentError, match="whole numbers"):
        f(x=np.ones(3), i=np.full(50_000, 0.5))
    np.testing.assert_array_equal(f(x=np.ones(3), i=np.zeros(50_000, int)), np.ones(50_000))


@pytest.mark.parametrize("rows", [1, 65_535, 65_536, 65_537, 131_072, 200_001])
def test_blocks_of_rows_are_seamless(rows):
    f = flux.compile("x*2 + y")
    x = np.arange(float(rows))
    np.testing.assert_array_equal(f(x, 1), x * 2 + 1)
    np.testing.assert_array_equal(f(x[::-1], x), x[::-1] * 2 + x)


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 9])
def test_the_setting_row_block_is_the_most_rows_of_a_block(rows):
    from flux.settings import override

    with override(row_block=4):
        f = flux.compile(total(variable("x", ("d",)) * variable("y"), "d"))
        x = np.arange(3.0 * rows).reshape(rows, 3)
        np.testing.assert_array_equal(f(x=x, y=2), x.sum(1) * 2)


def test_hundreds_of_inputs():
    names = [f"x{n}" for n in range(300)]
    f = flux.compile(" + ".join(names))
    assert f.inputs == tuple(names)
    assert f(*range(300)) == sum(range(300))
    np.testing.assert_array_equal(f(dict.fromkeys(names, A)), sum([A] * 299, A))


def test_ten_thousand_terms_parse_differentiate_compile_and_evaluate():
    text = " + ".join(f"{n % 7}*x^{n % 3}" for n in range(10_000))
    e = flux.parse(text)
    wanted = sum((n % 7) * 1.5 ** (n % 3) for n in range(10_000))
    f = flux.compile(e)
    assert f(1.5) == pytest.approx(wanted)
    np.testing.assert_allclose(f(np.array([1.5, 1.5])), [wanted] * 2)
    slope = sum((n % 7) * (n % 3) * 1.5 ** (n % 3 - 1) for n in range(10_000))
    assert flux.compile(e.diff("x"))(1.5) == pytest.approx(slope)


def test_the_program_of_a_call_can_be_asked_for():
    f = flux.compile("x*2 + y")
    program = f.program(A, 1.0)
    assert program.entry.has_rows
    assert [port.name for port in program.entry.inputs] == ["x", "y"]
    assert "nodes" in repr(f)
    assert isinstance(f.expr, Expr)
    assert flux.compile(constant(2)).inputs == ()
