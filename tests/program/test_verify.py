"""Every rule of the verifier has a broken Program that it refuses, with the rule's own words."""

import re
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from enum import Enum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.errors import ProgramError
from flux.program import (
    ROWS,
    Buffer,
    DType,
    Function,
    Instruction,
    Port,
    Program,
    Role,
    View,
    verify,
)
from tests.program import programs

F, G, N, T = DType.FLOAT64, DType.FLOAT32, DType.INT64, DType.BOOL


def view(buffer, shape=(6,), strides=None, offset=0):
    if strides is None:
        strides = tuple([6, 1][2 - len(shape) :]) if shape != () else ()
    return View(buffer, offset, shape, strides)


# One function that uses every kind of buffer; the rows below break it in one place each.
BUFFERS = {
    "x": Buffer("x", F, 6, Role.INPUT),
    "y": Buffer("y", F, 6, Role.OUTPUT),
    "w": Buffer("w", F, 6, Role.STATE),
    "c": Buffer("2.0", F, 1, Role.CONSTANT, value=2.0),
    "t": Buffer("t", F, 6, Role.TEMPORARY),
    "u": Buffer("u", F, 6, Role.TEMPORARY, offset=64),
    "b": Buffer("b", T, 6, Role.TEMPORARY, offset=128),
    "n": Buffer("n", N, 6, Role.TEMPORARY, offset=192),
    "k": Buffer("k", N, 6, Role.INPUT),
    "s": Buffer("s", F, 6, Role.TEMPORARY, offset=24),  # shares bytes with t
    "r": Buffer("r", F, 2, Role.INPUT, rows=True),
    "q": Buffer("q", F, 2, Role.TEMPORARY, rows=True),
    "z": Buffer("z", N, 1, Role.CONSTANT, value=1),
    "h": Buffer("h", G, 6, Role.INPUT),
    "m": Buffer("m", F, 6, Role.TEMPORARY, offset=256),
}
AT = {name: n for n, name in enumerate(BUFFERS)}
X, Y, W, C, TT, U, B, K, S, NN, M = (view(AT[name]) for name in "xywctubksnm")
TWO = view(AT["c"], (6,), (0,))
ROW = View(AT["r"], 0, (ROWS, 2), (2, 1))
QROW = View(AT["q"], 0, (ROWS, 2), (2, 1))
SCALAR, ONE = view(AT["c"], ()), view(AT["z"], ())
MATRIX = view(AT["x"], (2, 3), (3, 1))


def do(opcode, results, *operands, attributes=()):
    results = results if isinstance(results, tuple) else (results,)
    return Instruction(opcode, results, operands, attributes)


BODY = [do("mul", TT, X, TWO), do("add", Y, TT, X), do("sub", W, W, TT)]


def function(instructions=BODY, invariant=0, arena=320, row=16, **changed):
    buffers = tuple(changed.get(name, buffer) for name, buffer in BUFFERS.items())
    inputs = tuple(Port(n, view(AT[n])) for n in "xkwh")
    outputs = (Port("y", Y), Port("next w", W))
    return Function("f", buffers, inputs, outputs, tuple(instructions), arena, row, invariant)


def program(*args, **changed):
    return Program((function(*args, **changed),))


def buffer(name, **fields):
    return program(**{name: replace(BUFFERS[name], **fields)})


def body(*instructions, **options):
    return program([*BODY, *instructions], **options)


def ports(**fields):
    return Program((replace(function(), **fields),))


CALLEE = Function(
    "g",
    (Buffer("a", F, 6, Role.INPUT), Buffer("b", F, 6, Role.OUTPUT), Buffer("v", F, 6, Role.STATE)),
    (Port("a", view(0)), Port("v", view(2))),
    (Port("b", view(1)), Port("v", view(2))),
    (do("neg", view(1), view(0)), do("add", view(2), view(2), view(0))),
)
ROWWISE = Function(
    "over rows",
    (Buffer("a", F, 2, Role.INPUT, rows=True), Buffer("b", F, 2, Role.OUTPUT, rows=True)),
    (Port("a", View(0, 0, (ROWS, 2), (2, 1))),),
    (Port("b", View(1, 0, (ROWS, 2), (2, 1))),),
    (do("neg", View(1, 0, (ROWS, 2), (2, 1)), View(0, 0, (ROWS, 2), (2, 1))),),
)


