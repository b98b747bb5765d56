"""What every input goes through: each stage of the pipeline, and the laws between stages.

A stage may raise FluxError and nothing else, and says nothing on the side: a warning is an error.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random
from time import thread_time
from typing import Any, TypeVar
from xml.etree.ElementTree import fromstring

import numpy as np

import flux
from flux.expr import Expr, count_nodes, inputs
from flux.expr.print_tree import to_tree
from flux.program import dumps, listing, loads
from flux.source import Source
from flux.syntax.definitions import Definition
from flux.syntax.elaborate import elaborate
from flux.syntax.read import read
from tests.fuzz.inputs import Input
from tests.fuzz.numeric import exercise_numeric

T = TypeVar("T")

_NUMBERS = (
    *(0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -0.5, 3.7, -8.0, 1e-300, 5e-324, 1e300, -1e300, 1e16, 170.6),
    *(float("inf"), float("-inf"), float("nan"), 0, 1, -3, 2**53, True, False),
)
_TEXT_BYTES = 2_048
_PROVED_NODES = 60
_COMPILED_NODES = 1_500  # larger ones compile in seconds, which tests/bench measures


class BrokenError(Exception):
    """A law between stages does not hold."""


@dataclass
class Trace:
    """What one input did.

    Attributes:
        seconds: CPU time of the longest run of each stage.
        total: CPU time of all runs.
        stage: the one that runs, or ran last.
        accepted: whether the text had a meaning.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    total: float = 0.0
    stage: str = ""
    accepted: bool = False

    @contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Count what happens inside as this stage."""
        self.stage = stage
        start = thread_time()
        try:
            yield
        finally:
            spent = thread_time() - start
            self.seconds[stage] = max(self.seconds.get(stage, 0.0), spent)
            self.total += spent

    def attempt(self, stage: str, function: Callable[[], T]) -> T | None:
        """The stage's value, or None where it raises FluxError; the error is looked at too."""
        with self.time(stage):
            try:
                return function()
            except flux.FluxError as error:
                check_error(error)
                return None


