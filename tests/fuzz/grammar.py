"""Random texts of the language: formulas, blocks over named axes, files of definitions.

Most are meaningful; the rest fail late, in names, axes or sizes, which is where a grammar alone
would not reach. Depths and lengths are bounded, so that the usual text is a few lines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

from flux.ops import POINTWISE, REDUCTIONS, Op
from flux.syntax.module import LIBRARY

# Among them words of Python, of NumPy and of generated code, and constants of the language.
NAMES = (
    *("x", "y", "z", "x", "y", "rate", "k1", "t", "a", "b"),
    *("lambda", "np", "out", "v0", "f_add", "ndarray", "rows", "self", "__class__", "exec"),
    *("e", "pi", "E", "Pi", "domain", "threads", "param", "input", "layer", "model", "sum", "i"),
    *("`a b`", "`size`", "`block.0.W`", "`and`", "`pi`", "`%s{0}`"),
)
NUMBERS = (
    *("0", "1", "2", "3", "0.5", "1e-5", "1.0", "0.1", "10", "1e300", "1e-320", "1e400", "1e-400"),
    *("9007199254740993", "123456789012345678901234567890", "0.0", "2.", ".5", "1e+05"),
    *("inf", "nan", "true", "false", "pi", "e", "E", "PI"),
)
BINARY = ("+", "-", "*", "/", "%", "^", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or", "&&")
AXES = ("a", "b", "c", "d", "t", "s")

Part = Callable[[Random, int], str]


@cache
def functions() -> tuple[tuple[str, int], ...]:
    """Every function of plain arguments with how many it takes."""
    primitive = [(op.row.name, op.row.arity) for op in POINTWISE if op is not Op.CUSTOM]
    library = [LIBRARY.find(name) for name in LIBRARY.names()]
    written = [(d.name, len(d.formals)) for d in library if d and d.kind == "function"]
    several = [("max", 3), ("min", 4), ("diff", 2), ("grad", 2), ("diff", 3)]
    words = {"neg", "add", "sub", "mul", "div", "pow", "mod", "lt", "le", "gt", "ge", "eq", "ne"}
    return tuple(pair for pair in (*primitive, *written, *several) if pair[0] not in words)


def _leaf(rng: Random, _: int = 0) -> str:
    return rng.choice(NAMES if rng.random() < 0.6 else NUMBERS)


def _binary(rng: Random, depth: int) -> str:
    return f"{formula(rng, depth)} {rng.choice(BINARY)} {formula(rng, depth)}"


def _group(rng: Random, depth: int) -> str:
    return f"({formula(rng, depth)})"


def _prefix(rng: Random, depth: int) -> str:
    return rng.choice(("-", "+", "!", "not ")) + formula(rng, depth)


def _call(rng: Random, depth: int) -> str:
    name, count = rng.choice(functions())
    return f"{name}({', '.join(formula(rng, depth - 1) for _ in range(max(0, count)))})"


def _choice(rng: Random, depth: int) -> str:
    return " ".join((formula(rng, depth), "?", formula(rng, depth), ":", formula(rng, depth)))


def _power(rng: Random, depth: int) -> str:
    exponent = rng.choice(("2", "3", "-1", "0", "0.5", "1/2", "100", "9^9^9", "-2^2", "n", "x"))
    return f"({formula(rng, depth)})^{exponent}"


_PARTS: tuple[Part, ...] = (_binary, _binary, _binary, _group, _prefix, _call, _call, _choice)


def formula(rng: Random, depth: int = 4) -> str:
    """A formula of plain numbers."""
    if depth <= 0 or rng.random() < 0.15:
        return _leaf(rng)
    part = _power if rng.random() < 0.08 else rng.choice(_PARTS)
    return part(rng, depth - 1)


def _axes(rng: Random, most: int = 2) -> str:
    return ", ".join(rng.sample(AXES, rng.randint(1, most)))


def _reduction(rng: Random, depth: int, names: list[str]) -> str:
    name = rng.choice((*(op.row.name for op in REDUCTIONS), "mean", "softmax", "logsumexp", "norm"))
    return f"{name}[{_axes(rng)}]({tensor(rng, depth, names)})"


def _access(rng: Random, depth: int, names: list[str]) -> str:
    axis, other = rng.sample(AXES, 2)
    index = rng.choice((other, other, "tokens", "n", f"position[{other}]", "0", f"{axis} + 1"))
    target = rng.choice(names) if rng.random() < 0.6 else f"({tensor(rng, depth, names)})"
    return f"{target}[{axis} = {index}]"


def _pointwise(rng: Random, depth: int, names: list[str]) -> str:
    operator = rng.choice((*"+-*/*+", "<", "^"))
    return f"({tensor(rng, depth, names)} {operator} {tensor(rng, depth, names)})"


def _function(rng: Random, depth: int, names: list[str]) -> str:
    name, count = rng.choice(functions())
    return f"{name}({', '.join(tensor(rng, depth, names) for _ in range(max(0, count)))})"


def _tensor_leaf(rng: Random, names: list[str]) -> str:
    axis = rng.choice(AXES)
    if rng.random() < 0.7:
        return rng.choice(names)
    return rng.choice((f"size[{axis}]", f"position[{axis}]", axis, "2", "0.5", "-inf", "tokens"))


_TENSOR_PARTS = (_reduction, _access, _pointwise, _pointwise, _function)


def tensor(rng: Random, depth: int, names: list[str]) -> str:
    """A formula over named axes; `names` are the values that it can use."""
    if depth <= 0 or rng.random() < 0.15:
        return _tensor_leaf(rng, names)
    return rng.choice(_TENSOR_PARTS)(rng, depth - 1, names)


_DECLARATIONS = "input x[a, b], y[b, d], w[b, c], E[d, c], tokens[a]: int, n: int\naxis s, t\n"


def block(rng: Random) -> str:
    """Declarations, bindings, a value."""
    names = ["x", "y", "w", "E", "k1"]
    lines = []
    for i in range(rng.randint(0, 4)):
        lines.append(f"u{i} = {tensor(rng, 2, names)}\n")
        names += [f"u{i}"] * 2
    last = tensor(rng, 3, names)
    if rng.random() < 0.3:
        last = f"grad(sum[a, b, c, d]({last}), {rng.choice(('x', 'w', 'E'))})"
    assumed = "assume k1 > 0\n" if rng.random() < 0.2 else ""
    return _DECLARATIONS + assumed + "".join(lines) + last


def _plain_function(rng: Random, i: int) -> str:
    formals = rng.sample(("x", "y", "p", "q"), rng.randint(0, 3))
    earlier = f" + f{rng.randint(0, i)}({', '.join(formals)})" if rng.random() < 0.4 else ""
    header = f"f{i}({', '.join(formals)})"
    if rng.random() < 0.5:
        return f"{header} = {formula(rng, 2)}{earlier}\n"
    return f"{header}:\n    z = {formula(rng, 2)}\n    z*z{earlier}\n"


def _axis_function(rng: Random, i: int) -> str:
    axis = rng.choice(AXES)
    return f"g{i}[{axis}](x):\n    z = {tensor(rng, 2, ['x'])}\n    {tensor(rng, 2, ['x', 'z'])}\n"


def _layer(rng: Random, i: int) -> str:
    value = tensor(rng, 2, ["x", "W", "bias", "sum[d](x*W) + bias", "layer_norm(x)"])
    start = rng.choice(("normal(0, 0.02)", "uniform(-1, 1)", "0", "1/sqrt(size[d])"))
    inner = f"    x = {rng.choice((f'l{max(0, i - 1)}', 'mlp', 'linear'))}(x)\n"
    inner = inner if rng.random() < 0.3 else ""
    return (
        f"layer l{i}[d, e](x[d]; depth: int = {rng.randint(0, 3)}):\n"
        f"    param W[d, e] ~ {start}\n    param bias[e] = 0\n{inner}    {value}\n"
    )


def _model(rng: Random, i: int) -> str:
    body = rng.choice((f"repeat(l0, {rng.randint(0, 3)})(x)", "l0(x)", "g0(x)", "f0(x, x)", "x"))
    loss = rng.choice(("mean[b, d](h^2)", "sum[b](h)", "grad(mean[b, d](h*h), x)", "h"))
    return f"model m{i}(x[b, d], y[b]: int; n: int = 2):\n    h = {body}\n    {loss}\n"


def _derivative(rng: Random, _: int) -> str:
    return f"f0(x) = {formula(rng, 2)}\nderivative f0(x) = {formula(rng, 2)}\n"


def module(rng: Random) -> str:
    """A file of definitions."""
    makers = (_plain_function, _plain_function, _axis_function, _layer, _layer, _model, _derivative)
    chosen = [rng.choice(makers) for _ in range(rng.randint(1, 5))]
    if rng.random() < 0.5:
        chosen = [_layer, *chosen, _model]
    return "".join(maker(rng, i) for i, maker in enumerate(chosen))
