"""Sphinx configuration: MyST pages, and a highlighter for the language."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path
from typing import ClassVar

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, Text
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
from tables import built  # a script beside this one

project = "Flux"
author = "The Flux developers"
project_copyright = "2026, The Flux developers"
release = importlib.metadata.version("fluxparser")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Flux {release}"
myst_heading_anchors = 3


class FluxLexer(RegexLexer):
    """The tokens of the language."""

    name = "Flux"
    aliases: ClassVar = ["flux"]
    tokens: ClassVar = {
        "root": [
            (r"#.*$", Comment.Single),
            (r"`[^`\n]+`", Name.Variable),
            (
                words(
                    ("layer", "model", "derivative", "param", "input", "axis", "assume"),
                    suffix=r"(?=[ \t]+[A-Za-z_`])",
                ),
                Keyword,
            ),
            (words(("and", "or", "not"), prefix=r"\b", suffix=r"\b"), Operator.Word),
            (
                words(("pi", "inf", "nan", "true", "false"), prefix=r"\b", suffix=r"\b"),
                Keyword.Constant,
            ),
            (r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", Number),
            (r"[A-Za-z_]\w*(?=\s*[(\[])", Name.Function),
            (r"[A-Za-z_]\w*", Name),
            (r"[-+*/%^<>=!?:~&|]+", Operator),
            (r"[()\[\],;]", Punctuation),
            (r"\s+", Text),
        ]
    }


def setup(app: Sphinx) -> None:
    """Register the highlighter, and put in what is made from the code."""
    app.add_lexer("flux", FluxLexer)
    app.connect("source-read", _put_in)


def _put_in(_: Sphinx, __: str, source: list[str]) -> None:
    source[0] = built(source[0])
