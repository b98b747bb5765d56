"""A result that shows itself as facts: a line each in a terminal, a table in a notebook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from html import escape


class Facts(ABC):
    """What a result mixes in to be shown; a subclass says its facts."""

    @abstractmethod
    def _facts(self) -> Iterable[tuple[str, str]]:
        """Pairs of a name and what is to be read beside it."""

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self._facts())

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self._facts()
        )
        return f"<table>{rows}</table>"
