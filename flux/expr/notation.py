"""Write an expression as one text, with brackets where an operand binds too loosely for its place.

What an operation is made of goes in, as pieces; a `Notation` is a table of templates for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flux.expr.node import Expr
from flux.expr.precedence import ANY, POSTFIX
from flux.ops import Op

# A piece of text, or an operand with the loosest precedence it may have without brackets.
Piece = str | tuple[Expr, int]
Pieces = list[Piece]
# A text with the operands as @1, @2, ..., its precedence, and the loosest one of each operand.
Template = tuple[str, int, tuple[int, ...]]


class Notation(NamedTuple):
    """A language to write in.

    Args:
        templates: by operation.
        special: the pieces of an operation that no template can say.
        levels: precedences of those, where they are not `POSTFIX`.
        call: the pieces of an operation without a row, from its name and operands.
        brackets: an opening and a closing one.
    """

    templates: Mapping[Op, Template]
    special: Mapping[Op, Callable[[Expr], Pieces]]
    levels: Mapping[Op, int]
    call: Callable[[str, Sequence[Expr]], Pieces]
    brackets: tuple[str, str]

    def written(self, root: Expr, names: Mapping[Expr, str]) -> str:
        """The text of an expression, whose named parts are written as their names."""
        return joined(root, names, self._pieces, self._level, self.brackets)

    def _level(self, e: Expr) -> int:
        if e.op in self.templates:
            return self.templates[e.op][1]
        return self.levels.get(e.op, POSTFIX)

    def _pieces(self, e: Expr) -> Pieces:
        if e.op in self.templates:
            return _filled(self.templates[e.op], e.args)
        if e.op in self.special:
            return self.special[e.op](e)
        return self.call(e.op.row.name, e.args)


def joined(
    root: Expr,
    names: Mapping[Expr, str],
    pieces: Callable[[Expr], Pieces],
    level: Callable[[Expr], int],
    brackets: tuple[str, str],
) -> str:
    """The pieces of an expression and of its operands, in brackets where they have to be."""
    before, after = brackets
    written: list[str] = []
    pending = [*reversed(pieces(root))]
    while pending:
        piece = pending.pop()
        if isinstance(piece, str):
            written.append(piece)
        elif piece[0] in names:
            written.append(names[piece[0]])
        else:
            e, loosest = piece
            inner = pieces(e)
            pending.extend(reversed(inner if level(e) >= loosest else [before, *inner, after]))
    return "".join(written)


def _filled(template: Template, args: Sequence[Expr]) -> Pieces:
    text, _, loosest = template
    pieces: Pieces = []
    for i, part in enumerate(re.split(r"@(\d)", text)):
        if i % 2:
            pieces.append((args[int(part) - 1], loosest[int(part) - 1]))
        elif part:
            pieces.append(part)
    return pieces


def listed(args: Sequence[Expr], comma: str) -> Pieces:
    """Operands with commas between them."""
    pieces: Pieces = []
    for arg in args:
        pieces += [comma, (arg, ANY)]
    return pieces[1:]
