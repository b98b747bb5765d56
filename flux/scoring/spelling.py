r"""How a scoring text spells columns and categories: in ASCII, without texts in the language.

Between backticks or quotes any printable character may stand. Before the language reads the text,
every one that is not ASCII becomes its number, `\u{F6}`, and a category `"F"` becomes the name
`` `"F"` ``: so `sex == "F"` is a comparison of two names, and what compares them is a column of
truth values that is made from the table (see `flux.scoring.formulas`). Nothing is normalised.
"""

from __future__ import annotations

import re

_PARTS = re.compile(r"#[^\n]*|`[^`\n]*`|\"[^\"\n]*\"")
_NUMBER = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}")
_LAST = 0x10FFFF


def in_ascii(text: str) -> str:
    """A scoring text as the language reads it; line ends stay where they are."""
    return _PARTS.sub(_part, text)


def _part(found: re.Match[str]) -> str:
    part = found.group()
    if part.startswith("#"):
        return "".join(c if c.isascii() else "?" for c in part)
    inner = "".join(map(_spelled, part[1:-1]))
    return f"`{inner}`" if part.startswith("`") else f'`"{inner}"`'


def _spelled(character: str) -> str:
    plain = " " <= character <= "~" and character != "`"
    return character if plain else f"\\u{{{ord(character):X}}}"


def spelled(name: str) -> str:
    """A column's name as a text spells it between backticks."""
    return "".join(map(_spelled, name.replace("\\u{", "\\u{5C}u{")))


def meant(name: str) -> str:
    """The column's name, or the category, that a spelling means."""
    return _NUMBER.sub(_character, name)


def _character(found: re.Match[str]) -> str:
    number = int(found.group(1), 16)
    return chr(number) if number <= _LAST else found.group()


def is_category(name: str) -> bool:
    """Whether a name of the language stands for a category."""
    return len(name) > 2 and name[0] == name[-1] == '"'


def category(name: str) -> str:
    """The category that a name stands for."""
    return meant(name[1:-1])
