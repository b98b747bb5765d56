"""Thrift's compact protocol, as far as the footer of a Parquet file needs it: read, and written.

A struct is a list of fields `[number, type, value]`; the value of a list is `(type, values)`, that
of a map `(key type, value type, pairs)`. What is read and written again has the same meaning.
Why this is not left to pyarrow stands in `flux.scoring.files.parquet_output`.

Source:
    Apache Thrift, thrift-compact-protocol.md.
"""

from __future__ import annotations

from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
Field = list[Any]
_DEEPEST = 32


class Reader:
    """Reads values from bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def _take(self, count: int) -> bytes:
        part = self._content[self._at : self._at + count]
        if len(part) < count:
            raise ValueError("a Thrift struct is cut off")
        self._at += count
        return part

    def _byte(self) -> int:
        return self._take(1)[0]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def struct(self, depth: int = 0) -> list[Field]:
        """A struct; its fields in order."""
        if depth > _DEEPEST:
            raise ValueError("a Thrift struct is too deep")
        fields: list[Field] = []
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            number = number + delta if delta else self._integer()
            value = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)
            fields.append([number, kind, value])
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (I16, I32, I64):
            return self._integer()
        if kind in (TRUE, FALSE, BYTE):
            return self._byte()
        if kind == DOUBLE:
            return self._take(8)
        if kind == BINARY:
            return self._take(self._varint())
        if kind in (LIST, SET):
            return self._list(depth)
        if kind == MAP:
            return self._map(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise ValueError(f"Thrift has no type {kind}")

    def _list(self, depth: int) -> tuple[int, list[Any]]:
        head = self._byte()
        kind, size = head & 15, head >> 4
        size = self._varint() if size == 15 else size
        return kind, [self._value(kind, depth) for _ in range(size)]

    def _map(self, depth: int) -> tuple[int, int, list[tuple[Any, Any]]]:
        size = self._varint()
        if not size:
            return 0, 0, []
        kinds = self._byte()
        key, value = kinds >> 4, kinds & 15
        pairs = [(self._value(key, depth), self._value(value, depth)) for _ in range(size)]
        return key, value, pairs


def write_struct(fields: list[Field]) -> bytes:
    """The bytes of a struct."""
    out = bytearray()
    last = 0
    for number, kind, value in fields:
        written = (TRUE if value else FALSE) if kind in (TRUE, FALSE) else kind
        delta = number - last
        if 0 < delta < 16:
            out.append(delta << 4 | written)
        else:
            out.append(written)
            out += _integer(number)
        if kind not in (TRUE, FALSE):
            out += _written(kind, value)
        last = number
    out.append(0)
    return bytes(out)


def _written(kind: int, value: Any) -> bytes:
    if kind in (I16, I32, I64):
        return _integer(value)
    if kind in (TRUE, FALSE, BYTE):
        return bytes([value])
    if kind == DOUBLE:
        return bytes(value)
    if kind == BINARY:
        return _varint(len(value)) + bytes(value)
    if kind == MAP:
        return _written_map(*value)
    return write_struct(value) if kind == STRUCT else _written_list(*value)


def _written_list(kind: int, values: list[Any]) -> bytes:
    size = len(values)
    head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + _varint(size)
    return head + b"".join(_written(kind, value) for value in values)


def _written_map(key: int, value: int, pairs: list[tuple[Any, Any]]) -> bytes:
    if not pairs:
        return b"\0"
    body = b"".join(_written(key, k) + _written(value, v) for k, v in pairs)
    return _varint(len(pairs)) + bytes([key << 4 | value]) + body


def _integer(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
