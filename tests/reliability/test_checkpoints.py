"""Saves that fail at every system call, files with damage at every byte, and hostile headers."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flux.errors import DataError
from flux.files import beside, sweep
from flux.training import checkpoint
from flux.training.generations import CHECKPOINT, load_newest, previous, save_newest, set_aside
from tests.reliability.bounds import PATIENCE_S, within

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the calls of a save are POSIX's here")

ARRAYS = {"all weights": np.arange(60, dtype=np.float32), "all others": np.ones(5)}
CALLS = ("open", "write", "fsync", "close", "link", "replace", "unlink", "mkdir")
ERRORS = (errno.EIO, errno.ENOSPC, errno.EINTR)


def arrays(number: int) -> dict[str, np.ndarray]:
    return {name: array + number for name, array in ARRAYS.items()}


def saved(folder: Path, numbers: range, keep: int = 2) -> Path:
    for number in numbers:
        save_newest(folder, arrays(number), {"step": number}, keep)
    return folder / CHECKPOINT


class Fault:
    """The system calls of a save, of which the N-th one fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> None:
        self.count = 0
        self.failed = ""
        self.renamed = False  # whether the new checkpoint has taken its place
        self.number, self.code = number, code
        self.synced: list[tuple[str, bool]] = []  # the file, and whether its sync failed
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrapped(name, getattr(os, name)))

    def _wrapped(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            self.count += 1
            fails = self.count == self.number
            if name == "fsync":
                self.synced.append((str(Path(f"/proc/self/fd/{args[0]}").readlink()), fails))
            if fails:
                self.failed = name
                if name == "close":
                    call(*args, **options)
                raise OSError(self.code, os.strerror(self.code))
            done = call(*args, **options)
            self.renamed |= name == "replace" and Path(args[1]).name == CHECKPOINT
            return done

        return wrapped


def refusal(action: Callable[[], object]) -> DataError | None:
    try:
        action()
    except DataError as error:
        return error
    return None


def attempt(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int) -> Fault:
    with monkeypatch.context() as patched:
        fault = Fault(patched, number, code)
        told = refusal(lambda: saved(folder, range(3, 4)))
    # A folder that is there, and a name beside that could not be taken back: these are all that a
    # save may overlook.
    assert told is not None or fault.failed in ("", "mkdir", "unlink")
    assert told is None or ("cannot save" in told.text and told.hint)
    return fault


@pytest.mark.parametrize("code", ERRORS)
def test_every_call_of_a_save_may_fail(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = set()
    for number in range(1, 100):
        folder = tmp_path / str(number)
        saved(folder, range(3))
        fault = attempt(folder, monkeypatch, number, code)
        if not fault.failed:
            break
        failed.add(fault.failed)
        step = checkpoint.load(folder / CHECKPOINT).about["step"]
        assert step == (3 if fault.renamed else 2)
        names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
        assert names <= {CHECKPOINT, "previous-1.safetensors", "previous-2.safetensors"}
        strays = [path for path in folder.iterdir() if path.name.startswith(".")]
        assert not strays or fault.failed == "unlink"
        saved(folder, range(4, 5))
        assert checkpoint.load(folder / CHECKPOINT).about["step"] == 4
    assert failed >= set(CALLS) - {"mkdir"}
    assert number > 8


def test_a_failed_sync_is_never_tried_again_on_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        fault = Fault(patched, -1, errno.EIO)
        saved(tmp_path, range(1))
        numbers = fault.count
    for number in range(1, numbers + 1):
        with monkeypatch.context() as patched:
            fault = Fault(patched, number, errno.EIO)
            for _ in range(2):
                refusal(lambda: saved(tmp_path, range(1)))
        if fault.failed == "fsync":
            broken = next(name for name, failed in fault.synced if failed)
            later = fault.synced[fault.synced.index((broken, True)) + 1 :]
            assert later
            assert Path(broken).is_dir() or broken not in [name for name, _ in later]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda number, content: write(number, content[:7]))
        saved(tmp_path, range(1))
    np.testing.assert_array_equal(
        checkpoint.load(tmp_path / CHECKPOINT).arrays["all weights"], ARRAYS["all weights"]
    )


def test_what_a_disk_stores_wrongly_is_found_when_it_is_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path, range(1))
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda number, content: write(number, bytes(len(content))))
        with pytest.raises(DataError, match="what was read back"):
            saved(tmp_path, range(1, 2))
    assert checkpoint.load(tmp_path / CHECKPOINT).about["step"] == 0


