"""Tokenizers as `tokenizer.json`, the file of the `tokenizers` library.

Byte pairs are that library's own. Characters are written in its terms, and read back as what they
are, without the library.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flux.errors import ArgumentError, DataError
from flux.training.bpe import BytePairs
from flux.training.files import parsed_json
from flux.training.tokenizer import AnyTokenizer, Tokenizer

_EMPTY = dict.fromkeys(("truncation", "padding", "normalizer", "post_processor"))


def hub_tokenizer(content: bytes, path: Path) -> AnyTokenizer:
    """The tokenizer of a file.

    Raises:
        DataError: it is damaged, or needs the library, which is not installed.
    """
    about = parsed_json(content, path)
    characters = _characters(about)
    if characters is not None:
        return Tokenizer(characters)
    try:
        return BytePairs(content.decode("utf-8"))
    except ArgumentError as error:
        raise DataError(f"{str(path)!r}: {error.text}") from None


def tokenizer_json(tokenizer: AnyTokenizer) -> bytes:
    """A tokenizer as the bytes of a file.

    Raises:
        ArgumentError: a kind that the library has no terms for.
    """
    saved = tokenizer.saved()
    if saved["kind"] == "bpe":
        return str(saved["json"]).encode("utf-8")
    if saved["kind"] == "characters":
        return json.dumps(_of_characters(saved["characters"])).encode("ascii")
    raise ArgumentError(
        f"a tokenizer of {saved['kind']} cannot be written as tokenizer.json",
        hint="characters and byte pairs can be",
    )


def _of_characters(characters: str) -> dict[str, Any]:
    """Every character a word of its own; one that is not known is an error there too."""
    return {
        "version": "1.0",
        **_EMPTY,
        "added_tokens": [],
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[\s\S]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "WordLevel",
            "vocab": {character: n for n, character in enumerate(characters)},
            "unk_token": "",
        },
    }


def _characters(about: dict[str, Any]) -> str | None:
    """The vocabulary of a file that is one of characters, else None."""
    model = about.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict) or not vocabulary:
        return None
    characters = "".join(sorted(vocabulary))
    same = about == _of_characters(characters)
    return characters if same else None
