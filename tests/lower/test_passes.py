"""The other passes of lowering: renames, one-hot sums, powers, layout, memory, state, packs."""

import numpy as np
import pytest

from flux.backends.runner import Runner
from flux.errors import ArgumentError, AxisError, ShapeError
from flux.expr import (
    apply,
    constant,
    index,
    position,
    random,
    reduce,
    rename,
    size,
    variable,
    where,
)
from flux.expr.evaluate import evaluate
from flux.expr.signature import signature
from flux.lower import lower
from flux.nn.programs import gradient_program
from flux.ops import Op
from flux.program import Role
from tests.backends.agree import BACKENDS
from tests.gpt_models import BATCH, SHAPE, gpt
from tests.lower.look import check, fits_blas, largest, lowered, moved, opcodes, products
from tests.program.programs import total

RNG = np.random.default_rng(0)
SIZES = {"t": 5, "s": 3, "u": 5, "d": 4, "v": 6, "n": 4}
X, Y = variable("x", ("t", "d")), variable("y", ("s", "d"))
VALUES = {"x": RNG.normal(size=(5, 4)), "y": RNG.normal(size=(3, 4))}


# Renames are views.


def test_a_rename_is_a_view_and_a_smaller_axis_a_prefix():
    program = check(rename(X, {"t": "s"}) * Y, VALUES, SIZES)
    assert dict(opcodes(program)) == {"mul": 1}


def test_a_swap_of_axes_is_a_view():
    square = variable("q", ("t", "u"))
    e = square - rename(square, {"t": "u", "u": "t"})
    assert dict(opcodes(check(e, {"q": RNG.normal(size=(5, 5))}, SIZES))) == {"sub": 1}


def test_a_rename_of_a_shorter_rename_keeps_the_prefix():
    e = rename(rename(X, {"t": "s"}) + 0, {"s": "u"})
    shorter = {"t": 5, "s": 3, "u": 2, "d": 4}
    check(e, {"x": VALUES["x"]}, shorter)
    check(rename(rename(X, {"t": "s"}), {"s": "u"}), {"x": VALUES["x"]}, shorter)


def test_a_sum_over_positions_pads_with_zeros():
    g = Y * 2
    e = total(where(apply(Op.EQ, position("t"), position("s")), g, 0), "s")
    program = check(e, {"y": VALUES["y"]}, SIZES)  # [t, d], zero from 3 on
    assert "scatter" not in opcodes(program)
    assert opcodes(program)["fill"] == 1


def test_a_sum_over_positions_of_a_longer_axis_is_a_view():
    e = total(where(apply(Op.EQ, position("s"), position("t")), X, 0), "t")
    assert dict(opcodes(check(e, {"x": VALUES["x"]}, SIZES))) == {"copy": 1}


def test_a_sum_over_positions_of_a_value_that_lacks_the_axis():
    v = variable("c", ("d",))
    for one, other in (("t", "s"), ("s", "t")):
        e = total(where(apply(Op.EQ, position(other), position(one)), v, 0), one)
        check(e, {"c": RNG.normal(size=4)}, SIZES)


# One-hot sums are scatters.


def test_a_one_hot_sum_is_a_scatter_and_no_matrix_is_stored():
    i, g = variable("i", ("t",), integer=True), variable("g", ("t", "d"))
    values = {"i": np.array([0, 5, 5, 2, 0]), "g": RNG.normal(size=(5, 4))}
    for hot in (apply(Op.EQ, position("v"), i), apply(Op.EQ, i, position("v"))):
        e = total(where(hot, g, 0), "t")
        program = check(e, values, SIZES)
        assert opcodes(program)["scatter"] == 1
        assert "where" not in opcodes(program)


def test_what_only_looks_like_one_hot_is_not_a_scatter():
    i, g = variable("i", ("t",), integer=True), variable("g", ("t", "v"))
    values = {"i": np.array([0, 5, 5, 2, 0]), "g": RNG.normal(size=(5, 6))}
    for e in [
        total(where(apply(Op.EQ, position("v"), i), g, 0), "t"),  # g depends on v
        total(where(apply(Op.EQ, position("v"), i), 1, 1), "t"),
        total(where(apply(Op.NE, position("v"), i), 1, 0), "t"),
        total(where(apply(Op.EQ, position("v"), i), 1, 0), "v"),
    ]:
        given = {n: v for n, v in values.items() if n in str(e)}
        program = check(e, given, SIZES)
        assert "scatter" not in opcodes(program)


