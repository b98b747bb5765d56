"""Nothing is opened, imported, compiled or executed while a formula is evaluated (T1)."""

import sys

import numpy as np
import pytest

import flux
from flux.expr import variable
from tests.program.programs import total

WATCHED = ("open", "exec", "compile", "import", "os.system", "subprocess.Popen", "ctypes.dlopen")
_seen: list[str] = []
_watching = [False]


def _hook(event: str, _: object) -> None:
    if _watching[0] and (event in WATCHED or event.startswith(("socket.", "os.", "urllib."))):
        _seen.append(event)


@pytest.fixture(scope="module", autouse=True)
def _installed():
    sys.addaudithook(_hook)  # it cannot be removed; `_watching` makes it cheap


@pytest.fixture
def watch():
    class Watch:
        def __enter__(self):
            _seen.clear()
            _watching[0] = True

        def __exit__(self, *_):
            _watching[0] = False

    yield Watch()
    _watching[0] = False


def test_the_watch_sees_what_it_should(watch):
    with watch:
        exec("1")
        import tabnanny  # noqa: F401  # one that nothing else imports
    assert "exec" in _seen
    assert "import" in _seen


TEXTS = [
    "a + b*2",
    "erf(a) + gamma(b) + lgamma(a + 3)",
    "where(a > b, log(a + 5), sqrt(b))",
    "a^b % 3 + atan2(a, b)",
    "isclose(a, b) or a < b",
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_one_shot_evaluation_touches_nothing(text, watch):
    flux.evaluate("1 + x", x=1)  # the grammar's table and what is imported late
    with watch:
        found = flux.evaluate(text, a=1.5, b=2.5)
    assert _seen == []
    assert isinstance(found, float)


def test_a_failing_evaluation_touches_nothing(watch):
    flux.evaluate("1 + x", x=1)
    with watch:
        for text in ["1/0", "1 +", "unknown(1)", "a + q", "(", "1e999", "__import__('os')"]:
            with pytest.raises(flux.FluxError) as caught:
                flux.evaluate(text, a=1)
            str(caught.value)
    assert _seen == []


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_a_compiled_call_touches_nothing_once_it_is_warm(text, backend, watch):
    f = flux.compile(text, backend=backend)
    a, b = np.linspace(0.1, 2, 10_000), 1.5
    wanted = f(a, b), f(0.5, b)
    with watch:
        found = f(a, b), f(0.5, b)
    assert _seen == []
    np.testing.assert_array_equal(found[0], wanted[0])
    assert found[1] == wanted[1]


def test_a_compiled_matrix_product_touches_nothing_once_it_is_warm(watch):
    x, w = variable("x", ("d",)), variable("w", ("d", "k"))
    f = flux.compile(total(x * w, "d"))
    values = np.ones((500, 8)), np.ones((8, 3))
    f(*values)
    with watch:
        f(*values)
    assert _seen == []
