"""Files of Programs: what is saved comes back, and damage is a ProgramError, whatever it is."""

import errno
import hashlib
import json
import os
import random
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, reject, settings

from flux.errors import AxisError, ProgramError
from flux.expr import constant, variable
from flux.expr.signature import signature
from flux.lower import lower
from flux.program import dumps, load, loads, save
from flux.program.store import MAX_BYTES
from tests.program import programs
from tests.reliability.bounds import within
from tests.strategies import SIZES, formulas, tensors

GOLDEN = Path(__file__).parent.parent / "golden" / "program_version_1.flux"


@pytest.fixture(scope="module")
def content():
    return dumps(programs.embedding_gradient())


def packed(body: bytes, version: int = 1) -> bytes:
    """A file with a right checksum, as an attacker would write it."""
    return (
        f"flux program {version} {hashlib.sha256(body).hexdigest()} {len(body)}\n".encode() + body
    )


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", programs.ALL)
def test_a_program_comes_back(name, tmp_path):
    program = programs.ALL[name]()
    save(program, tmp_path / "program.flux")
    assert load(tmp_path / "program.flux") == program
    assert _names(tmp_path) == ["program.flux"]


@settings(max_examples=40)
@given(formulas(max_leaves=10))
def test_a_formula_comes_back_bit_for_bit(e):
    found = dumps(lower({"result of it": e}, signature(e), rows=frozenset(("x",))))
    assert dumps(loads(found)) == found


@settings(max_examples=40)
@given(tensors(steps=6))
def test_a_tensor_program_comes_back(e):
    try:
        program = lower({"result of it": e}, signature(e), sizes=SIZES)
    except AxisError:  # an index that is no integer, or outside its axis
        reject()
    assert dumps(loads(dumps(program))) == dumps(program)


@pytest.mark.parametrize("value", ["nan", "inf", 0.1, -0.0, 5e-324, 1.7976931348623157e308])
def test_a_constant_keeps_its_bits(value):
    x = variable("x")
    program = lower({"y": x + constant(value)}, [x])
    found = [b.value for b in loads(dumps(program)).entry.buffers if b.role.value == "constant"]
    wanted = [b.value for b in program.entry.buffers if b.role.value == "constant"]
    assert [f.hex() for f in found] == [w.hex() for w in wanted]


def test_names_of_any_characters_come_back():
    x = variable('\ud800\u00e9"\\\n[,{')
    program = lower({"y": x + 1}, [x])
    assert loads(dumps(program)) == program


def test_the_golden_file_of_version_1_is_read_and_written(request):
    program = programs.embedding_gradient()
    if request.config.getoption("--update-golden"):
        save(program, GOLDEN)
    assert dumps(load(GOLDEN)) == GOLDEN.read_bytes()


def test_a_newer_version_is_refused_by_its_number(content):
    body = content.split(b"\n", 1)[1]
    with pytest.raises(ProgramError, match="format version 2; this Flux reads 1"):
        loads(packed(body, version=2))


def test_every_truncation_of_the_header_and_many_of_the_body_are_refused(content):
    header = content.index(b"\n") + 1
    for stop in [*range(header + 50), *range(header, len(content), 97), len(content) - 1]:
        with pytest.raises(ProgramError):
            loads(content[:stop])