# Powers.

# (exponent, opcodes)
POWERS = [
    (1, {"copy": 1}),
    (2, {"square": 1}),
    (3, {"square": 1, "mul": 1}),
    (4, {"square": 2}),
    (6, {"square": 2, "mul": 1}),
    (7, {"pow": 1}),
    (9, {"pow": 1}),
    (0.5, {"sqrt": 1}),
    (1.5, {"pow": 1}),
    (-1, {"reciprocal": 1}),
    (-2, {"square": 1, "reciprocal": 1}),
    (-0.5, {"sqrt": 1, "reciprocal": 1}),
    (1e308, {"pow": 1}),
    (float("inf"), {"pow": 1}),
    (float("nan"), {"pow": 1}),
]


@pytest.mark.parametrize(("exponent", "wanted"), POWERS, ids=[str(row[0]) for row in POWERS])
def test_constant_powers_are_products_roots_and_reciprocals(exponent, wanted):
    assert dict(opcodes(lowered(variable("x") ** constant(exponent), sizes={}))) == wanted


# Layout.


@pytest.mark.parametrize("batch", [1, BATCH])
def test_a_gpt_and_its_gradients_need_no_copy_and_every_product_fits_blas(batch):
    model = gpt()
    program = gradient_program(model, {**model.sizes, "b": batch, "t": SHAPE.context})
    functions = program.functions
    assert [i for function in functions for i in moved(function)] == []
    assert all(
        fits_blas(i)
        for function in functions
        for i in function.instructions
        if i.opcode == "contract"
    )
    copies = [i for i in program.entry.instructions if i.opcode == "copy"]
    assert len(copies) <= 1  # one value that is the gradient of two parameters


def test_a_product_that_blas_cannot_take_is_copied_and_right():
    a, b = variable("a", ("t", "d", "s", "n")), variable("b", ("s", "v", "d", "n"))
    values = {"a": RNG.normal(size=(5, 4, 3, 4)), "b": RNG.normal(size=(3, 6, 4, 4))}
    for axes in [("d",), ("d", "n"), ("s", "n"), ("s", "d"), ("n",), ("s",)]:
        program = check(total(a * b, *axes), values, SIZES)
        assert all(fits_blas(i) for i in products(program))


def test_the_result_has_the_wanted_order_of_axes():
    w = variable("w", ("d", "v"))
    e = total(X * w, "d")
    for order in (("t", "v"), ("v", "t")):
        program = lower({"y": e}, [X, w], sizes=SIZES, orders={"y": order})
        values = {"x": VALUES["x"], "w": RNG.normal(size=(4, 6))}
        found = Runner(program)(**values)["y"]
        wanted = values["x"] @ values["w"]
        np.testing.assert_allclose(found, wanted if order == ("t", "v") else wanted.T, rtol=1e-12)


# Memory.


def test_temporaries_share_the_arena_and_chains_run_in_place():
    e = X
    for op in (Op.SIN, Op.EXP, Op.TANH, Op.COS, Op.ATAN) * 4:
        e = apply(op, e)
    program = check(e, {"x": VALUES["x"]}, SIZES)
    assert program.arena_bytes <= 192  # one tensor of 160 bytes, in lines of 64
    assert len({b.offset for b in program.entry.buffers if b.role is Role.TEMPORARY}) == 1


def test_an_operand_that_is_read_again_is_not_overwritten():
    a = apply(Op.EXP, X)
    b = apply(Op.SIN, a)
    check(b * a + apply(Op.COS, b), {"x": VALUES["x"]}, SIZES)
    m = total(a, "d")
    check((a - m) / (a + rename(total(a, "t"), {})), {"x": VALUES["x"]}, SIZES)
    square = apply(Op.EXP, variable("q", ("t", "u")))
    turned = rename(square, {"t": "u", "u": "t"})
    check(square + turned, {"q": RNG.normal(size=(5, 5))}, SIZES)


# The invariant head.


def test_what_depends_on_no_input_stands_at_the_head_and_is_kept():
    mask = apply(Op.LE, position("t"), position("u"))
    weights = apply(Op.SIN, position("t") * 1.0 + size("u"))
    q = variable("q", ("t", "u"))
    program = lowered(where(mask, q, 0) * weights, sizes=SIZES)
    entry = program.entry
    assert {i.opcode for i in entry.instructions[: entry.invariant]} >= {"iota", "le", "sin"}
    runner = Runner(program)
    first = runner(q=np.ones((5, 5)))["result 0"]
    np.testing.assert_array_equal(runner(q=np.ones((5, 5)))["result 0"], first)
    assert not any(
        entry.buffers[v.buffer].role in (Role.INPUT, Role.STATE)
        for i in entry.instructions[: entry.invariant]
        for v in i.operands
    )


