"""The Program: its types, instruction set, verifier, listing and file format."""

from flux.program.listing import listing
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
    "DType",
    "Function",
    "Instruction",
    "Place",
    "Port",
    "Program",
    "Role",
    "View",
    "dumps",
    "listing",
    "load",
    "loads",
    "save",
    "verify",
]