def caller(*instructions, callee=CALLEE):
    return Program((callee, function([*BODY, *instructions])))


def call(results, *operands, attributes=(0,), opcode="call"):
    return do(opcode, results, *operands, attributes=attributes)


def gather(*plan, index=K):
    return do("gather", TT, X, index, attributes=(plan,))


GOOD = [
    program(),
    body(do("gather", TT, X, K, attributes=(((1, 0),),))),
    body(do("scatter", U, X, K, attributes=(((1, 0),),))),
    body(do("lt", B, X, TWO), do("where", U, B, X, TT)),
    body(do("neg", QROW, ROW)),
    body(do("max", view(AT["u"], (2,), (1,)), MATRIX, attributes=((1,),))),
    body(
        do(
            "mul",
            view(AT["u"], (3,), (1,)),
            view(AT["x"], (3,), (1,), 3),
            MATRIX_ROW := view(AT["x"], (3,), (1,)),
        )
    ),
    caller(call((NN, Y, W), X, W)),
    caller(call((NN, Y, W), X, W, attributes=(0, 5), opcode="iterate")),
    caller(call((Y,), X, attributes=(0, 3), opcode="map"), callee=ROWWISE),
    # A part of a buffer in the place of another part: no bytes are shared.
    body(do("neg", view(AT["w"], (3,), (1,)), view(AT["w"], (3,), (1,), 3))),
]