def test_random_numbers_of_a_constant_seed_are_part_of_the_head():
    program = lowered(variable("x", ("t",)) + random("a", ("t",), 1, 2), sizes=SIZES)
    assert program.entry.invariant == 1


# State.

W, V, G, COND = (variable(name, ("n",)) for name in ("w", "v", "g", "c"))

# (what it is, new values, which are overwritten, opcodes of copies that are needed)
UPDATES = [
    ("in place", {"w": W - G}, 0),
    ("two states", {"w": W + V, "v": W - V}, 1),
    ("one after another", {"v": V * 0.9 + G, "w": W - (V * 0.9 + G)}, 0),
    ("a swap", {"w": V, "v": W}, 4),
    ("a rotation", {"w": V, "v": G, "g": W}, 6),
    ("itself", {"w": W}, 0),
    ("another input", {"w": G}, 1),
    ("a number", {"w": constant(0)}, 1),
    ("a sum", {"w": total(W, "n")}, 1),
    ("one value twice", {"w": W + V, "v": W + V}, 1),
    ("a choice of the old", {"w": where(apply(Op.GT, COND, 0), W, G)}, 0),
    ("a choice of the new", {"w": where(apply(Op.GT, COND, 0), G, W)}, 0),
    ("a choice by the old", {"w": where(apply(Op.GT, W, 0), G, V)}, 0),
]


def run_update(outputs, updates, backend, packs=None, sizes=SIZES):
    given = list(dict.fromkeys(x for e in outputs.values() for x in signature(e)))
    given += [x for x in (W, V, G) if x.attributes.name in updates.values() and x not in given]
    program = lower(outputs, given, sizes=sizes, updates=updates, packs=packs or {})
    before = {
        x.attributes.name: RNG.normal(size=[sizes[a] for a in x.attributes.axes]) for x in given
    }
    state, plain = {}, {}
    for buffer in program.entry.buffers:
        if buffer.role in (Role.STATE, Role.INPUT):
            names = (packs or {}).get(buffer.name, [buffer.name])
            joined = np.concatenate([before[name].reshape(-1) for name in names])
            (state if buffer.role is Role.STATE else plain)[buffer.name] = joined
    found = Runner(program, backend, state)(**plain)
    return program, before, found


@pytest.mark.parametrize(("what", "new", "copies"), UPDATES, ids=[row[0] for row in UPDATES])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("packed", [False, True])
def test_state_is_overwritten_as_if_all_at_once(what, new, copies, backend, packed):
    outputs = {f"next {name}": e for name, e in new.items()}
    updates = {f"next {name}": name for name in new}
    packs = {"pack": sorted(new)} if packed else {}
    program, before, found = run_update(outputs, updates, backend, packs)
    for name, e in outputs.items():
        used = {x.attributes.name: before[x.attributes.name] for x in signature(e)}
        wanted = evaluate(e, used, sizes=SIZES)
        np.testing.assert_allclose(found[name], np.broadcast_to(wanted, 4), rtol=1e-14)
    if not packed:
        assert opcodes(program)["copy"] <= copies


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("first", [True, False])
def test_the_old_state_can_be_an_output(backend, first):
    old, new = {"old": W}, {"next w": W + 1}
    outputs = {**old, **new} if first else {**new, **old}
    _, before, found = run_update(outputs, {"next w": "w"}, backend)
    np.testing.assert_array_equal(found["old"], before["w"])
    np.testing.assert_array_equal(found["next w"], before["w"] + 1)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_matrix_is_overwritten_by_its_transpose(backend):
    q = variable("q", ("t", "u"))
    e = rename(q, {"t": "u", "u": "t"})
    for new in (e, e + 1, e + q):
        outputs, sizes = {"next": new}, {"t": 3, "u": 3}
        program = lower(outputs, [q], sizes=sizes, updates={"next": "q"})
        before = RNG.normal(size=(3, 3))
        found = Runner(program, backend, {"q": before.reshape(-1).copy()})()["next"]
        wanted = {e: before.T, e + 1: before.T + 1, e + q: before.T + before}[new]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_integer_state_counts_beyond_what_float32_holds(backend):
    n = variable("n", integer=True)
    program = lower({"next n": n + 1}, [n], dtype="float32", updates={"next n": "n"})
    state = {"n": np.array([2**24])}
    runner = Runner(program, backend, state)
    runner()
    runner()
    assert state["n"].tolist() == [2**24 + 2]