def test_random_bit_flips_are_refused(content):
    chance = random.Random(0)
    for _ in range(2_000):
        flipped = bytearray(content)
        flipped[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        with pytest.raises(ProgramError):
            loads(bytes(flipped))


def test_bit_flips_with_a_right_checksum_are_refused_or_verified(content):
    chance, body = random.Random(1), content.split(b"\n", 1)[1]
    accepted = 0
    for _ in range(2_000):
        flipped = bytearray(body)
        flipped[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        try:
            loads(packed(bytes(flipped)))
            accepted += 1  # a letter of a name, a place that no one relies on
        except ProgramError:
            pass
    assert accepted < 1_000


LEAVES = [0, -1, 1 << 40, 1 << 62, 10**30, True, None, "mul", "", 0.5, [], [[]], [[0, 0, [], []]]]


def test_random_values_in_any_place_are_refused_or_verified(content):
    chance = random.Random(2)
    whole = json.loads(content.split(b"\n", 1)[1])
    for _ in range(2_000):
        parsed = json.loads(json.dumps(whole))
        place = parsed
        while True:
            at = chance.randrange(len(place))
            if not isinstance(place[at], list) or not place[at] or chance.random() < 0.15:
                break
            place = place[at]
        place[at] = chance.choice(LEAVES)
        with suppress(ProgramError):
            loads(packed(json.dumps(parsed).encode()))


# (what it is, the body of the file)
HOSTILE = [
    ("nothing", b""),
    ("no list", b"7"),
    ("deep nesting", b"[" * 1_000_000),
    ("deep nesting that closes", b"[" * 100_000 + b"]" * 100_000),
    ("nesting inside a text is none", b'"' + b"[" * 1_000_000),
    ("many empty lists", b"[" + b"[]," * 5_000_000 + b"[]]"),
    ("many numbers", b"[" + b"1," * 7_000_000 + b"1]"),
    ("quotes that never close", b'"\\' * 5_000_000),
    ("escaped quotes", b'\\"' * 5_000_000 + b"\\"),
    ("a million digits", b"[[" + b"9" * 1_000_000 + b"],[]]"),
    ("a float", b"[[0.5],[]]"),
    ("not a number", b"[[NaN],[]]"),
    ("infinity", b"[[-Infinity],[]]"),
    ("an object", b'[{"a":1},[]]'),
    ("not ASCII", b'[["\xff"],[]]'),
    ("no functions", b"[[],[]]"),
    (
        "a truth value as a size",
        b'[[["f",[["x","float64",true,"input",false,0,0,[],[]]],[],[],[],0,0,0]],[]]',
    ),
    (
        "a negative size",
        b'[[["f",[["x","float64",-1,"input",false,0,0,[],[]]],[],[],[],0,0,0]],[]]',
    ),
    (
        "a huge buffer",
        b'[[["f",[["x","float64",1099511627777,"input",false,0,0,[],[]]],[],[],[],0,0,0]],[]]',
    ),
    ("a huge arena", b'[[["f",[],[],[],[],1099511627777,0,0]],[]]'),
    ("a negative arena", b'[[["f",[],[],[],[],-8,0,0]],[]]'),
    ("an unknown type", b'[[["f",[["x","float16",1,"input",false,0,0,[],[]]],[],[],[],0,0,0]],[]]'),
    ("an unknown role", b'[[["f",[["x","float64",1,"owner",false,0,0,[],[]]],[],[],[],0,0,0]],[]]'),
    ("an unknown opcode", b'[[["f",[],[],[],[["system",[],[],["ls"],"",[]]],0,0,0]],[]]'),
    (
        "a constant that is no number",
        b'[[["f",[["x","float64",1,"constant",false,0,"0x1",[],[]]],[],[],[],0,0,0]],[]]',
    ),
    (
        "a constant beyond all floats",
        b'[[["f",[["x","float64",1,"constant",false,0,"0x1.0p+9999",[],[]]],[],[],[],0,0,0]],[]]',
    ),
    ("a call of itself", b'[[["f",[],[],[],[["call",[],[],[0],"",[]]],0,0,0]],[]]'),
    ("a call of what is not there", b'[[["f",[],[],[],[["call",[],[],[-1],"",[]]],0,0,0]],[]]'),
]


@pytest.mark.parametrize(("what", "body"), HOSTILE, ids=[row[0] for row in HOSTILE])
def test_hostile_contents_are_refused_quickly_and_in_little_memory(what, body):
    content = packed(body)
    tracemalloc.start()
    with within(), pytest.raises(ProgramError):
        loads(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


def test_a_long_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse
    tracemalloc.start()
    with pytest.raises(ProgramError, match="larger than"):
        load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_BYTES


@pytest.mark.parametrize("path", ["missing", "", "a\0b", "folder"])
def test_a_path_that_cannot_be_read_is_an_error(path, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProgramError, match="cannot read"):
        load(tmp_path / path)


@pytest.mark.parametrize("path", ["missing/a", "a\0b", "folder", "x" * 256])
def test_a_path_that_cannot_be_written_is_an_error(path, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProgramError, match="cannot write"):
        save(programs.formula(), tmp_path / path)
    assert _names(tmp_path) == ["folder"]


def test_an_invalid_program_is_not_saved(tmp_path):
    program = programs.formula()
    wrong = replace(program, functions=(replace(program.entry, row_bytes=0),))
    with pytest.raises(ProgramError, match="lies outside the arena"):
        save(wrong, tmp_path / "program.flux")
    assert _names(tmp_path) == []


@pytest.mark.parametrize("call", ["fsync", "replace", "write"])
def test_a_failed_save_leaves_the_old_file_and_nothing_else(call, tmp_path, monkeypatch):
    path = tmp_path / "program.flux"
    save(programs.formula(), path)

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if call == "replace":
        monkeypatch.setattr(Path, "replace", fail)
    elif call == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(os, "write", fail)
    with pytest.raises(ProgramError, match="No space left"):
        save(programs.update(), path)
    monkeypatch.undo()
    assert load(path) == programs.formula()
    assert _names(tmp_path) == ["program.flux"]
