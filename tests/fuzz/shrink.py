"""Make a failing text small: delete pieces as long as the same failure stays.

Source:
    Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (2002).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.fuzz.mutate import tokens


def shrink(text: str, fails: Callable[[str], bool], most: int = 600) -> str:
    """A text that still fails, from which no single token can go.

    Args:
        text: one that fails.
        fails: whether a text fails in the same way.
        most: texts to try.
    """
    parts = tokens(text)
    size = max(1, len(parts) // 2)
    while size and most > 0:
        smaller, tried = _without_chunks(parts, size, fails, most)
        most -= tried
        if len(smaller) == len(parts) or size > 1:
            size //= 2
        parts = smaller
    return "".join(parts)


def _without_chunks(
    parts: Sequence[str], size: int, fails: Callable[[str], bool], most: int
) -> tuple[list[str], int]:
    kept, start, tried = list(parts), 0, 0
    while start < len(kept) and tried < most:
        candidate = kept[:start] + kept[start + size :]
        tried += 1
        if candidate and fails("".join(candidate)):
            kept = candidate
        else:
            start += size
    return kept, tried
