"""Whatever the verifier accepts runs on both backends, alike: right Programs and damaged ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flux.backends.arrays import numpy_type
from flux.backends.numpy_backend import Compiled
from flux.backends.vm import VirtualMachine
from flux.errors import FluxError, ProgramError
from flux.program import Buffer, DType, Function, Instruction, Program, Role, View, verify
from tests.backends.agree import same_kinds
from tests.program import programs
from tests.program.test_verify import GOOD, WHOLE_PROGRAMS, damaged

CALLER = (Role.INPUT, Role.OUTPUT, Role.STATE)
ROWS = 3


def arrays(program: Program, seed: int) -> dict[int, np.ndarray]:
    """Random contents of the caller's buffers."""
    rng = np.random.default_rng(seed)
    found = {}
    for number, buffer in enumerate(program.entry.buffers):
        if buffer.role in CALLER:
            count = buffer.size * (ROWS if buffer.rows else 1)
            drawn = (
                rng.integers(0, 3, count) if not buffer.dtype.floating else rng.normal(size=count)
            )
            found[number] = drawn.astype(numpy_type(buffer))
    return found


def small(program: Program) -> bool:
    sizes = [b.size for f in program.functions for b in f.buffers]
    arenas = [max(f.arena_bytes, f.row_bytes) for f in program.functions]
    counts = [
        i.attributes[1]
        for f in program.functions
        for i in f.instructions
        if i.opcode in ("iterate", "map")
    ]
    return max([*sizes, *arenas, *(100 * c for c in counts)], default=0) < 100_000


def run_on_vm(program: Program, given: dict[int, np.ndarray], rows: int) -> None:
    VirtualMachine(program).run(given, rows)


def run_bound(program: Program, given: dict[int, np.ndarray], rows: int) -> None:
    """NumPy over arrays that were given once."""
    with np.errstate(all="ignore"):
        Compiled(program, frozenset(given)).instance(rows, given)(rows=rows)


def run_unbound(program: Program, given: dict[int, np.ndarray], rows: int) -> None:
    """NumPy over the arrays of each call."""
    compiled = Compiled(program)
    with np.errstate(all="ignore"):
        compiled.instance(rows)(*(given[n] for n in compiled.dynamic), rows)


def assert_alike(program: Program, seed: int) -> None:
    rows = ROWS if program.entry.has_rows else 0
    wanted = arrays(program, seed)
    run_on_vm(program, wanted, rows)
    mapped = any(i.opcode == "map" for f in program.functions for i in f.instructions)
    for run in [run_bound] if mapped else [run_bound, run_unbound]:
        found = arrays(program, seed)
        run(program, found, rows)
        _assert_same(found, wanted)


def _assert_same(results: dict[int, np.ndarray], expected: dict[int, np.ndarray]) -> None:
    for number, wanted in expected.items():
        found = results[number]
        if wanted.dtype.kind == "f":
            assert same_kinds(found, wanted)
            with np.errstate(all="ignore"):
                np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
        else:
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("program", GOOD, ids=range(len(GOOD)))
def test_programs_written_by_hand_run_alike(program):
    assert_alike(program, 0)


@pytest.mark.parametrize("name", [n for n in programs.ALL if n != "update"])
def test_lowered_programs_run_alike(name):
    assert_alike(programs.ALL[name](), 1)


@settings(
    max_examples=300,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(st.sampled_from([*WHOLE_PROGRAMS, *GOOD]), st.data())
def test_damaged_programs_that_verify_run_alike(good, data):
    program = good
    for _ in range(data.draw(st.integers(1, 2))):
        program = damaged(program, data.draw)
    try:
        verify(program)
    except ProgramError:
        assume(False)
    assume(small(program))
    try:
        assert_alike(program, 2)
    except FluxError:
        assume(False)  # an index outside its axis


# Results in the place of an operand.

X, Y, C, TRUTH = (View(n, 0, (4,), (1,)) for n in range(4))
BUFFERS = (
    Buffer("x", DType.FLOAT64, 4, Role.STATE),
    Buffer("y", DType.FLOAT64, 4, Role.STATE),
    Buffer("c", DType.BOOL, 4, Role.STATE),
    Buffer("d", DType.BOOL, 4, Role.STATE),
)

IN_PLACE = [
    Instruction("where", (X,), (C, X, Y)),
    Instruction("where", (X,), (C, Y, X)),
    Instruction("where", (X,), (C, X, X)),
    Instruction("where", (C,), (C, TRUTH, C)),
    Instruction("where", (C,), (C, C, TRUTH)),
    Instruction("where", (C,), (TRUTH, C, C)),
    Instruction("where", (C,), (TRUTH, TRUTH, C)),
    Instruction("sub", (X,), (X, X)),
    Instruction("sub", (X,), (Y, X)),
    Instruction("div", (X,), (Y, X)),
    Instruction("pow", (X,), (X, X)),
    Instruction("not", (C,), (C,)),
    *(
        Instruction(name, (X,), (X,))
        for name in ("erf", "erfc", "gamma", "lgamma", "round", "square", "reciprocal", "cbrt")
    ),
    *(
        Instruction(name, (X,), operands)
        for name in ("maximum", "minimum", "hypot", "atan2", "fmod", "mod", "polygamma")
        for operands in ((X, Y), (Y, X))
    ),
]


@pytest.mark.parametrize(
    "instruction",
    IN_PLACE,
    ids=lambda i: f"{i.opcode}-{'-'.join(str(v.buffer) for v in i.operands)}",
)
def test_a_result_in_the_place_of_an_operand(instruction):
    program = Program((Function("f", BUFFERS, (), (), (instruction,)),))
    verify(program)
    assert_alike(program, 3)


# One contraction of every arrangement.

LAYOUTS = [
    (batch, m, n, k) for batch in (0, 1, 2) for m in (0, 1, 2) for n in (0, 1, 2) for k in (1, 2)
]


@pytest.mark.parametrize("counts", LAYOUTS, ids=str)
@pytest.mark.parametrize("turned", [False, True])
def test_a_contraction_of_any_dimensions_and_strides(counts, turned):
    sizes = dict(zip("bmnk", ((2, 3), (4, 2), (3, 5), (2, 4)), strict=True))
    heads, rows, columns, inner = (
        sizes[letter][:count] for letter, count in zip("bmnk", counts, strict=True)
    )
    shapes = [heads + rows + columns, heads + rows + inner, heads + inner + columns]
    buffers, views = [], []
    for number, shape in enumerate(shapes):
        role = Role.OUTPUT if number == 0 else Role.INPUT
        count = int(np.prod(shape))
        buffers.append(Buffer(f"b{number}", DType.FLOAT64, count, role))
        steps = np.arange(count).reshape(shape[::-1] if turned else shape)
        strides = steps.T.strides if turned else steps.strides
        views.append(View(number, 0, shape, tuple(s // 8 for s in strides)))
    product = Instruction("contract", (views[0],), tuple(views[1:]), counts)
    program = Program((Function("f", tuple(buffers), (), (), (product,)),))
    verify(program)
    assert_alike(program, 4)