def test_ten_thousand_flipped_bits_and_every_truncation_are_found(tmp_path: Path) -> None:
    path = saved(tmp_path, range(2))
    content = path.read_bytes()
    random = np.random.default_rng(0)
    places = random.integers(len(content), size=10_000)
    bits = random.integers(8, size=10_000)
    with path.open("r+b", buffering=0) as file:
        for place, bit in zip(places.tolist(), bits.tolist(), strict=True):
            file.seek(place)
            file.write(bytes([content[place] ^ 1 << bit]))
            assert refusal(lambda: checkpoint.load(path)), (place, bit)
            file.seek(place)
            file.write(content[place : place + 1])
    header = 8 + int.from_bytes(content[:8], "little")
    for length in (*range(header + 1), len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(DataError):
            checkpoint.load(path)
    found, used, remarks = load_newest(tmp_path)
    assert (found.about["step"], used, len(remarks)) == (0, previous(tmp_path, 1), 1)


def test_the_previous_generation_is_used_and_a_damaged_one_is_set_aside(tmp_path: Path) -> None:
    path = saved(tmp_path, range(5))
    assert {p.name for p in tmp_path.iterdir()} == {
        CHECKPOINT,
        "previous-1.safetensors",
        "previous-2.safetensors",
    }
    path.write_bytes(b"nothing")
    found, used, _ = load_newest(tmp_path)
    assert found.about["step"] == 3
    set_aside(tmp_path, used)
    saved(tmp_path, range(9, 10))
    assert [checkpoint.load(previous(tmp_path, n)).about["step"] for n in (1, 2)] == [3, 2]
    assert load_newest(tmp_path)[0].about["step"] == 9
    for each in tmp_path.glob("*.safetensors"):
        each.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        load_newest(tmp_path)
    assert len(caught.value.notes) == 2


@pytest.mark.parametrize("keep", [0, 1, 3])
def test_as_many_are_kept_as_is_asked(keep: int, tmp_path: Path) -> None:
    saved(tmp_path, range(6), keep)
    steps = [checkpoint.load(path).about["step"] for path in sorted(tmp_path.glob("previous-*"))]
    assert steps == [4, 3, 2][:keep]
    assert not list(tmp_path.glob(".*"))


def test_what_killed_saves_leave_is_swept(tmp_path: Path) -> None:
    saved(tmp_path, range(1))
    with beside(tmp_path / CHECKPOINT) as new:
        stray = new
    stray.write_bytes(b"half")
    (tmp_path / ".hidden.file").touch()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, ".hidden.file"}


START = b'{"__metadata__":{"flux":"' + b"0" * 64


def hostile(header: bytes, length: int | None = None, data: bytes = b"") -> bytes:
    size = len(header) if length is None else length
    return struct.pack("<Q", size) + header + data


def entries(*rows: str) -> bytes:
    text = '{"__metadata__":{"flux":"' + "0" * 64 + '{}"}'
    return ",".join([text, *rows]).encode() + b"}"


def entry(name: str, start: int, end: int, shape: str = "[1]", kind: str = "F32") -> str:
    return f'"{name}":{{"dtype":"{kind}","shape":{shape},"data_offsets":[{start},{end}]}}'


HOSTILE = {
    "nothing": b"",
    "short": b"\x00\x01",
    "huge length": hostile(START, (1 << 64) - 1),
    "long length": hostile(START, 1 << 33, b"x" * 100),
    "no header": hostile(b"", 0),
    "nested": hostile(START + b"[" * 1_000_000),
    "spaces": hostile(START + b" " * 8_000_000),
    "overlapping": hostile(entries(entry("a", 0, 4), entry("b", 2, 6)), data=b"x" * 6),
    "negative": hostile(entries(entry("a", -4, 4)), data=b"x" * 8),
    "backwards": hostile(entries(entry("a", 4, 0)), data=b"x" * 8),
    "duplicate": hostile(entries(entry("a", 0, 4), entry("a", 0, 4)), data=b"x" * 4),
    "huge shape": hostile(entries(entry("a", 0, 4, f"[{1 << 62}, 4]")), data=b"x" * 4),
    "beyond": hostile(entries(entry("a", 0, 1 << 40)), data=b"x" * 4),
    "unknown type": hostile(entries(entry("a", 0, 4, kind="F31")), data=b"x" * 4),
}


def sealed(content: bytes) -> bytes:
    """The file with a digest that fits, as one who writes hostile files would make it."""
    from hashlib import sha256

    at = 8 + len(START) - 64
    if len(content) < at + 64:
        return content
    blank = content[:at] + b"0" * 64 + content[at + 64 :]
    return content[:at] + sha256(blank).hexdigest().encode() + content[at + 64 :]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("seal", [False, True])
def test_hostile_headers_are_refused_at_once(name: str, seal: bool, tmp_path: Path) -> None:
    path = tmp_path / CHECKPOINT
    path.write_bytes(sealed(HOSTILE[name]) if seal else HOSTILE[name])
    with pytest.raises(DataError), within(0.1):
        checkpoint.load(path)


_READER = """
import resource, sys
from pathlib import Path
import numpy, safetensors.numpy
from flux.errors import DataError
from flux.training import checkpoint
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        checkpoint.load(path)
        sys.exit(f"{path} was read")
    except DataError:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_hostile_headers_take_no_memory(tmp_path: Path) -> None:
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(sealed(content))
    command = [sys.executable, "-c", _READER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 64


def test_a_file_that_is_replaced_while_it_is_read_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, range(1))
    check, numbers = checkpoint._check_file, iter(range(1, 4))

    def replaced(path: Path) -> None:
        check(path)
        for number in numbers:
            saved(tmp_path, range(number, number + 1))
            break

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "_check_file", replaced)
        found = checkpoint.load(path)
    assert found.about["step"] == 3
    np.testing.assert_array_equal(found.arrays["all weights"], arrays(3)["all weights"])


GOLDEN = Path(__file__).parent.parent / "golden"


def test_a_file_of_this_format_stays_readable(request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"checkpoint_version_{checkpoint.VERSION}.safetensors"
    if request.config.getoption("--update-golden"):
        checkpoint.save(path, ARRAYS, {"step": 7, "characters": "ab\n\u00e9"})
    found = checkpoint.load(path)
    assert (found.about["step"], found.about["characters"]) == (7, "ab\n\u00e9")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.parametrize("version", [1, 3, 99])
def test_other_formats_are_refused_by_their_number(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "VERSION", version)
        saved(tmp_path, range(1))
    with pytest.raises(DataError, match=f"has format {version}; this version reads"):
        checkpoint.load(tmp_path / CHECKPOINT)
