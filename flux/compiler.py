"""The pipeline, and the only module that knows every stage.

text --parse--> Expr --differentiate, simplify--> Expr --lower--> Program --verify--> a callable
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TYPE_CHECKING, Any

from flux.errors import ArgumentError, DomainError, UnknownNameError, chosen, did_you_mean
from flux.expr import Expr, inputs
from flux.expr.evaluate import evaluate as evaluate_expression
from flux.expr.traverse import check_size
from flux.syntax import Block, parse, parse_block

if TYPE_CHECKING:
    from flux.compiled import CompiledFunction

BACKENDS = ("auto", "numpy", "vm")
DTYPES = ("float32", "float64")


def evaluate(formula: str | Expr, /, *args: Mapping[str, Any], **values: Any) -> Any:
    """The value of a formula, once, by the reference evaluator; nothing is generated.

    `flux.evaluate("a + b*2", a=5, b=10)` is 25.0.

    Args:
        formula: a text or an expression.
        args: the values as a mapping, which any name can be a key of.
        values: the values by name; they shadow constants such as e. `digits=50`, where the formula
            has no such name, asks for that many digits, each of them proved: the value is then a
            `Digits`, and inputs given as texts, Decimals, Fractions and whole numbers are exact.

    Raises:
        DomainError: an operation outside its domain, such as 1/0.
        FluxError: the text is not a formula, or a name has no value.
    """
    given: dict[str, Any] = {}
    for mapping in (*args, values):
        if not isinstance(mapping, Mapping):
            text = f"values come by name or as a mapping, not as {type(mapping).__name__}"
            raise ArgumentError(text, hint="such as evaluate(formula, x=1) or {'x': 1}")
        given.update(mapping)
    e = _expression(formula, given)
    if "digits" in values and all(x.attributes.name != "digits" for x in inputs(e)):
        return _evaluate_digits(formula, e, given)
    try:
        return evaluate_expression(e, given)
    except (DomainError, UnknownNameError) as error:
        if error.spans or not isinstance(formula, str):
            raise
    # It failed: once more, with the places of everything in the text.
    block = parse_block(formula, given=given)
    _check_values(block, given)
    return evaluate_expression(block.result, given, origins=block.origins)


def _evaluate_digits(formula: str | Expr, e: Expr, given: dict[str, Any]) -> Any:
    from flux.precision import evaluate_digits

    digits = given.pop("digits")
    try:
        return evaluate_digits(e, digits, given)
    except (ArgumentError, DomainError, UnknownNameError) as error:
        if error.spans or not isinstance(formula, str):
            raise
    # It failed: once more, with the places of everything in the text.
    block = parse_block(formula, given=given)
    _check_values(block, given)
    return evaluate_digits(block.result, digits, given, block.origins)


def compile(
    formula: str | Expr | Mapping[str, str | Expr],
    *,
    backend: str = "auto",
    dtype: str | None = None,
    threads: int = 1,
    domain: str = "nan",
    sizes: Mapping[str, int] | None = None,
) -> CompiledFunction:
    """Compile a formula into a function of numbers, arrays and tables.

    `f = flux.compile("sin(x)*exp(-x)")`, then `f(0.5)`, `f(x=array)`, `f(table)`,
    `f(x=array, out=buffer)`.

    Args:
        formula: a text, an expression, or several by name (a call then gives a dict).
        backend: "numpy" (the default, "auto") or "vm", the interpreter.
        dtype: "float32" or "float64"; by default the widest float among a call's arguments.
        threads: that a call over many rows may use; it never changes bits.
        domain: "nan" for IEEE values outside a domain, "raise" for a DomainError.
        sizes: of named axes that no argument has.

    Raises:
        FluxError: the text is not a formula, or an option has no such value.
    """
    # NumPy and all stages below: `evaluate` needs none of them, and starts twice as quickly.
    from flux.compiled import CompiledFunction, Options
    from flux.compiled.function import check_domain, check_threads

    texts = formula if isinstance(formula, Mapping) else {"": formula}
    outputs = {name: _expression(f) for name, f in texts.items()}
    if not outputs:
        raise ArgumentError("there is no formula to compile")
    for name in outputs:
        if not isinstance(name, str):
            raise ArgumentError(f"the name of a formula is a text, not {name!r}")
    check_size(*outputs.values())
    options = Options(
        backend={"auto": "numpy"}.get(chosen("backend", backend, BACKENDS), backend),
        dtype=chosen("dtype", dtype, DTYPES) if dtype is not None else "",
        threads=check_threads(threads),
        domain=check_domain(domain),
        sizes=_sizes(sizes if sizes is not None else {}),
    )
    return CompiledFunction(outputs, options)


def _check_values(block: Block, given: Mapping[str, Any]) -> None:
    """Raise UnknownNameError, with its place, where a name of a text has no value."""
    for e in inputs(block.result):
        name = e.attributes.name
        if name not in given:
            unused = sorted(set(map(str, given)))
            hint = did_you_mean(name, unused) or f"give it, as in {name}=1.0"
            raise UnknownNameError(f"no value for `{name}`", block.origins.get(e, ())[:1], hint)


def _expression(formula: str | Expr, given: Iterable[str] = ()) -> Expr:
    if isinstance(formula, str):
        return parse(formula, given=given)
    if not isinstance(formula, Expr):
        raise ArgumentError(f"a formula is a text or an expression, not {type(formula).__name__}")
    return formula


def _sizes(sizes: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(sizes, Mapping) or not all(isinstance(axis, str) for axis in sizes):
        raise ArgumentError("sizes are a mapping of axis names to whole numbers")
    for axis, count in sizes.items():
        if not isinstance(count, Integral) or isinstance(count, bool) or count < 1:
            raise ArgumentError(f"axis {axis} has size {count!r}; sizes are integers from 1")
    return tuple(sorted((axis, int(count)) for axis, count in sizes.items()))
