"""The numpy backend's table: for each opcode, the rule that writes its source lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flux.backends.numpy_access import gather, scatter
from flux.backends.numpy_code import Code
from flux.backends.numpy_pointwise import copy, iota, pointwise, random, where
from flux.backends.numpy_products import contract
from flux.backends.numpy_reductions import argmax, reduce
from flux.program.types import Instruction


def add(code: Code, instruction: Instruction) -> None:
    """Append the lines of one instruction."""
    RULES.get(instruction.opcode, pointwise)(code, instruction)


RULES: Mapping[str, Callable[[Code, Instruction], None]] = {
    "where": where,
    "copy": copy,
    "fill": copy,
    "iota": iota,
    "random": random,
    "sum": reduce,
    "prod": reduce,
    "max": reduce,
    "min": reduce,
    "argmax": argmax,
    "contract": contract,
    "gather": gather,
    "scatter": scatter,
}
