"""Text files in pieces: the same as in one piece, whatever their size."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux.cli.entry import run
from flux.errors import DataError
from flux.expr import variable
from flux.settings import override
from flux.training import (
    Files,
    Preset,
    Tokenizer,
    Windows,
    read_run,
    read_table,
    read_text,
    text_files,
)
from flux.training.text import make_tokenizer

PRESET = Preset(context=4)
LINES = "caf\u00e9 on the mat, \U0001d4b3\r\nand\n\r\nso on\r"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, which even short texts go to."""
    monkeypatch.setattr(text_files, "_KEPT", 1)
    with override(cache=str(tmp_path / "cache")):
        yield tmp_path / "cache"


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 1 << 20])
def test_pieces_join_to_the_text(
    piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "_PIECE", piece)
    path = written(tmp_path, "a.txt", "\ufeff" + LINES * 3)
    expected = (LINES * 3).replace("\r\n", "\n")
    assert read_text(path) == expected
    assert "".join(Files([path]).texts()) == expected


@given(st.lists(st.text(st.sampled_from("ab \n"), max_size=30)), st.integers(1, 9))
def test_no_piece_ends_within_a_line_that_fits(texts: list[str], piece: int) -> None:
    found = list(text_files._by_lines(texts))
    assert "".join(found) == "".join(texts)
    assert all(text.endswith("\n") for text in found[:-1])


@pytest.mark.parametrize("piece", [1, 4, 1 << 20])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ab\ncd\xffe", "byte 0xFF at position 5 (line 2)"),
        (b"\xff", "byte 0xFF at position 0 (line 1)"),
        (b"ab\n\n\xc3", "byte 0xC3 at position 4 (line 3)"),
        (b"a\xe2\x82x", "byte 0xE2 at position 1 (line 1)"),
        (b"a" * 7 + b"\xed\xa0\x80", "byte 0xED at position 7 (line 1)"),
    ],
)
def test_a_byte_that_is_not_utf_8_is_named_with_its_place(
    piece: int, content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "_PIECE", piece)
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(DataError) as caught:
        Files([tmp_path / "a.txt"])
    assert message in caught.value.text
    assert "iconv" in caught.value.hint


def test_files_and_folders_are_one_text_in_order(tmp_path: Path) -> None:
    written(tmp_path, "b/2.txt", "two\n")
    written(tmp_path, "b/1/x.md", "one\n")
    written(tmp_path, "b/.hidden/y.txt", "no")
    written(tmp_path, "b/.z", "no")
    last = written(tmp_path, "a.txt", "three\n")
    files = Files([tmp_path / "b", last])
    assert "".join(files.texts()) == "one\ntwo\nthree\n"
    assert files.name == "3 files"


def test_texts_that_cannot_be_learnt_from_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no file"):
        Files([tmp_path])
    with pytest.raises(DataError, match="no file"):
        Files([tmp_path / "no.txt"])
    with pytest.raises(DataError, match="is empty"):
        Files([written(tmp_path, "empty.txt", "")])
    with pytest.raises(DataError, match="one character only"):
        Files([written(tmp_path, "one.txt", "aaaa")])
    short = Files([written(tmp_path, "short.txt", "abab")])
    with pytest.raises(
        DataError, match=r"short\.txt has 4 tokens; a context of 4 needs 5"
    ) as caught:
        short.encoded(Tokenizer("ab"), PRESET)
    assert "--context 3" in caught.value.hint


def test_a_long_text_is_kept_mapped_and_the_same(cache: Path, tmp_path: Path) -> None:
    text = "the cat sat\non the mat\n" * 500
    files = Files([written(tmp_path, "a.txt", text)])
    for kind in ("characters", "bytes", "words"):
        tokenizer = make_tokenizer(kind, 100, files.texts())
        found = files.encoded(tokenizer, PRESET)
        assert isinstance(found.training, np.memmap)
        joined = np.concatenate([found.training, found.validation])
        np.testing.assert_array_equal(joined, tokenizer.encode(text))
        assert len(found.validation) == int(0.1 * len(joined))
        batch = Windows(found.training, 4, 3, 0)(5)
        assert batch["tokens"].shape == (3, 4)
    assert len(list(cache.iterdir())) == 3


def test_the_cache_is_used_and_a_damaged_file_of_it_is_made_anew(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files([written(tmp_path, "a.txt", "abc\n" * 50)])
    tokenizer = Tokenizer("\nabc")
    expected = files.encoded(tokenizer, PRESET).training.copy()
    (kept,) = cache.iterdir()
    with monkeypatch.context() as patched:
        patched.setattr(Tokenizer, "encode", None)
        np.testing.assert_array_equal(files.encoded(tokenizer, PRESET).training, expected)
    content = kept.read_bytes()
    for damaged in (b"", content[:-1], content[:40], b"\x05" + content[1:]):
        kept.unlink()
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(files.encoded(tokenizer, PRESET).training, expected)
        assert kept.read_bytes() == content
    other = Files([written(tmp_path, "b.txt", "abc\n" * 51)])
    other.encoded(tokenizer, PRESET)
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, cache: Path) -> None:
    cache.write_text("a file, no folder")
    files = Files([written(tmp_path, "a.txt", "abc\n" * 50)])
    found = files.encoded(Tokenizer("\nabc"), PRESET)
    assert len(found.training) + len(found.validation) == 200


def test_memory_does_not_grow_with_the_text(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    with path.open("w", encoding="utf-8") as file:
        for _ in range(300):
            file.write("to be, or not to be: that is the question\n" * 1_000)
    text_bytes = path.stat().st_size
    assert text_bytes > 12_000_000
    tracemalloc.start()
    try:
        files = Files([path])
        found = files.encoded(make_tokenizer("bytes", 0, ()), PRESET)
        assert len(found.training) > 11_000_000
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.skipif(os.name != "posix", reason="devices are files on POSIX")
@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused_at_once(path: str) -> None:
    with pytest.raises(DataError, match="is not a file"):
        Files([Path(path)])


def test_every_pass_is_told_of(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("ab\n" * 700_000)
    told: list[tuple[int, int]] = []
    files = Files([tmp_path], lambda *pair: told.append(pair))
    size = 2 * 2_100_000
    assert told[-1] == (size, size)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    count = len(told)
    assert "".join(files.texts()) == "ab\n" * 1_400_000
    assert len(told) == 2 * count


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("text.txt", "table.csv", "checkpoint.safetensors"):
        os.mkfifo(tmp_path / name)
    for read in (
        lambda: Files([tmp_path / "text.txt"]),
        lambda: read_table(tmp_path / "table.csv", [variable("x", ["r"])]),
        lambda: read_run(tmp_path),
        lambda: read_run(tmp_path / "text.txt"),
    ):
        with pytest.raises(DataError, match=r"is not a file|no run"):
            read()


def test_paths_that_the_system_refuses_are_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for path in (str(tmp_path / "loop"), "x" * 5000, "a\0b"):
        assert run(["train", "--data", path]) == 1
        assert "data error: cannot read" in capsys.readouterr().err
    assert run(["train", "--data", ""]) == 2
    assert "it is empty" in capsys.readouterr().err
