"""Python and C sources: what they look like, and that they run to the values of `evaluate`."""

import ctypes
import math
import shutil
import subprocess
import warnings

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import flux
from flux.calculus.equal import error_bound
from flux.errors import ArgumentError, AxisError, FluxError
from flux.expr import apply, constant, topological, variable
from flux.expr.code import identifiers
from flux.expr.print_c import ROWS as C_ROWS
from flux.expr.print_c import C
from flux.expr.print_python import PYTHON
from flux.expr.print_python import ROWS as PYTHON_ROWS
from flux.ops import POINTWISE, Op
from tests.strategies import formulas

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.7, 12.0, 1e-3, 1e3, 170.0)


def python_function(e, name="f"):
    source = e.to_python(name)
    space = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a SyntaxWarning is a defect of the source
        exec(compile(source, "<source>", "exec"), space)
    return space[name]


def c_functions(sources, folder):
    """Compile functions f0, f1, ... together, warnings being errors."""
    path, library = folder / "formulas.c", folder / "formulas.so"
    path.write_text("".join(dict.fromkeys(sources)))
    flags = ["-std=c99", "-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off"]
    unused = ["-Wno-unused-parameter", "-Wno-unused-variable", "-Wno-unused-function"]
    unused.append("-Wno-div-by-zero")
    command = [COMPILER, *flags, *unused, "-shared", "-fPIC", "-O1", "-o", library, path, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def points(names):
    """A few values for each name, none of them in step with another's."""
    for shift in range(0, len(NUMBERS), 3):
        yield {n: NUMBERS[(5 * i + shift) % len(NUMBERS)] for i, n in enumerate(names)}


def check(e, call):
    """Where the formula has a finite value, the function has it too."""
    for values in points(e.free_names()):
        try:
            wanted = flux.evaluate(e, values)
        except FluxError:
            continue
        if math.isfinite(wanted):
            _, bound = error_bound(e, values)
            tolerance = 1e-13 * abs(wanted) + (100 * bound if math.isfinite(bound) else math.inf)
            found = call(*values.values())
            assert abs(found - wanted) <= tolerance, (str(e), values, found, wanted)


def by_operation():
    x, y, z = map(variable, "xyz")
    for op in POINTWISE:
        if op is Op.CUSTOM:
            continue
        if op is not Op.POLYGAMMA:
            yield apply(op, *(x, y, z)[: op.row.arity])


def test_every_operation_but_one_can_be_written():
    left_out = {Op.STOP, Op.CUSTOM}  # of which only the first operand is written
    for rows in (PYTHON_ROWS, C_ROWS):
        assert set(POINTWISE) - set(rows) == {Op.POLYGAMMA, *left_out}
    for write in (flux.parse("polygamma(1, x)").to_python, flux.parse("polygamma(1, x)").to_c):
        with pytest.raises(ArgumentError, match="has no `polygamma`"):
            write()


@pytest.mark.parametrize("e", list(by_operation()), ids=str)
def test_each_operation_runs_in_python(e):
    check(e, python_function(e))


WRITTEN = [
    ("a + b*2", "a + b*2.0", "a + b*2.0"),
    ("-(-x)", "--x", "-(-x)"),
    ("(-x)^2", "(-x)**2", "pow(-x, 2.0)"),
    ("a - (b - c)/(d*g)", "a - (b - c)/(d*g)", "a - (b - c)/(d*g)"),
    ("(x > 1)/y", "float(x > 1.0)/y", "(double)(x > 1.0)/y"),
    ("x and y or z", "float(x != 0.0 and y != 0.0 or z != 0.0)", None),
    ("where(x > 0, 1, where(y, 2, 3))", None, "x > 0.0 ? 1.0 : (y != 0.0 ? 2.0 : 3.0)"),
    ("9^9", "pow(9.0, 9.0)", "pow(9.0, 9.0)"),
    ("1e400", "inf", "INFINITY"),
    ("nan", "nan", "NAN"),
    ("stop(x) + 1", "x + 1.0", "x + 1.0"),
]


@pytest.mark.parametrize(("text", "python", "c"), WRITTEN)
def test_written(text, python, c):
    e = flux.parse(text)
    if python is not None:
        assert e.to_python().rstrip().endswith(f"return {python}")
    if c is not None:
        assert f"    return {c};\n" in e.to_c()


def test_whole_sources():
    e = flux.parse("where(x > 0, log(x)*sin(log(x)), -x^2)")
    assert e.to_python("g") == (
        "from math import log, nan, sin\n\n\n"
        "def g(x):\n"
        "    try:\n"
        "        t1 = log(x)\n"
        "    except (ArithmeticError, ValueError):\n"
        "        t1 = nan\n"
        "    return t1*sin(t1) if x > 0.0 else -x**2\n"
    )
    assert e.to_c("g") == (
        "#include <math.h>\n\n"
        "double g(double x)\n"
        "{\n"
        "    const double t1 = log(x);\n"
        "    return x > 0.0 ? t1*sin(t1) : -pow(x, 2.0);\n"
        "}\n"
    )


def test_a_branch_that_is_not_taken_does_not_raise():
    f = python_function(flux.parse("u = log(x)/y\nwhere(x > 0 and y, u + u^2, 0)"))
    assert f(-1.0, 1.0) == 0.0
    assert f(1.0, 0.0) == 0.0
    assert f(math.e, 1.0) == pytest.approx(2.0)


def test_outside_the_domain_python_raises():
    with pytest.raises(ValueError, match="math domain"):
        python_function(flux.parse("log(x)"))(-1.0)
    with pytest.raises(ZeroDivisionError):
        python_function(flux.parse("1/x"))(0.0)


def writable():
    """Formulas without polygamma, which neither library has."""
    return formulas().filter(
        lambda e: all(part.op is not Op.POLYGAMMA for part in topological([e]))
    )


@settings(max_examples=120, derandomize=True)
@given(writable())
def test_any_formula_runs_in_python(e):
    check(e, python_function(e))


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
@settings(max_examples=3, derandomize=True, phases=[Phase.generate])
@given(batch=st.lists(writable(), min_size=40, max_size=40, unique=True))
def test_any_formula_compiles_and_runs_in_c(batch, tmp_path_factory):
    check_c([*batch, *by_operation()], tmp_path_factory.mktemp("c"))


def check_c(batch, folder):
    sources = [e.to_c(f"f{i}") for i, e in enumerate(batch)]
    # Each function its own helpers: what they share is written once.
    parts = [part for source in sources for part in source.split("\n\n")]
    library = c_functions([f"{part.strip()}\n\n" for part in parts], folder)
    for i, e in enumerate(batch):
        function = library[f"f{i}"]
        function.restype = ctypes.c_double
        function.argtypes = [ctypes.c_double] * len(e.free_names())
        check(e, function)


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_derivatives_and_deep_formulas_compile(tmp_path):
    deep, wide = variable("x"), variable("x")
    for i in range(600):
        deep = apply(Op.SIN, deep) + variable("y")
        wide = wide + constant(i) * variable(f"k{i % 5}")
    gelu = flux.parse("0.5*x*(1 + tanh(0.8*(x + 0.045*x^3)))")
    check_c([deep, wide, gelu.diff("x", 3)], tmp_path)
    check(deep, python_function(deep))
    check(wide, python_function(wide))


# Names.

NAMES = ["lambda", "double", "exp", "t1", "_x", "x", "v_x", "block.0.W", "block_0_W", "a" * 80]


@pytest.mark.parametrize("dialect", [PYTHON, C])
def test_names_become_different_identifiers(dialect):
    found = identifiers(NAMES, dialect.reserved)
    assert len(set(found.values())) == len(NAMES)
    for name in found.values():
        assert name.isidentifier()
        assert len(name) <= 63
        assert name not in dialect.reserved
    assert found["x"] == "x"
    assert found["v_x"] == "v_x"


def test_hostile_names_run():
    names = ["lambda", "double", "exp", "t1", "_x", "np", "f", "return", "nan_", "tgamma", "float"]
    e = flux.parse("0")
    for i, name in enumerate(names):
        e = e + constant(i + 1) * variable(name)
    e = apply(Op.SIN, e) * apply(Op.EXP, apply(Op.SIN, e))
    assert python_function(e)(*([0.25] * len(names))) == pytest.approx(
        e.evaluate(dict.fromkeys(names, 0.25)), rel=1e-12
    )


@pytest.mark.skipif(COMPILER is None, reason="no C compiler")
def test_every_reserved_word_compiles_as_a_name(tmp_path):
    words = sorted(C.reserved)
    total = variable(words[0])
    for word in words[1:]:
        total = total + variable(word)
    c_functions([total.to_c("f0")], tmp_path)


MISTAKES = [
    (lambda: flux.parse("input x[d]\nx").to_c(), AxisError, "axes"),
    (lambda: flux.parse("input x[d]\nsum[d](x)").to_python(), AxisError, "scalar formulas"),
    (lambda: flux.parse("x").to_python("2f"), ArgumentError, "no name of a function in Python"),
    (lambda: flux.parse("x").to_python("exp"), ArgumentError, "no name of a function"),
    (lambda: flux.parse("x").to_c("main"), ArgumentError, "no name of a function in C"),
    (lambda: flux.parse("x").to_c("f\n"), ArgumentError, "no name of a function"),
    (lambda: flux.parse("x").to_c(None), ArgumentError, "no name of a function"),
]


@pytest.mark.parametrize(("call", "error", "text"), MISTAKES)
def test_mistakes(call, error, text):
    with pytest.raises(error, match=text):
        call()
