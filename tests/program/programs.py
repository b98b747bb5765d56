"""Programs that several tests share: a formula, softmax, attention, an embedding, an update."""

from __future__ import annotations

from flux.expr import (
    Expr,
    apply,
    constant,
    index,
    position,
    random,
    reduce,
    rename,
    variable,
    where,
)
from flux.lower import lower, repeat
from flux.ops import Op
from flux.program import Program


def total(x: Expr, *axes: str) -> Expr:
    return reduce(Op.SUM, x, axes)


def exp(x: Expr) -> Expr:
    return apply(Op.EXP, x)


def softmax(x: Expr, axis: str) -> Expr:
    z = exp(x - reduce(Op.MAX, x, [axis]))
    return z / total(z, axis)


def formula() -> Program:
    """A formula over rows: y is the same number for all of them."""
    x, y = variable("x"), variable("y")
    return lower({"f": apply(Op.SIN, x) * exp(-x) + y**2}, [x, y], rows=frozenset(("x",)))


def softmax_program() -> Program:
    x = variable("x", ("b", "i"))
    return lower({"y": softmax(x, "i")}, [x], sizes={"b": 2, "i": 5}, dtype="float32")


def attention() -> tuple[Expr, list[Expr]]:
    """One head of causal attention, summed up; and its inputs."""
    x, q, k = variable("x", ("t", "d")), variable("Wq", ("d", "k")), variable("Wk", ("d", "k"))
    query, key = total(x * q, "d"), rename(total(x * k, "d"), {"t": "s"})
    score = where(
        apply(Op.LE, position("s"), position("t")), total(query * key, "k"), -constant("inf")
    )
    mixed = total(softmax(score, "s") * key, "s")
    return total(mixed * mixed, "t", "k"), [x, q, k]


def attention_gradient(dtype: str = "float64") -> Program:
    from flux.calculus import gradient

    loss, given = attention()
    found = gradient(loss, given[1:])
    outputs = {"loss": loss, "dWq": found[0], "dWk": found[1]}
    orders = {"dWq": ("d", "k"), "dWk": ("d", "k")}
    sizes = {"t": 4, "d": 6, "k": 3}
    return lower(outputs, given, sizes=sizes, dtype=dtype, orders=orders)


def embedding_gradient() -> Program:
    """A gather, its scatter, packed parameters, and random numbers."""
    from flux.calculus import gradient

    table, tokens = variable("E", ("v", "d")), variable("tokens", ("t",), integer=True)
    bias, seed = variable("bias", ("d",)), variable("seed", integer=True)
    taken = index(table, {"v": tokens}) + bias
    kept = where(apply(Op.LT, random("drop", ("t", "d"), seed, 0), 0.9), taken, 0)
    loss = total(kept * kept, "t", "d")
    found = gradient(loss, [table, bias])
    return lower(
        {"loss": loss, "dE": found[0], "dbias": found[1]},
        [tokens, seed, table, bias],
        sizes={"v": 7, "d": 3, "t": 5},
        packs={"weights": ["E", "bias"], "gradients": ["dE", "dbias"]},
    )


def update() -> Program:
    """Momentum: two states, overwritten in place."""
    w, m, g = (variable(name, ("n",)) for name in ("w", "m", "g"))
    moved = m * 0.9 + g
    return lower(
        {"next w": w - moved * 0.1, "next m": moved},
        [w, m, g],
        sizes={"n": 4},
        updates={"next w": "w", "next m": "m"},
        name="momentum",
    )


def updates() -> Program:
    """The same, three times in one call, with a gradient for each."""
    return repeat(update(), 3, ["g"])


ALL = {
    "formula": formula,
    "softmax": softmax_program,
    "attention gradient": attention_gradient,
    "embedding gradient": embedding_gradient,
    "update": update,
    "updates": updates,
}