# (what the message says, the broken Program)
BROKEN = [
    ("at least one function", Program(())),
    # Buffers.
    ("a size is out of range", buffer("x", size=0)),
    ("a size is out of range", buffer("x", size=-6)),
    ("a size is out of range", buffer("x", size=(1 << 40) + 1)),
    ("a constant has one element", buffer("c", size=2)),
    ("a constant has one element", buffer("c", rows=True)),
    ("value is not of its type", buffer("c", value=2)),
    ("value is not of its type", buffer("z", value=1.0)),
    ("value is not of its type", buffer("z", value=True)),
    ("value is not of its type", buffer("z", value=1 << 63)),
    ("lies outside the arena", buffer("t", offset=-8)),
    ("lies outside the arena", buffer("t", offset=280)),
    ("lies outside the arena", program(arena=300)),
    ("lies outside the arena", program(row=8)),
    ("arena's size is out of range", program(arena=-1)),
    ("arena's size is out of range", program(row=1 << 41)),
    ("not aligned", buffer("u", offset=68)),
    # Ports.
    ("stands on a buffer of role output", ports(inputs=(Port("y", Y),))),
    ("stands on a buffer of role input", ports(outputs=(Port("x", X),))),
    ("stands on a buffer of role temporary", ports(outputs=(Port("t", TT),))),
    ("two ports have one name", ports(inputs=(Port("x", X), Port("x", K)))),
    ("y is read before it is written", program(BODY[:1])),
    ("no such buffer", ports(inputs=(Port("x", view(99)),))),
    # Views.
    ("no such buffer", body(do("neg", TT, view(15)))),
    ("no such buffer", body(do("neg", TT, view(-1)))),
    ("bad dimensions", body(do("neg", TT, view(AT["x"], (6,), ())))),
    ("bad dimensions", body(do("neg", TT, View(AT["x"], 0, (1,) * 33, (0,) * 33)))),
    ("a view leaves its buffer", body(do("neg", TT, view(AT["x"], offset=1)))),
    ("a view leaves its buffer", body(do("neg", TT, view(AT["x"], offset=-1)))),
    ("a view leaves its buffer", body(do("neg", TT, view(AT["x"], (6,), (2,))))),
    ("a size or stride", body(do("neg", TT, view(AT["x"], (6,), (-1,), 5)))),
    ("a size or stride", body(do("neg", TT, view(AT["x"], (0,), (1,))))),
    ("a size or stride", body(do("neg", TT, view(AT["x"], (-2,), (1,))))),
    ("a size or stride", body(do("neg", TT, view(AT["x"], (1,), (1 << 62,))))),
    ("row stride does not fit", body(do("neg", QROW, View(AT["r"], 0, (ROWS, 2), (3, 1))))),
    ("row stride does not fit", body(do("neg", QROW, View(AT["x"], 0, (ROWS, 2), (1, 1))))),
    ("two row dimensions", body(do("neg", QROW, View(AT["r"], 0, (ROWS, ROWS), (2, 2))))),
    ("needs the row dimension", body(do("neg", view(AT["t"], (2,)), view(AT["r"], (2,))))),
    # Reading and writing.
    ("u is read before it is written", body(do("neg", TT, U))),
    ("t is read before it is written", body(do("neg", S, X), do("neg", U, TT))),
    (
        "u is read before it is written",
        body(do("neg", view(AT["u"], (3,), (2,)), view(AT["x"], (3,), (1,))), do("neg", M, U)),
    ),
    ("x is written, but is input", body(do("neg", X, TT))),
    ("2.0 is written, but is constant", body(do("neg", C1 := view(AT["c"], ()), SCALAR))),
    ("one element at two positions", body(do("neg", view(AT["u"], (6,), (0,)), X))),
    ("one element at two positions", body(do("neg", view(AT["u"], (2, 3), (1, 1)), MATRIX))),
    ("one element at two positions", body(do("neg", view(AT["u"], (2, 3), (2, 1)), MATRIX))),
    (
        "overwrites an operand out of step",
        body(do("neg", view(AT["t"], (3,), (1,), 1), view(AT["t"], (3,), (1,)))),
    ),
    ("overwrites an operand out of step", body(do("neg", S, TT))),
    (
        "operand shares bytes",
        body(
            do("sum", view(AT["t"], (2,), (1,)), view(AT["t"], (2, 3), (3, 1)), attributes=((1,),))
        ),
    ),
    (
        "operand shares bytes",
        body(
            do("sum", view(AT["s"], (2,), (1,)), view(AT["t"], (2, 3), (3, 1)), attributes=((1,),))
        ),
    ),
    # Instructions.
    ("no opcode 'launch'", body(do("launch", TT, X))),
    ("no opcode 'stop'", body(do("stop", TT, X))),
    ("one result is needed", body(do("neg", (), X))),
    ("one result is needed", body(do("neg", (TT, U), X))),
    ("add takes 2 operands", body(do("add", TT, X))),
    ("types do not fit neg", body(do("neg", TT, view(AT["h"])))),
    ("types do not fit sqrt", body(do("sqrt", NN, K))),
    ("types do not fit lt", body(do("lt", TT, X, X))),
    ("types do not fit lt", body(do("lt", B, X, K))),
    ("types do not fit and", body(do("and", B, X, X))),
    ("types do not fit where", body(do("where", TT, X, X, X))),
    ("types do not fit where", body(do("lt", B, X, X), do("where", TT, B, X, K))),
    ("types do not fit argmax", body(do("argmax", view(AT["u"], ()), X, attributes=((0,),)))),
    ("shape is not the result's", body(do("neg", TT, view(AT["x"], (3,), (1,))))),
    # Moves.
    ("no such dimension", body(do("iota", NN, attributes=(1,)))),
    ("no such dimension", body(do("iota", NN, attributes=(-1,)))),
    ("a whole number is missing", body(do("iota", NN))),
    ("a whole number is missing", body(do("iota", NN, attributes=("0",)))),
    ("iota has no rows", body(do("iota", QROW, attributes=(1,)))),
    ("fill takes one value", body(do("fill", TT, X))),
    ("integer seed and step", body(do("random", TT, SCALAR, SCALAR, attributes=("a",)))),
    ("random needs a site", body(do("random", TT, ONE, ONE))),
    ("random needs a site", body(do("random", TT, ONE, ONE, attributes=(1,)))),
    ("random needs a site, and has no rows", body(do("random", QROW, ONE, ONE, attributes=("a",)))),
    # Reductions.
    *[
        ("bad dimensions to reduce", body(do("sum", view(AT["u"], (2,)), MATRIX, attributes=a)))
        for a in [(), ((),), ((2,),), ((-1,),), ((1, 1),), (("1",),), (1,)]
    ],
    ("bad dimensions to reduce", body(do("sum", view(AT["u"], (2,)), ROW, attributes=((0,),)))),
    (
        "bad dimensions to reduce",
        body(do("argmax", view(AT["n"], ()), MATRIX, attributes=((0, 1),))),
    ),
    ("shape is not what is left", body(do("sum", view(AT["u"], (3,)), MATRIX, attributes=((1,),)))),
    # Contractions.
    *[
        ("four counts", body(do("contract", view(AT["u"], ()), X, X, attributes=a)))
        for a in [(), (0, 0, 0), (0, 0, 0, -1), (0, 0, 0, "1")]
    ],
    ("bad counts", body(do("contract", view(AT["u"], ()), X, X, attributes=(0, 1, 0, 1)))),
    ("bad counts", body(do("contract", view(AT["u"], ()), X, X, attributes=(0, 0, 0, 0)))),
    (
        "operands do not fit",
        body(do("contract", view(AT["u"], ()), X, view(AT["x"], (3,)), attributes=(0, 0, 0, 1))),
    ),
    (
        "result does not fit",
        body(do("contract", view(AT["u"], (2,)), X, X, attributes=(0, 0, 0, 1))),
    ),
    (
        "cannot be summed over",
        body(
            do(
                "contract",
                view(AT["u"], ()),
                View(AT["x"], 0, (ROWS,), (0,)),
                View(AT["x"], 0, (ROWS,), (0,)),
                attributes=(0, 0, 0, 1),
            )
        ),
    ),
    (
        "operand shares bytes",
        body(do("contract", view(AT["t"], ()), TT, X, attributes=(0, 0, 0, 1))),
    ),
    # Access.
    ("gather needs an index", body(do("gather", TT, attributes=(((0, 0),),)))),
    ("gather needs an index", body(do("gather", TT, X, attributes=(((0, 0),),)))),
    ("of different types", body(do("gather", TT, view(AT["h"]), K, attributes=(((1, 0),),)))),
    ("an index is not an integer", body(gather((1, 0), index=X))),
    ("an index has another shape", body(gather((1, 0), index=view(AT["k"], (3,))))),
    ("bad description of the dimensions", body(gather())),
    ("bad description of the dimensions", body(do("gather", TT, X, K))),
    ("bad description of a dimension", body(gather((2, 0)))),
    ("bad description of a dimension", body(gather((1, "0")))),
    ("bad description of a dimension", body(gather(1))),
    ("no such index", body(gather((1, 1)))),
    ("a dimension does not fit", body(gather((0, 1)))),
    (
        "a dimension does not fit",
        body(do("gather", TT, view(AT["x"], (3,)), K, attributes=(((0, 0),),))),
    ),
    ("an index is not used once", body(gather((0, 0)))),
    (
        "a dimension is used twice",
        body(
            do(
                "gather",
                view(AT["t"], (2,)),
                View(AT["x"], 0, (2, 2, 1), (2, 1, 1)),
                view(AT["k"], (2,)),
                attributes=(((0, 0), (0, 0), (1, 0)),),
            )
        ),
    ),
    ("operand shares bytes", body(do("gather", TT, TT, K, attributes=(((1, 0),),)))),
    # The invariant head.
    ("bad invariant count", program(invariant=4)),
    ("bad invariant count", program(invariant=-1)),
    ("invariant instruction reads an input", program(invariant=1)),
    ("writes for the caller", program([do("neg", Y, TWO), *BODY], invariant=1)),
    ("an invariant result is overwritten", program([do("neg", TT, TWO), *BODY], invariant=1)),
    ("an invariant result is overwritten", program([do("neg", S, TWO), *BODY], invariant=1)),
    # Calls.
    ("only an earlier function", body(call((NN, Y, W), X, W))),
    ("only an earlier function", caller(call((NN, Y, W), X, W, attributes=(-1,)))),
    ("a whole number is missing", caller(call((NN, Y, W), X, W, attributes=()))),
    (
        "a whole number is missing",
        caller(call((NN, Y, W), X, W, attributes=(0,), opcode="iterate")),
    ),
    (
        "iteration count is out of range",
        caller(call((NN, Y, W), X, W, attributes=(0, 0), opcode="iterate")),
    ),
    ("wrong number of operands", caller(call((NN, Y, W), X))),
    ("wrong number of results", caller(call((NN, Y), X, W))),
    ("argument a is of another type", caller(call((NN, Y, W), K, W))),
    ("argument a does not fit", caller(call((NN, Y, W), view(AT["x"], (3,)), W))),
    ("argument a does not fit", caller(call((NN, Y, W), view(AT["x"], (2, 3), (3, 1)), W))),
    ("arena does not fit", caller(call((Y, U, W), X, W))),
    ("arena does not fit", caller(call((B, Y, W), X, W), callee=replace(CALLEE, arena_bytes=8))),
    ("u is read before it is written", caller(call((NN, Y, W), U, W))),
    ("state is not overwritten in place", caller(call((NN, Y, W), X, X))),
    ("an operand shares bytes with a result", caller(call((NN, TT, W), TT, W))),
    ("an operand shares bytes with a result", caller(call((NN, S, W), TT, W))),
    ("two results share bytes", caller(call((NN, W, W), X, W))),
    ("a called function has no rows", caller(call((NN, Y), X), callee=ROWWISE)),
    ("map needs a function with rows", caller(call((Y,), X, attributes=(0, 3), opcode="map"))),
    ("number of rows", caller(call((Y,), X, attributes=(0, 0), opcode="map"), callee=ROWWISE)),
    (
        "argument a does not fit",
        caller(call((Y,), X, attributes=(0, 2), opcode="map"), callee=ROWWISE),
    ),
    ("has another type", caller(call((Y,), K, attributes=(0, 3), opcode="map"), callee=ROWWISE)),
    (
        "an operand shares bytes",
        caller(call((TT,), TT, attributes=(0, 3), opcode="map"), callee=ROWWISE),
    ),
]


