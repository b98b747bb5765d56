"""Lowering: expressions to a Program, one pass a file.

sizes -> translate (contraction, one-hot, powers) -> layout -> emit -> memory; `link` joins stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flux.dump import dump
from flux.expr import Expr
from flux.lower.function import FunctionLowering, Signature
from flux.lower.sizes import infer_sizes
from flux.lower.stages import link, repeat
from flux.program.listing import listing
from flux.program.types import DType, Program
from flux.program.verify import verify
from flux.settings import current
from flux.source import Span

__all__ = ["Signature", "link", "lower", "repeat"]


def lower(
    outputs: Mapping[str, Expr],
    inputs: Sequence[Expr],
    *,
    sizes: Mapping[str, int] | None = None,
    dtype: str | DType = DType.FLOAT64,
    orders: Mapping[str, Sequence[str]] | None = None,
    rows: frozenset[str] = frozenset(),
    packs: Mapping[str, Sequence[str]] | None = None,
    updates: Mapping[str, str] | None = None,
    origins: Mapping[Expr, Sequence[Span]] | None = None,
    relaxed: bool = False,
    name: str = "main",
) -> Program:
    """Lower expressions to a Program of one function.

    Args:
        outputs: expressions by name, in order.
        inputs: input expressions, in the order of the signature.
        sizes: the sizes of the named axes.
        dtype: the floating type of the computation.
        orders: axes of an output in the wanted order; the default is first appearance in inputs.
        rows: names of the inputs that have a row for each element of the anonymous row space.
        packs: tensors that lie one after another in one flat buffer, by the buffer's name.
        updates: for each output that overwrites an input, that input's name.
        origins: where expressions come from, for messages and listings.
        relaxed: allow rewrites that change the last bits (division by a smaller tensor becomes a
            product with its reciprocal).
        name: of the function.

    Raises:
        ShapeError: an axis has no size, or sizes do not fit.
        AxisError: an index is not an integer, or is outside its axis.
    """
    dump("expr", lambda: "\n".join(f"# {name}\n{e}" for name, e in outputs.items()))
    signature = Signature(inputs, outputs, orders or {}, rows, packs or {}, updates or {})
    known = infer_sizes([*outputs.values(), *inputs], sizes or {})
    lowering = FunctionLowering(name, signature, known, DType(dtype), origins or {}, relaxed)
    program = Program((lowering.run(),), tuple(sorted(known.items())))
    if current().verify:
        verify(program)
    dump("program", lambda: listing(program))
    return program