def exercise(case: Input, trace: Trace) -> None:
    """Send one input through everything."""
    rng = Random(case.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if case.module:
            _exercise_module(case.text, rng, trace)
            return
        e = trace.attempt("parse", lambda: elaborate(read(Source(case.text)), ()).result)
        if e is not None:
            trace.accepted = True
            exercise_expression(e, rng, trace)


def _exercise_module(text: str, rng: Random, trace: Trace) -> None:
    module = trace.attempt("load", lambda: flux.load_text(text))
    for name in list(module)[:6] if module is not None else ():
        graph = trace.attempt("build", lambda name=name: _build(module[name], rng))
        if graph is not None:
            trace.accepted = True
            exercise_expression(graph.result, rng, trace)


def _build(definition: Definition, rng: Random) -> Any:
    options = {option.name: rng.randint(0, 3) for option in definition.options}
    return definition.build(**options)


def exercise_expression(e: Expr, rng: Random, trace: Trace) -> None:
    """Everything that can be done with an expression."""
    _print(e, trace)
    names = [x.attributes.name for x in inputs(e)][:6]
    x = rng.choice(names) if names else "x"
    made = [
        trace.attempt("diff", lambda: e.diff(x)),
        trace.attempt("diff twice", lambda: e.diff(x, 2)),
        *(trace.attempt("gradient", lambda: e.gradient(names)) or ()),
        trace.attempt("simplify", lambda: _simplified(e)),
        trace.attempt("simplify exact", lambda: e.simplify(exact=True)),
    ]
    derivatives = [d for d in made if d is not None]
    for d in derivatives[:4]:
        _print(d, trace)
    _rewrite(e, x, names, trace)
    exercise_numeric(e, rng, trace)
    chosen = [e, rng.choice(derivatives)] if derivatives else [e]
    for part in chosen:
        _run(part, rng, trace)
    if derivatives:
        trace.attempt("simplify derivative", lambda: _simplified(derivatives[0]))


def _simplified(e: Expr) -> Expr:
    return e.simplify()


def _rewrite(e: Expr, x: str, names: list[str], trace: Trace) -> None:
    """Algebra of our own, which asks no other process."""
    for name, make in (
        ("expand", e.expand),
        ("collect", lambda: e.collect(x)),
        ("hessian", lambda: e.hessian(names[:3])),
        ("hvp", lambda: e.hvp({x: 1})),
        ("domain", lambda: [str(condition) for condition in e.domain()[:8]]),
    ):
        trace.attempt(name, make)
    if e.count_ops() > count_nodes(e):
        raise BrokenError("more operations than nodes")


def _print(e: Expr, trace: Trace) -> None:
    """What is printed reads back as the same node."""
    text = trace.attempt("print", lambda: str(e))
    if text is None or len(text) > 200_000:
        return
    with trace.time("parse again"):
        again = elaborate(read(Source(text)), ()).result
    if again is not e:
        raise BrokenError(f"parse(str(e)) is not e: {text[:300]!r} reads as {str(again)[:300]!r}")
    trace.attempt("latex", e.to_latex)
    trace.attempt("tree", lambda: to_tree(e))
    mathml = trace.attempt("mathml", e.to_mathml)
    if mathml is not None:
        fromstring(mathml)
    trace.attempt("dot", e.to_dot)
    svg = trace.attempt("svg", e.to_svg)
    if svg is not None:
        fromstring(svg)
    python = trace.attempt("python", e.to_python)
    if python is not None:
        ast.parse(python)
    trace.attempt("c", e.to_c)


# ---- Values --------------------------------------------------------------------------------------


def _run(e: Expr, rng: Random, trace: Trace) -> None:
    if count_nodes(e) > _COMPILED_NODES:
        return
    numbers = {x.attributes.name: _scalar(x, rng) for x in inputs(e)}
    trace.attempt("evaluate", lambda: flux.evaluate(e, numbers))
    if count_nodes(e) <= _PROVED_NODES:
        _prove(e, numbers, trace)
    sizes = {axis: rng.choice((1, 2, 3)) for part in inputs(e) for axis in part.axes}
    arrays = {x.attributes.name: _array(x, sizes, rng) for x in inputs(e)}
    trace.attempt("evaluate arrays", lambda: flux.evaluate(e, arrays))
    extra = {axis: 2 for axis in (*"abcdts", "e", "v", "i") if axis not in sizes}
    for backend in ("numpy", "vm"):
        compiled = trace.attempt(
            f"compile {backend}", lambda b=backend: flux.compile(e, backend=b, sizes=extra)
        )
        if compiled is not None:
            trace.attempt(f"{backend} number", lambda f=compiled: f(numbers))
            trace.attempt(f"{backend} array", lambda f=compiled: f(arrays))
            if backend == "vm":
                _store(compiled, arrays, trace)


def _prove(e: Expr, numbers: dict[str, Any], trace: Trace) -> None:
    """The digits that are proved lie in the interval that encloses."""
    digits = trace.attempt("digits", lambda: e.evaluate(numbers, digits=25))
    interval = trace.attempt("interval", lambda: flux.interval(e, numbers))
    if (
        interval is None
        or not isinstance(digits, flux.Digits)
        or abs(digits.decimal.adjusted()) > 400
    ):
        return
    value = Fraction(digits.decimal)
    margin = abs(value) / 10**24
    low = interval.low == -math.inf or Fraction(interval.low) <= value + margin
    high = interval.high == math.inf or Fraction(interval.high) >= value - margin
    if interval.empty or not low or not high:
        raise BrokenError(f"{digits} is not in {interval}")
    trace.attempt("check", lambda: flux.check_precision(e, numbers))


def _store(compiled: flux.CompiledFunction, arrays: dict[str, Any], trace: Trace) -> None:
    """A Program lists, and comes back from a file as it was."""
    program = trace.attempt("lower", lambda: compiled.program(arrays))
    if program is None:
        return
    trace.attempt("listing", lambda: listing(program))
    with trace.time("store"):
        stored = dumps(program)  # bytes are compared, as nan is not equal to itself
        if dumps(loads(stored)) != stored:
            raise BrokenError("a Program changes when it is stored")


def _scalar(x: Expr, rng: Random) -> Any:
    if x.axes:
        return _array(x, dict.fromkeys(x.axes, 2), rng)
    if x.attributes.integer:
        return rng.randint(-1, 5)
    return rng.choice(_NUMBERS) if rng.random() < 0.6 else rng.gauss(0, 3)


def _array(x: Expr, sizes: dict[str, int], rng: Random) -> Any:
    rows = rng.choice(((), (), (4,), (4,), (1,), (2, 4), (0,), (3,)))
    shape = rows + tuple(sizes[axis] for axis in x.attributes.axes)
    count = int(np.prod(shape))
    if x.attributes.integer:
        return np.array(
            [rng.randint(-1 if rng.random() < 0.05 else 0, 1) for _ in range(count)], int
        ).reshape(shape)
    values = [rng.choice(_NUMBERS) if rng.random() < 0.3 else rng.gauss(0, 3) for _ in range(count)]
    kind = rng.choice((np.float64, np.float64, np.float32))
    with np.errstate(over="ignore"):
        return np.array(values, np.float64).astype(kind).reshape(shape)


# ---- Errors --------------------------------------------------------------------------------------


def check_error(error: flux.FluxError) -> None:
    """An error's text is short, printable ASCII, and points into the text."""
    for part in error.errors:
        text = part.render()
        if len(text.encode()) > _TEXT_BYTES:
            raise BrokenError(f"an error of {len(text)} characters: {text[:200]!r}")
        if not text.isascii() or any((c < " " and c != "\n") or c == "\x7f" for c in text):
            raise BrokenError(f"an error that is not printable ASCII: {text!r}")
        if part.spans and part.line < 1:
            raise BrokenError(f"an error at line {part.line}: {text!r}")
    str(error)
