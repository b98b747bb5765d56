"""Text files as token arrays: read, check, and set a part apart for validation."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from flux.errors import DataError
from flux.training.tokenizer import Tokenizer, Tokens

VALIDATION_SHARE = 0.1  # the last part of a text


@dataclass(frozen=True)
class Corpus:
    """A text to learn from.

    Attributes:
        name: what messages call it.
        training, validation: the two parts as text.
        by_line: a window starts at the start of a line, where it otherwise starts anywhere.
    """

    name: str
    training: str
    validation: str
    by_line: bool = False

    @property
    def digest(self) -> str:
        """What tells this text from any other."""
        digest = sha256()
        for part in (self.training, self.validation):
            digest.update(f"{len(part)}|{part}".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def tokenizer(self) -> Tokenizer:
        """The vocabulary of both parts."""
        return Tokenizer.from_text(self.training + self.validation)


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with line feeds as line ends.

    Raises:
        DataError: it is missing, not a file, empty, or not UTF-8 (with the byte's position).
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"no file {str(path)!r}", hint="check the path given to --data") from None
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if not content:
        raise DataError(f"{str(path)!r} is empty")
    return _decode(content, path).removeprefix("\ufeff").replace("\r\n", "\n")


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{str(path)!r} is not UTF-8: byte 0x{content[error.start]:02X} at position "
            f"{error.start} (line {line})",
            hint=f"convert it first, for instance: iconv -f latin1 -t utf-8 {path.name}",
        ) from None


def split(text: str, name: str, context: int) -> Corpus:
    """A text's first part for training and its last part for validation.

    A text too short for a validation window of its own is used whole for both.

    Raises:
        DataError: one different character only, or not one window of `context` characters and
            the one that follows.
    """
    if len(set(text)) < 2:
        raise DataError(f"{name} has one character only: there is nothing to learn")
    if len(text) <= context:
        raise DataError(
            f"{name} has {len(text)} characters; a context of {context} needs {context + 1}",
            hint=f"use a longer text, or --context {max(1, len(text) - 1)} or less",
        )
    held = max(int(len(text) * VALIDATION_SHARE), context + 1)
    if len(text) - held <= context:
        return Corpus(name, text, text)
    return Corpus(name, text[:-held], text[-held:])


def encode(corpus: Corpus, tokenizer: Tokenizer) -> tuple[Tokens, Tokens]:
    """Both parts as tokens.

    Raises:
        DataError: a character that the tokenizer does not know.
    """
    return (
        tokenizer.encode(corpus.training, corpus.name),
        tokenizer.encode(corpus.validation, corpus.name),
    )