@pytest.mark.parametrize("good", GOOD, ids=range(len(GOOD)))
def test_a_right_program_is_accepted(good):
    verify(good)


@pytest.mark.parametrize(
    ("message", "broken"), BROKEN, ids=[f"{n}-{row[0]}" for n, row in enumerate(BROKEN)]
)
def test_a_broken_program_is_refused(message, broken):
    with pytest.raises(ProgramError, match=re.escape(message)):
        verify(broken)


def test_the_message_says_where():
    with pytest.raises(ProgramError, match=r"function f, instruction 3: u is read before"):
        verify(body(do("neg", TT, U)))


@pytest.mark.parametrize("name", programs.ALL)
def test_what_lowering_makes_is_accepted(name):
    verify(programs.ALL[name]())


def test_verification_takes_linear_time_on_many_disjoint_temporaries():
    count = 20_000
    buffers = tuple(Buffer(f"t{n}", F, 1, Role.TEMPORARY, offset=8 * n) for n in range(count))
    constant = Buffer("1.0", F, 1, Role.CONSTANT, value=1.0)
    one = View(count, 0, (), ())
    copies = tuple(do("neg", View(n, 0, (), ()), one) for n in range(count))
    made = Function("f", (*buffers, constant), (), (), copies, 8 * count, 0, count // 2)
    verify(Program((made,)))  # it would take minutes in quadratic time


# Random damage to right Programs.

_WHOLE = st.sampled_from([-1, 0, 1, 2, 3, 5, 7, 64, 1 << 40, 1 << 62])


def damaged(value, draw):
    """The value with one part of it, drawn at random, replaced."""
    if isinstance(value, bool | Enum):
        kind = list(type(value)) if isinstance(value, Enum) else [True, False]
        return draw(st.sampled_from(kind))
    if isinstance(value, int):
        return draw(_WHOLE)
    if isinstance(value, str):
        return draw(
            st.sampled_from(["neg", "contract", "gather", "call", "iterate", "map", "iota"])
        )
    if isinstance(value, float):
        return draw(st.sampled_from([0.0, 1, True]))
    if isinstance(value, tuple):
        return _damaged_tuple(value, draw)
    assert is_dataclass(value)
    name = draw(st.sampled_from([f.name for f in fields(value)]))
    return replace(value, **{name: damaged(getattr(value, name), draw)})


def _damaged_tuple(value, draw):
    if not value or draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([(), value[1:], (*value, *value[:1]), value[::-1]]))
    at = draw(st.integers(0, len(value) - 1))
    return (*value[:at], damaged(value[at], draw), *value[at + 1 :])


WHOLE_PROGRAMS = [make() for make in programs.ALL.values()]


@settings(max_examples=800, derandomize=True)
@given(st.sampled_from(WHOLE_PROGRAMS), st.data())
def test_damage_never_crashes_the_verifier(good, data):
    found = good
    for _ in range(data.draw(st.integers(1, 3))):
        found = damaged(found, data.draw)
    with suppress(ProgramError):
        verify(found)