# Packs.


def test_packed_tensors_lie_in_declared_order():
    a, b, c = variable("a", ("s", "d")), variable("b"), variable("c", ("t",))
    outputs = {"p": c * 2, "q": a + b}
    packs = {"in": ["a", "b", "c"], "out": ["p", "q"]}
    program = lower(outputs, [a, b, c], sizes=SIZES, packs=packs)
    values = RNG.normal(size=12 + 1 + 5)
    runner = Runner(program)
    found = runner(**{"in": values})
    np.testing.assert_array_equal(found["p"], values[13:] * 2)
    np.testing.assert_array_equal(found["q"].reshape(-1), values[:12] + values[12])
    np.testing.assert_array_equal(
        runner.buffer("out"), np.concatenate([found["p"], found["q"].reshape(-1)])
    )


# Errors.

I = variable("i", ("t",), integer=True)  # noqa: E741

# (call, error, a part of its message)
WRONG = [
    (lambda: lowered(X, sizes={"t": 5}), ShapeError, "size of axis d is not known"),
    (lambda: lowered(X, sizes={"t": 5, "d": 0}), ShapeError, "axis d has size 0"),
    (lambda: lowered(X, sizes={"t": 5, "d": -3}), ShapeError, "sizes are at least 1"),
    (
        lambda: lowered(rename(X, {"t": "s"}), sizes={"t": 2, "s": 3, "d": 1}),
        ShapeError,
        "of size 3",
    ),
    (lambda: lowered(size("q"), sizes={}), ShapeError, "size of axis q"),
    (lambda: lowered(total(variable("x"), "q"), sizes={}), ShapeError, "size of axis q"),
    (
        lambda: lowered(index(X, {"t": variable("r")}), sizes=SIZES),
        AxisError,
        "index must be an integer",
    ),
    (
        lambda: lowered(index(X, {"t": constant(5)}), sizes=SIZES),
        AxisError,
        "index 5 is outside axis t",
    ),
    (
        lambda: lowered(index(X, {"t": constant(1)}), sizes={"t": 1, "d": 2}),
        AxisError,
        "outside axis t",
    ),
    (lambda: lower({"y": X}, [Y], sizes=SIZES), ArgumentError, "x is not in the signature"),
    (lambda: lower({"y": X}, [X], sizes=SIZES, orders={"y": ["t"]}), AxisError, "has axes [d, t]"),
    (
        lambda: lower({"y": X}, [X, W], sizes=SIZES, updates={"y": "w"}),
        AxisError,
        "overwrites w with axes [n]",
    ),
    (
        lambda: lower({"y": X}, [X, I], sizes=SIZES, packs={"p": ["x", "i"]}),
        ArgumentError,
        "different types",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_lowered_is_an_error_that_says_why(call, error, text):
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)


def test_sizes_pass_through_renames_in_any_order():
    x = variable("x", ("t",))
    e = rename(rename(x, {"t": "a"}) + 0, {"a": "b"}) + rename(variable("z", ("b",)), {"b": "b"})
    program = lowered(e, sizes={"t": 5})
    assert dict(program.sizes) == {"t": 5, "a": 5, "b": 5}


def test_equal_parts_are_computed_once_and_unused_ones_not_at_all():
    a = apply(Op.EXP, X)
    program = lowered(a + 1, apply(Op.EXP, X) * 2, sizes=SIZES)
    assert opcodes(program)["exp"] == 1
    assert dict(opcodes(lowered(X + 1, sizes=SIZES))) == {"add": 1}


def test_constants_are_folded():
    e = X * (constant(2) * 3 + apply(Op.SQRT, constant(4)))
    assert dict(opcodes(lowered(e, sizes=SIZES))) == {"mul": 1}
    assert largest(lowered(e, sizes=SIZES)) == 0


def test_a_maximum_over_every_axis_and_reductions_of_every_kind():
    for op in (Op.SUM, Op.PROD, Op.MAX, Op.MIN):
        for axes in (["t"], ["d"], ["t", "d"]):
            check(reduce(op, X, axes), {"x": VALUES["x"]}, SIZES)
    for axis in ("t", "d"):
        check(reduce(Op.ARGMAX, X, [axis]), {"x": VALUES["x"]}, SIZES)
