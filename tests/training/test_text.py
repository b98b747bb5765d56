from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flux.errors import DataError
from flux.training.batches import Windows, line_starts
from flux.training.text import read_text, split
from flux.training.tokenizer import Tokenizer


@pytest.mark.parametrize("text", ["hello", "a\nb\tc", "naïve \U0001d4b3 \u4f60", "\x00\ud800"])
def test_a_text_survives_its_tokens(text: str) -> None:
    tokenizer = Tokenizer.from_text(text)
    tokens = tokenizer.encode(text)
    assert tokens.min() == 0
    assert tokens.max() == tokenizer.size - 1
    assert tokenizer.decode(tokens) == text


def test_an_unknown_character_is_shown_with_its_place() -> None:
    tokenizer = Tokenizer.from_text("abc\n")
    with pytest.raises(DataError) as caught:
        tokenizer.encode("ab\nacéz", "notes.txt")
    assert (caught.value.line, caught.value.column) == (2, 3)
    assert "U+00E9" in str(caught.value)
    assert "'z'" in caught.value.hint


FILES = [
    (b"", "is empty"),
    (b"ab\ncd\xff", "byte 0xFF at position 5 (line 2)"),
]


@pytest.mark.parametrize(("content", "message"), FILES)
def test_unusable_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_text(path)
    assert message in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file"):
        read_text(tmp_path / "nothing.txt")
    with pytest.raises(DataError, match="cannot read"):
        read_text(tmp_path)


def test_line_ends_and_byte_order_mark_are_normalised(tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\n")
    assert read_text(path) == "a\nb\n"


def test_texts_that_cannot_be_learnt_from_are_refused() -> None:
    with pytest.raises(DataError, match="one character only"):
        split("aaaa", "data", 2)
    with pytest.raises(DataError, match="needs 9"):
        split("abababab", "data", 8)


@pytest.mark.parametrize("length", [9, 12, 18, 19, 40, 1_000])
def test_both_parts_hold_a_window(length: int) -> None:
    text = ("ab" * length)[:length]
    corpus = split(text, "data", context=8)
    assert min(len(corpus.training), len(corpus.validation)) > 8
    if corpus.training != text:
        assert corpus.training + corpus.validation == text


def test_targets_follow_tokens() -> None:
    tokens = np.arange(100)
    batch = Windows(tokens, context=5, batch=3, seed=0)(17)
    assert batch["tokens"].shape == batch["targets"].shape == (3, 5)
    np.testing.assert_array_equal(batch["targets"], batch["tokens"] + 1)


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    def draw(seed: int, steps: list[int]) -> list[bytes]:
        windows = Windows(np.arange(1_000), context=4, batch=2, seed=seed)
        return [windows(step)["tokens"].tobytes() for step in steps]

    forwards = draw(1, [0, 1, 255, 256, 5_000])
    assert forwards == draw(1, [5_000, 256, 255, 1, 0])[::-1]
    assert len(set(forwards)) == len(forwards)
    assert forwards != draw(2, [0, 1, 255, 256, 5_000])


def test_every_window_is_drawn_about_equally_often() -> None:
    windows = Windows(np.arange(12), context=2, batch=8, seed=0)
    firsts = np.concatenate([windows(step)["tokens"][:, 0] for step in range(500)])
    counts = np.bincount(firsts)
    assert len(counts) == 10
    assert counts.min() > 300


def test_windows_can_start_at_lines() -> None:
    text = "ab\ncde\nf\n"
    tokenizer = Tokenizer.from_text(text)
    assert line_starts(text).tolist() == [0, 3, 7]
    windows = Windows(tokenizer.encode(text), 2, 4, 0, starts=line_starts(text))
    seen = {tokenizer.decode(row) for step in range(20) for row in windows(step)["tokens"]}
    assert seen == {"ab", "cd"}  # the last line has no window of three characters


def test_windows_of_a_text_that_no_memory_holds_are_drawn() -> None:
    endless = np.broadcast_to(np.uint8(3), 1 << 45)
    batch = Windows(endless, 8, 4, seed=0)(5)
    assert batch["tokens"].shape == (4, 8)
    few = np.array([1 << 44, 1 << 40, (1 << 45) - 8])
    assert Windows(endless, 8, 4, seed=0, starts=few)(0)["targets"].max() == 3


def test_no_window_is_an_error() -> None:
    with pytest.raises(DataError, match="no window of 5"):
        Windows(np.arange(5), context=5, batch=1, seed=0)
