"""Programs as files: written whole, checked byte by byte, and verified before anyone sees them.

A file is one line `flux program 1 <SHA-256 of the rest> <bytes of the rest>`, then canonical JSON.
What comes in is not trusted: its length is limited before it is read, its nesting before it is
decoded, every count before anything is built from it, and the Program is verified at the end. Any
fault is a ProgramError.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from enum import Enum
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from flux.errors import ProgramError
from flux.files import replace
from flux.program.types import (
    VERSION,
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

MAX_BYTES = 16 << 20  # of a file: some 50,000 instructions
_MAX_DEPTH = 16  # of brackets; a Program needs eight
_MAX_ITEMS = 1 << 21  # values and lists in all
_MAX_DIGITS = 19  # of one integer: 2^63 has 19
_HEADER = re.compile(rb"flux program (\d{1,6}) ([0-9a-f]{64}) (\d{1,12})\n")
_HEADER_BYTES = 128

T = TypeVar("T")


def save(program: Program, path: str | os.PathLike[str]) -> None:
    """Write a Program to a file: beside it first, then renamed, so that no half file is ever seen.

    Raises:
        ProgramError: it does not verify, or the file cannot be written.
    """
    target = Path(path)
    content = dumps(program)
    try:
        replace(target, [content])
    except (OSError, ValueError) as error:
        shown = getattr(error, "strerror", None) or error
        raise ProgramError(f"cannot write {target}: {shown}") from None


def load(path: str | os.PathLike[str]) -> Program:
    """Read a Program from a file.

    Raises:
        ProgramError: the file cannot be read, is damaged, or holds no valid Program.
    """
    source = Path(path)
    try:
        with source.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        shown = getattr(error, "strerror", None) or error
        raise ProgramError(f"cannot read {source}: {shown}") from None
    return loads(content)


def dumps(program: Program) -> bytes:
    """A Program as the bytes of a file.

    Raises:
        ProgramError: it does not verify, or is too large.
    """
    verify(program)
    body = json.dumps(_plain(program), separators=(",", ":"), allow_nan=False).encode("ascii")
    digest = hashlib.sha256(body).hexdigest()
    _check_structure(body)
    content = f"flux program {VERSION} {digest} {len(body)}\n".encode("ascii") + body
    if len(content) > MAX_BYTES:
        raise ProgramError(f"the Program takes {len(content)} bytes, more than {MAX_BYTES}")
    return content


def loads(content: bytes) -> Program:
    """The Program in the bytes of a file.

    Raises:
        ProgramError: they are damaged, of another version, or hold no valid Program.
    """
    program = _program(_decoded(_body(content)))
    verify(program)
    return program


# Bytes to JSON values.


def _body(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise ProgramError(f"the file is larger than {MAX_BYTES} bytes")
    header = _HEADER.match(content[:_HEADER_BYTES])
    if header is None:
        raise ProgramError("this is not a Program file: its first line is damaged")
    version, digest, size = int(header[1]), header[2].decode(), int(header[3])
    if version != VERSION:
        raise ProgramError(f"the file has format version {version}; this Flux reads {VERSION}")
    body = content[header.end() :]
    if len(body) != size or hashlib.sha256(body).hexdigest() != digest:
        raise ProgramError("the file is damaged: its content does not fit its checksum")
    return body


def _decoded(body: bytes) -> Any:
    if not body.isascii():
        raise ProgramError("the file holds other characters than ASCII")
    _check_structure(body)
    try:
        return json.loads(body, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)
    except ValueError:
        raise ProgramError("the file is not the JSON of a Program") from None


_QUOTED = re.compile(rb'"[^"]*(?:"|\Z)')  # a text that is not closed runs to the end
_STEPS = {ord("["): 1, ord("]"): -1}


def _check_structure(body: bytes) -> None:
    """Refuse deep nesting and too many values before the decoder, which recurses, meets them."""
    bare = _QUOTED.sub(b"", body.replace(rb"\\", b"").replace(rb"\"", b""))
    brackets = bare.translate(None, bytes(set(range(256)) - _STEPS.keys()))
    if b"{" in bare or bare.count(b",") + len(brackets) // 2 > _MAX_ITEMS:
        raise ProgramError("the file holds more than a Program may")
    if any(depth > _MAX_DEPTH for depth in accumulate(map(_STEPS.__getitem__, brackets))):
        raise ProgramError("the file is nested deeper than a Program")


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS:
        raise ProgramError("the file holds a number beyond 64 bits")
    return int(digits)


def _no_float(_: str) -> None:
    # Floats are stored as texts, by `float.hex`, so that every bit comes back.
    raise ProgramError("the file holds a number that is not whole")


# Records to lists, and back. A record is the list of its fields, in the order of its class.


class _Field(NamedTuple):
    """How one field of a record is stored, and how it is read."""

    store: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _items(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise ProgramError(f"the file has no list where {what} should be")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 63:
        raise ProgramError("the file has no whole number where one should be")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProgramError("the file has no name where one should be")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ProgramError("the file has no truth value where one should be")
    return value


def _store_value(value: float | int | bool) -> object:
    return value.hex() if isinstance(value, float) else value


_FLOAT = re.compile(r"-?(?:0x[01]\.[0-9a-f]{1,13}p[+-]\d{1,4}|inf|nan)")


def _read_value(value: Any) -> float | int | bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not _FLOAT.fullmatch(value):
            raise ProgramError("the file has a damaged constant")
        return _from_hex(value)
    return _whole(value)


def _from_hex(text: str) -> float:
    try:
        return float.fromhex(text)
    except OverflowError:
        raise ProgramError("the file has a constant beyond the largest float") from None


def _store_attribute(value: object) -> object:
    return [_store_attribute(part) for part in value] if isinstance(value, tuple) else value


def _read_attribute(value: Any) -> object:
    # At most _MAX_DEPTH levels deep: `_check_structure` has seen to it.
    if isinstance(value, list):
        return tuple(_read_attribute(part) for part in value)
    return _text(value) if isinstance(value, str) else _whole(value)


_INTEGER = _Field(lambda value: value, _whole)
_TEXT = _Field(lambda value: value, _text)
_TRUTH = _Field(lambda value: value, _truth)
_VALUE = _Field(_store_value, _read_value)
_ATTRIBUTE = _Field(_store_attribute, _read_attribute)


def _choice(kind: type[Enum]) -> _Field:
    known: Mapping[object, Enum] = {member.value: member for member in kind}

    def read(value: Any) -> Enum:
        if not isinstance(value, str) or value not in known:
            raise ProgramError(f"the file has an unknown {kind.__name__.lower()}")
        return known[value]

    return _Field(lambda member: member.value, read)


def _many(field: _Field, what: str) -> _Field:
    return _Field(
        lambda values: [field.store(value) for value in values],
        lambda values: tuple(field.read(value) for value in _items(values, what)),
    )


def _record(kind: type[Any], **rows: _Field) -> _Field:
    """The fields of a class, in its order."""

    def store(value: Any) -> list[Any]:
        return [field.store(getattr(value, name)) for name, field in rows.items()]

    def read(value: Any) -> Any:
        values = _items(value, kind.__name__.lower())
        if len(values) != len(rows):
            raise ProgramError(f"the file has a damaged {kind.__name__.lower()}")
        found = zip(rows.items(), values, strict=True)
        return kind(**{name: field.read(part) for (name, field), part in found})

    return _Field(store, read)


_INTEGERS = _many(_INTEGER, "numbers")
_TEXTS = _many(_TEXT, "names")


def _pair(value: Any) -> tuple[str, int]:
    pair = _items(value, "a size")
    if len(pair) != 2:
        raise ProgramError("the file has a damaged size")
    return _text(pair[0]), _whole(pair[1])


_SIZE = _Field(list, _pair)
_VIEW = _record(View, buffer=_INTEGER, offset=_INTEGER, shape=_INTEGERS, strides=_INTEGERS)
_BUFFER = _record(
    Buffer,
    name=_TEXT,
    dtype=_choice(DType),
    size=_INTEGER,
    role=_choice(Role),
    rows=_TRUTH,
    offset=_INTEGER,
    value=_VALUE,
    axes=_TEXTS,
    shape=_INTEGERS,
)
_INSTRUCTION = _record(
    Instruction,
    opcode=_TEXT,
    results=_many(_VIEW, "views"),
    operands=_many(_VIEW, "views"),
    attributes=_many(_ATTRIBUTE, "attributes"),
    layer=_TEXT,
    places=_many(_record(Place, source=_TEXT, line=_INTEGER, column=_INTEGER), "places"),
)
_PORT = _record(Port, name=_TEXT, view=_VIEW, axes=_TEXTS)
_FUNCTION = _record(
    Function,
    name=_TEXT,
    buffers=_many(_BUFFER, "buffers"),
    inputs=_many(_PORT, "ports"),
    outputs=_many(_PORT, "ports"),
    instructions=_many(_INSTRUCTION, "instructions"),
    arena_bytes=_INTEGER,
    row_bytes=_INTEGER,
    invariant=_INTEGER,
)
_PROGRAM = _record(Program, functions=_many(_FUNCTION, "functions"), sizes=_many(_SIZE, "sizes"))


def _plain(program: Program) -> Any:
    return _PROGRAM.store(program)


def _program(value: Any) -> Program:
    program = _PROGRAM.read(value)
    assert isinstance(program, Program)
    return program
