"""The elaborator's machine: a stack of steps to do, a stack of values, and the current scope.

Syntax trees are as deep as their author likes, so that elaboration is a loop over explicit steps:
a step takes a tree, may push further steps and pops or pushes values. Calls of definitions push the
steps of their body. `elaborate.py` says which step belongs to which kind of node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flux.errors import FluxError, LimitError
from flux.expr import Expr, count_nodes
from flux.settings import current
from flux.source import Span
from flux.syntax.tree import Call, Text, Tree

if TYPE_CHECKING:
    from flux.syntax.declared import Declared
    from flux.syntax.definitions import Definition, Lookup
    from flux.syntax.graph import Parameter

Step = Callable[["Machine", Any], None]

_STEPS_PER_CHARACTER = 2  # no formula takes more; what goes beyond is definitions that multiply
_NODES_PER_CALL = 20  # and nodes for each call of a definition that it may make


@dataclass(slots=True, eq=False)
class Scope:
    """The names of one text, or of one call of a definition.

    Attributes:
        text: where the trees of this scope stand.
        kind: `formula`, `function`, `layer` or `model`.
        lookup: finds definitions.
        values: values by name: expressions, and instances of layers.
        places: where a name was bound.
        orders: declared axes of inputs, parameters and formals, as positional indices need.
        axes: the axis that each axis name of this text stands for.
        declared: axes (as they are outside) that the text declares.
        path: prefix of the paths of parameters.
        calls: how often each layer was called here, for the paths.
        result: the value of the last line so far.
        named: the bindings in order.
        inputs: inputs that lines declare, in order.
        implicit: names of a formula that became inputs by being used.
        assumptions: conditions on inputs, by name.
        integers: inputs without a type that are integers, as they are used as indices.
    """

    text: Text
    kind: str
    lookup: Lookup
    values: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Tree] = field(default_factory=dict)
    orders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    axes: Mapping[str, str] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    path: str = ""
    calls: dict[str, int] = field(default_factory=dict)
    result: Expr | None = None
    named: dict[str, Expr] = field(default_factory=dict)
    inputs: list[Declared] = field(default_factory=list)
    implicit: set[str] = field(default_factory=set)
    assumptions: Mapping[str, str] = field(default_factory=dict)
    integers: frozenset[str] = frozenset()

    def span(self, tree: Tree) -> Span:
        """The place of a node."""
        return Span(self.text.source, tree.start, tree.end)

    def axis(self, name: str) -> str:
        """The axis that a name between brackets stands for."""
        return self.axes.get(name, name)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A call in progress."""

    definition: Definition
    caller: Scope
    tree: Tree


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A call whose arguments are being elaborated."""

    tree: Call
    definition: Definition
    axes: Mapping[str, str]
    names: tuple[str, ...]  # which formal or option each argument is for
    places: tuple[Tree, ...]
    path: str


@dataclass(slots=True, eq=False)
class Machine:
    """The state of one elaboration."""

    scope: Scope
    steps: Mapping[type, Step]
    work: list[tuple[Step, Any]] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    memo: dict[Any, Expr] = field(default_factory=dict)
    origins: dict[Expr, tuple[Span, ...]] | None = None
    random: tuple[str, tuple[str, ...]] | None = None  # the parameter being initialised: path, axes
    draws: dict[str, int] = field(default_factory=dict)
    placeholders: int = 0
    calls: int = 0
    differentiated: int = 0
    training: int = 0  # what `training` is: 1 in the graph of a training step
    asked_training: bool = False  # whether the text says `training`
    chose: bool = False  # whether a choice was made by a number that is known
    model: str = ""  # what owns the outermost parameters

    def enter(self, tree: Tree) -> None:
        """Push the step that elaborates a node: its value comes on the stack."""
        self.work.append((self.steps[type(tree)], tree))

    def later(self, step: Step, payload: Any) -> None:
        """Push a step that runs after those pushed later."""
        self.work.append((step, payload))

    def enter_all(self, trees: Iterable[Tree]) -> None:
        """Push the steps of several nodes, so that their values come in the given order."""
        steps = self.steps
        self.work.extend([(steps[type(tree)], tree) for tree in trees][::-1])

    def take(self, count: int) -> list[Any]:
        """The last values, removed from the stack, in the order in which they were made."""
        if not count:
            return []
        taken = self.values[-count:]
        del self.values[-count:]
        return taken

    @property
    def multiplied(self) -> bool:
        """Whether definitions or derivatives have made more of the text than it spells."""
        return bool(self.calls or self.differentiated)

    def count_call(self) -> None:
        """Count a call of a definition.

        Raises:
            LimitError: there are too many.
        """
        self.calls += 1
        if self.calls * _NODES_PER_CALL > current().max_nodes:
            raise _too_many()

    def count_differentiated(self, tree: Tree, e: Expr) -> None:
        """Count the nodes of an expression that a derivative is taken of.

        Raises:
            LimitError: derivatives of derivatives have taken too many.
        """
        self.differentiated += count_nodes(e)
        limit = current().max_nodes
        if self.differentiated > limit:
            text = f"derivatives of more than {limit} nodes are taken (setting max_nodes)"
            raise LimitError(text, (self.span(tree),))

    def run(self) -> None:
        """Do every step."""
        work = self.work
        length = len(self.scope.text.source.text)
        budget = _STEPS_PER_CHARACTER * length + current().max_nodes
        try:
            while work:
                step, payload = work.pop()
                step(self, payload)
                budget -= 1
                if budget < 0:
                    raise _too_many()
        except FluxError as error:
            self.explain(error)
            raise

    def note_origin(self, e: Expr, tree: Tree) -> None:
        """Remember that a node of the text built an expression."""
        assert self.origins is not None
        known = self.origins.get(e, ())
        if len(known) < 4:
            scope = self.scope
            place = Span(
                scope.text.source, tree.start, tree.end, scope.path.rstrip(".") or self.model
            )
            self.origins[e] = (*known, place)

    def span(self, tree: Tree) -> Span:
        """The place of a node of the current scope."""
        return self.scope.span(tree)

    def explain(self, error: FluxError) -> None:
        """Add to an error the calls in progress, and a place where it has none yet."""
        if not self.frames:
            return
        outer = self.frames[0]
        notes = [
            f"in {frame.definition.name}, called at {_place(frame.caller.span(frame.tree))}"
            for frame in reversed(self.frames[-4:])
        ]
        error.notes = (*error.notes, *notes)
        error.spans = (*error.spans, outer.caller.span(outer.tree))
        if error.spans[0].source.name.startswith("<library>"):
            error.spans = (error.spans[-1], *error.spans[:-1])


def _too_many() -> LimitError:
    return LimitError(
        f"the text builds more than {current().max_nodes} nodes (setting max_nodes)",
        hint="definitions that call one another twice grow as powers of two",
    )


def _place(span: Span) -> str:
    return f"{span.source.name}:{span.line}:{span.column}"
