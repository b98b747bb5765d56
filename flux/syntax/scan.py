"""The scanner: one pattern that finds the next token of a text, whatever it is.

The terminals of the grammar come in an order, and the first that matches is the token. Most tokens
are found before that order is gone through: a sign that begins no other terminal, a name that
begins like no keyword, a number. A character that begins nothing is a token of the kind `BAD`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from string import ascii_letters

_SIGNS_ALONE = "()[],:;?~+"  # a test checks that each begins one terminal only


class Scanner:
    """The tokens of texts.

    Args:
        terminals: name and pattern of each; names that begin with `__IGNORE` are no tokens.

    Attributes:
        matches: the matches of a text from a position on.
        kinds: by the group that matched; None where `signs` says it by the text, or nobody.
        signs: the kinds of signs.
    """

    def __init__(self, terminals: Sequence[tuple[str, str]]) -> None:
        patterns = dict(terminals)
        keywords = {pattern[0] for pattern in patterns.values()}
        letters = "".join(letter for letter in ascii_letters if letter not in keywords)
        quick = (
            f"[{re.escape(_SIGNS_ALONE)}]",
            f"[{letters}_][A-Za-z0-9_]*",
            f"(?=[0-9]){patterns['NUMBER']}",
        )
        tried = "|".join(f"({pattern})" for pattern in (*quick, *patterns.values(), r"[\s\S]"))
        names = [None if name.startswith("__IGNORE") else name for name in patterns]
        spelt = {pattern: name for name, pattern in terminals}
        self.matches: Callable[[str, int], Iterator[re.Match[str]]] = re.compile(
            rf"[ \t]*(?:{tried})"
        ).finditer
        self.kinds: list[str | None] = [None, None, "NAME", "NUMBER", *names, "BAD"]
        self.signs = {sign: spelt[re.escape(sign)] for sign in _SIGNS_ALONE}
