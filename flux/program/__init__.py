"""The Program: its types, instruction set, verifier, listing and file format."""

from flux.program.listing import Cost, cost_of, listing
from flux.program.store import dumps, load, loads, save
from flux.program.types import (
    ROWS,
    Buffer,
    DType,
    Function,
    Instruction,
    Place,
    Port,
    Program,
    Role,
    View,
)
from flux.program.verify import verify

__all__ = [
    "ROWS",
    "Buffer",
    "Cost",
    "DType",
    "Function",
    "Instruction",
    "Place",
    "Port",
    "Program",
    "Role",
    "View",
    "cost_of",
    "dumps",
    "listing",
    "load",
    "loads",
    "save",
    "verify",
]
