"""Files that are written whole: what was there stays until the new file is complete."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flux.errors import DataError
from flux.files import replace, replace_file, sync_folder
from tests.reliability.bounds import PATIENCE_S

posix = pytest.mark.skipif(os.name != "posix", reason="the calls and modes of POSIX")


def failing(code: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_file_and_its_folders_are_written(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    for content in (b"one", b"", b"\r\n\0" * 100_000):
        replace_file(path, content)
        assert path.read_bytes() == content
        assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127, "x" * 250 + ".txt", ".x", "x."])
def test_a_name_may_be_as_long_as_the_system_lets_it(name: str, tmp_path: Path) -> None:
    replace_file(tmp_path / name, b"content")
    assert (tmp_path / name).read_bytes() == b"content"


@posix
@pytest.mark.parametrize("call", ["os.open", "os.write", "os.fsync", "os.replace"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_failed_call_leaves_the_old_file_and_nothing_else(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.txt"
    replace_file(path, b"before")
    with monkeypatch.context() as patched:
        patched.setattr(call, failing(code))
        with pytest.raises(DataError, match=os.strerror(code)):
            replace_file(path, b"after")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_made_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    replace_file(path, b"before")

    def pieces() -> Any:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(path, pieces())
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_a_folder_that_cannot_be_synced_is_told_where_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", failing(errno.EIO))
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            sync_folder(tmp_path)
        patched.setattr("os.fsync", failing(errno.EINVAL))  # of a file system that knows no such
        sync_folder(tmp_path)


@pytest.mark.parametrize("place", ["a.txt/b.txt", "folder", "a\0b", "x" * 256, ""])
def test_a_place_that_is_none_is_an_error_of_ours(place: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="cannot write"):
        replace_file(tmp_path / place, b"content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "folder"]


@posix
def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.txt"
    link.symlink_to(Path("real") / "a.txt")
    for content in (b"new", b"again"):
        replace_file(link, content)
        assert link.is_symlink()
        assert (tmp_path / "real" / "a.txt").read_bytes() == content


@posix
def test_readers_are_those_of_the_old_file_or_of_any_new_one(tmp_path: Path) -> None:
    plain, path = tmp_path / "plain.txt", tmp_path / "a.txt"
    plain.touch()
    replace_file(path, b"one")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o600)
    replace_file(path, b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"import sys; sys.stdout.write(open({str(pipe)!r}).read())"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as reader:
        replace_file(pipe, b"through")
        out, _ = reader.communicate(timeout=PATIENCE_S)
    assert out == b"through"
    assert pipe.is_fifo()
