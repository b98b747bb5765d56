"""The instruction set covers every operation, and both backends cover the instruction set."""

from pathlib import Path

import pytest

from flux.backends import numpy_pointwise, numpy_rules, vm
from flux.kernels import KERNELS
from flux.ops import POINTWISE, Kind, Op
from flux.program import DType, opcodes
from flux.program.opcodes import OPCODES, Family, Types, accepts

NO_INSTRUCTION = {"stop", "custom"}  # as values they are their first operand


def test_every_pointwise_operation_is_an_opcode_of_the_same_arity():
    assert {op.row.name for op in POINTWISE} - NO_INSTRUCTION <= OPCODES.keys()
    for op in POINTWISE:
        if op.row.name not in NO_INSTRUCTION:
            row = OPCODES[op.row.name]
            assert (row.family, row.arity) == (Family.POINTWISE, op.row.arity)


def test_every_reduction_is_an_opcode():
    names = {op.row.name for op in Op if op.row.kind is Kind.REDUCTION}
    assert {n for n, row in OPCODES.items() if row.family is Family.REDUCE} == names


def test_both_backends_have_a_rule_for_every_opcode():
    pointwise = {op.row.name for op in KERNELS}
    calls = {name for name, row in OPCODES.items() if row.family is Family.CALL}
    for name in OPCODES.keys() - calls:
        assert name in vm.RULES or name in pointwise
        assert name in numpy_rules.RULES or numpy_pointwise._function(name)


def test_every_opcode_stands_in_the_table_of_the_docstring_or_is_pointwise():
    text = Path(opcodes.__file__).read_text(encoding="utf-8").split('"""')[1]
    listed = {
        word for line in text.splitlines() if "|" in line for word in line.split("|")[1].split()
    }
    assert {n for n, row in OPCODES.items() if row.family is not Family.POINTWISE} <= listed


F, G, N, B = DType.FLOAT64, DType.FLOAT32, DType.INT64, DType.BOOL

# (rule, operands, result, whether it is allowed)
TYPES = [
    (Types.SAME_FLOAT, (F, F), F, True),
    (Types.SAME_FLOAT, (F, G), F, False),
    (Types.SAME_FLOAT, (N, N), N, False),
    (Types.SAME_NUMBER, (N, N), N, True),
    (Types.SAME_NUMBER, (B, B), B, False),
    (Types.COMPARE, (G, G), B, True),
    (Types.COMPARE, (G, F), B, False),
    (Types.COMPARE, (B, B), B, False),
    (Types.COMPARE, (F, F), F, False),
    (Types.LOGIC, (B,), B, True),
    (Types.LOGIC, (N,), B, False),
    (Types.CHOOSE, (B, F, F), F, True),
    (Types.CHOOSE, (F, F, F), F, False),
    (Types.CHOOSE, (B, F, G), F, False),
    (Types.CHOOSE, (B, F, F), G, False),
    (Types.INTEGER_RESULT, (F,), N, True),
    (Types.INTEGER_RESULT, (N,), N, False),
    (Types.ANY, (B,), F, True),
]


@pytest.mark.parametrize(("rule", "operands", "result", "allowed"), TYPES)
def test_a_type_rule_allows_what_it_says(rule, operands, result, allowed):
    assert accepts(rule, operands, result) is allowed
