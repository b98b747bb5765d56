"""The expression: an immutable, interned, typed node.

A node is an operation, operands, attributes and the set of axes of its value. Building the same
expression twice gives the same object, so equality is `is`, and every analysis is a dictionary
keyed by node. Texts come in through `flux.syntax`; derivatives and Programs are made from here.
"""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from hashlib import blake2b
from numbers import Integral, Rational, Real
from typing import Any, NamedTuple

from flux.errors import ArgumentError, AxisError, LimitError
from flux.ops import POINTWISE, REDUCTIONS, Op
from flux.settings import current

Axes = frozenset[str]
NO_AXES: Axes = frozenset()

# A constant is an exact non-negative number (int or Decimal), a truth value, or one of the names
# pi, e, inf and nan.
Constant = int | Decimal | bool | str


class ConstantAttributes(NamedTuple):
    """Attributes of `Op.CONSTANT`; the kind keeps 1, 1.0 and True three different constants."""

    kind: str
    value: Constant


class InputAttributes(NamedTuple):
    """Attributes of `Op.INPUT`.

    Args:
        name: its name, or the path of a parameter.
        axes: its named axes in declared order (an array's last dimensions).
        integer: whether its values are integers, as an index needs.
        assumption: "" or a condition on its values, such as "> 0".
    """

    name: str
    axes: tuple[str, ...] = ()
    integer: bool = False
    assumption: str = ""


class RandomAttributes(NamedTuple):
    """Attributes of `Op.RANDOM`: uniform on [0, 1) over axes in this order, one stream a site."""

    site: str
    axes: tuple[str, ...] = ()


# Attributes by operation: CONSTANT, INPUT and RANDOM as above; POSITION and SIZE an axis name;
# reductions and INDEX a sorted tuple of axes; RENAME a sorted tuple of (old, new) pairs; else None.
Attributes = Any


class Expr:
    """An expression of the language.

    Attributes:
        op: the operation.
        args: the operands.
        attributes: what else defines the node (see `Attributes`).
        axes: the named axes of the value.
    """

    __slots__ = ("__weakref__", "_hash64", "args", "attributes", "axes", "op")
    __array_ufunc__ = None  # a NumPy number or array leaves its operators to this class

    op: Op
    args: tuple[Expr, ...]
    attributes: Attributes
    axes: Axes
    _hash64: int  # missing until it is asked for

    @property
    def hash64(self) -> int:
        """A structural hash that is the same in every run; anything that sorts, sorts by it."""
        try:
            return self._hash64
        except AttributeError:
            return _hashed(self)

    # Operators build exactly the operation that they spell; numbers become constants.
    def __add__(self, other: Operand) -> Expr:
        return node(Op.ADD, (self, lift(other)))

    def __radd__(self, other: Operand) -> Expr:
        return node(Op.ADD, (lift(other), self))

    def __sub__(self, other: Operand) -> Expr:
        return node(Op.SUB, (self, lift(other)))

    def __rsub__(self, other: Operand) -> Expr:
        return node(Op.SUB, (lift(other), self))

    def __mul__(self, other: Operand) -> Expr:
        return node(Op.MUL, (self, lift(other)))

    def __rmul__(self, other: Operand) -> Expr:
        return node(Op.MUL, (lift(other), self))

    def __truediv__(self, other: Operand) -> Expr:
        return node(Op.DIV, (self, lift(other)))

    def __rtruediv__(self, other: Operand) -> Expr:
        return node(Op.DIV, (lift(other), self))

    def __pow__(self, other: Operand) -> Expr:
        return node(Op.POW, (self, lift(other)))

    def __rpow__(self, other: Operand) -> Expr:
        return node(Op.POW, (lift(other), self))

    def __mod__(self, other: Operand) -> Expr:
        return node(Op.MOD, (self, lift(other)))

    def __rmod__(self, other: Operand) -> Expr:
        return node(Op.MOD, (lift(other), self))

    def __neg__(self) -> Expr:
        return node(Op.NEG, (self,))

    # What higher stages do with an expression; `flux` says where each service lives.
    def diff(self, x: str | Expr, n: int = 1) -> Expr:
        """The n-th derivative with respect to an input: d^n e / dx^n.

        Args:
            x: the name of an input, or an expression that is taken as a variable; the derivative
                by a name that the expression lacks is 0.
            n: the order, 0 or more.

        Raises:
            AxisError: x has axes and the expression mixes its positions.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        result: Expr = service("diff")(self, x, n)
        return result

    def gradient(self, names: Sequence[str | Expr]) -> list[Expr]:
        """The derivatives of a scalar with respect to several inputs, in their order.

        Shapes:
            Each has axes of its input only; along those that it lacks it is constant.

        Raises:
            AxisError: the expression has axes.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        result: list[Expr] = service("gradient")(self, names)
        return result

    def jvp(self, direction: Mapping[str, Operand | str]) -> Expr:
        """The derivative along a direction: the sum of de/dx * direction[x] over its names.

        Raises:
            AxisError: a tangent has an axis that its input lacks.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        result: Expr = service("jvp")(self, direction)
        return result

    def vjp(self, cotangent: Operand | str, names: Sequence[str | Expr]) -> list[Expr]:
        """The derivatives of `sum(cotangent * e)`, over all axes of e, by several inputs.

        Raises:
            AxisError: the cotangent has an axis that the expression lacks.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        result: list[Expr] = service("vjp")(self, cotangent, names)
        return result

    def jacobian(self, names: Sequence[str | Expr]) -> list[Expr]:
        """One row of `flux.jacobian`: the derivatives of a scalar by several scalar inputs.

        Raises:
            AxisError: the expression or an input has axes.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        rows: list[list[Expr]] = service("jacobian")([self], names)
        return rows[0]

    def hessian(self, names: Sequence[str | Expr]) -> list[list[Expr]]:
        """The second derivatives of a scalar by several scalar inputs; it is symmetric.

        H[i][j] = d^2 e / (d names[i] d names[j])

        Raises:
            AxisError: the expression or an input has axes.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        result: list[list[Expr]] = service("hessian")(self, names)
        return result

    def hvp(
        self, direction: Mapping[str, Operand | str], names: Sequence[str] | None = None
    ) -> list[Expr]:
        """The Hessian times a vector, without the Hessian.

        sum over j of d^2 e / (d names[i] d x_j) * direction[x_j], for each i

        Args:
            direction: the vector by name; inputs that are absent stand still.
            names: the rows that are wanted; those of the direction by default.

        Raises:
            AxisError: the expression has axes, or a tangent has one that its input lacks.
            LimitError: the derivatives need more nodes than the setting `max_nodes`.
        """
        result: list[Expr] = service("hvp")(self, direction, names)
        return result

    def simplify(self, exact: bool = False) -> Expr:
        """An expression of the same value wherever this one is finite, usually smaller.

        Args:
            exact: apply only rules that hold bit for bit in floating point.
        """
        result: Expr = service("simplify")(self, exact=exact)
        return result

    def expand(self) -> Expr:
        """The expression with products and whole powers of sums multiplied out.

        Raises:
            LimitError: it has more terms than the settings `max_steps` and `max_nodes` allow.
        """
        result: Expr = service("expand")(self)
        return result

    def factor(self) -> Expr:
        """The expression as a product of factors with rational coefficients, found by SymPy.

        Raises:
            NotFoundError: SymPy has no answer, or none whose value could be confirmed.
            LimitError: past the settings `max_seconds` or `max_memory`.
            AxisError: the expression has named axes.
        """
        result: Expr = service("factor")(self)
        return result

    def collect(self, x: str | Expr) -> Expr:
        """The expression expanded, and ordered by powers of x: c_n*x^n + ... + c_1*x + c_0.

        Args:
            x: the name of an input, or an expression that is a factor of terms, such as exp(t).

        Raises:
            LimitError: it has more terms than the settings `max_steps` and `max_nodes` allow.
        """
        result: Expr = service("collect")(self, x)
        return result

    def free_names(self) -> tuple[str, ...]:
        """The names of the inputs, in order of first appearance."""
        names: tuple[str, ...] = service("free_names")(self)
        return names

    def count_ops(self) -> int:
        """The number of different operations: each shared part once, constants and inputs not."""
        count: int = service("count_ops")(self)
        return count

    def is_constant(self) -> bool:
        """Whether the value provably depends on no input; False where that is not shown."""
        steady: bool = service("is_constant")(self)
        return steady

    def domain(self) -> list[Any]:
        """The conditions under which the expression is defined.

        `str` of one reads `x > 0 (from log(x))`; see `flux.calculus.domain.Condition`.
        """
        conditions: list[Any] = service("domain")(self)
        return conditions

    def subs(self, mapping: Mapping[str, Any] | None = None, /, **values: Any) -> Expr:
        """Replace inputs, all at once, by expressions, numbers or formulas in text.

        Raises:
            UnknownNameError: the expression has no input of that name.
            AxisError: a replacement has an axis that the expression binds above the input.
        """
        result: Expr = service("subs")(self, {**(mapping or {}), **values})
        return result

    def evaluate(self, mapping: Mapping[str, Any] | None = None, /, **values: Any) -> Any:
        """The value for given inputs: a float, or an array where one was given.

        With `digits=50`, where no input has that name, a `Digits` of so many proved digits.

        Shapes:
            inputs without named axes broadcast as in NumPy; one with named axes has them last.

        Raises:
            DomainError: an operation outside its domain.
            UnknownNameError: an input has no value.
        """
        return service("evaluate")(self, mapping or {}, values)

    def interval(self, mapping: Mapping[str, Any] | None = None, /, **bounds: Any) -> Any:
        """An interval that holds every value for inputs in intervals: see `flux.interval`.

        Raises:
            ArgumentError: an interval that is empty, a value that is no number, an axis.
        """
        return service("interval")(self, mapping, **bounds)

    def integrate(
        self,
        x: str,
        a: Operand | str | None = None,
        b: Operand | str | None = None,
        values: Mapping[str, float] | None = None,
        **options: Any,
    ) -> Any:
        """An antiderivative by x, or the integral from a to b: see `flux.integrate`.

        Raises:
            NotFoundError: no antiderivative was found.
            DomainError: the definite integral does not converge.
            LimitError: past the settings `max_seconds` or `max_memory`.
        """
        return service("integrate")(self, x, a, b, values, **options)

    def series(self, x: str, x0: Operand | str = 0, n: int = 6) -> Expr:
        """The Taylor polynomial by x about x0, up to the power n.

        sum over k = 0 ... n of c_k*(x - x0)^k

        Raises:
            DomainError: there is no Taylor series at that point.
            LimitError: past the settings `max_steps` or `max_literal`.
        """
        result: Expr = service("series")(self, x, x0, n)
        return result

    def limit(self, x: str, to: Operand | str, side: str = "both") -> Expr:
        """The limit where x goes to a point; see `flux.limit`.

        Args:
            x: the name of the variable.
            to: the point: a number or a formula, "inf" and "-inf" too.
            side: "left", "right", or "both", which must then agree.

        Raises:
            NotFoundError: there is none, or none that could be confirmed.
            LimitError: past the settings `max_seconds` or `max_memory`.
        """
        result: Expr = service("limit")(self, x, to, side)
        return result

    def to_sympy(self) -> Any:
        """The expression as SymPy's, with exact numbers and real names.

        Raises:
            AxisError: the expression has named axes.
        """
        return service("to_sympy")(self)

    def to_latex(self) -> str:
        """The expression as LaTeX."""
        text: str = service("latex")(self)
        return text

    def to_mathml(self) -> str:
        """The expression as MathML for a web page: one `math` element."""
        text: str = service("mathml")(self)
        return text

    def to_python(self, name: str = "f") -> str:
        """The source of a Python function of that name, over the module math alone.

        Its arguments are the inputs in order of first appearance.

        Raises:
            AxisError: the expression has named axes.
            ArgumentError: an operation that Python lacks, or a name that is none there.
        """
        text: str = service("python")(self, name)
        return text

    def to_c(self, name: str = "f") -> str:
        """The source of a C99 function of that name, of doubles, over math.h alone.

        Its arguments are the inputs in order of first appearance.

        Raises:
            AxisError: the expression has named axes.
            ArgumentError: an operation that C lacks, or a name that is none there.
        """
        text: str = service("c")(self, name)
        return text

    def to_dot(self) -> str:
        """The expression's graph for Graphviz: a box for each node, shared ones once."""
        text: str = service("dot")(self)
        return text

    def to_svg(self) -> str:
        """The expression's graph as a picture: a box for each operation, shared ones once.

        Raises:
            LimitError: it would have more than 2,000 boxes.
        """
        text: str = service("svg")(self)
        return text

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"

    def __str__(self) -> str:
        text: str = service("text")(self)
        return text

    def __repr__(self) -> str:
        text = str(self)
        return f"Expr({text if len(text) <= 1_000 else text[:997] + '...'})"

    def __new__(cls, *_: object) -> Expr:
        """Refuse: nodes come from the table, through `node`."""
        raise ArgumentError("build expressions with flux.parse or flux.expr, not with Expr()")

    def __setattr__(self, name: str, value: object) -> None:
        raise ArgumentError("an expression is immutable")

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (_unpickle, (_flatten(self),))

    def __bool__(self) -> bool:
        raise ArgumentError(
            "an expression has no truth value", hint="use `is`, flux.equal, or evaluate it"
        )


Operand = Expr | int | float | Decimal | bool

_SERVICES: dict[str, Callable[..., Any]] = {}


def provide(name: str, function: Callable[..., Any]) -> None:
    """Say what function of a higher stage stands behind a method of Expr."""
    _SERVICES[name] = function


def service(name: str) -> Callable[..., Any]:
    """The function that stands behind a method of Expr."""
    return _SERVICES[name]


class _Reference(weakref.ref[Expr]):
    __slots__ = ("key",)
    key: tuple[Any, ...]


_TABLE: dict[tuple[Any, ...], _Reference] = {}
_LOCK = threading.RLock()  # re-entrant: the collector may run `_forget` while it is held
_MASK = (1 << 64) - 1
_SLOTS: dict[str, Any] = {name: vars(Expr)[name] for name in Expr.__slots__}  # past __setattr__
_SET_OP = _SLOTS["op"].__set__
_SET_ARGS = _SLOTS["args"].__set__
_SET_ATTRIBUTES = _SLOTS["attributes"].__set__
_SET_AXES = _SLOTS["axes"].__set__
_SET_HASH = _SLOTS["_hash64"].__set__


def node(op: Op, args: tuple[Expr, ...] = (), attributes: Attributes = None) -> Expr:
    """The node of an operation, operands and attributes; the same one each time.

    Raises:
        AxisError: the attributes do not fit the operands' axes.
    """
    key = (op, attributes, args)
    reference = _TABLE.get(key)
    if reference is not None:
        known = reference()
        if known is not None:
            return known
    return _intern(key, _union(args) if attributes is None else _axes(op, args, attributes))


def _intern(key: tuple[Any, ...], axes: Axes) -> Expr:
    made = object.__new__(Expr)
    _SET_OP(made, key[0])
    _SET_ATTRIBUTES(made, key[1])
    _SET_ARGS(made, key[2])
    _SET_AXES(made, axes)
    reference = _Reference(made, _forget)
    reference.key = key
    with _LOCK:
        first = _TABLE.setdefault(key, reference)
        if first is not reference:  # another thread was quicker, or what was there has just gone
            known = first()
            if known is not None:
                return known
            _TABLE[key] = reference
    return made


def _forget(reference: Any) -> None:
    key = reference.key
    with _LOCK:
        if _TABLE.get(key) is reference:
            del _TABLE[key]


def interned_count() -> int:
    """The number of nodes alive."""
    return len(_TABLE)


NAMED_CONSTANTS: tuple[str, ...] = ("pi", "e", "inf", "nan")


def lift(value: Operand) -> Expr:
    """The value itself where it is an expression, else its constant.

    Raises:
        ArgumentError: it is neither an expression nor a real number.
    """
    return value if isinstance(value, Expr) else constant(_number(value))


def _number(value: object) -> int | float | Decimal | bool:
    """A number of Python: NumPy's scalars are turned into theirs."""
    if isinstance(value, bool | int | float | Decimal):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, Rational):
        return float(value)
    raise ArgumentError(
        f"expected an expression or a number, not {type(value).__name__}",
        hint="flux.parse makes an expression of a text" if isinstance(value, str) else "",
    )


def constant(value: int | float | Decimal | bool | str) -> Expr:
    """A constant; a negative number, -0.0 included, builds `neg` of its magnitude.

    A float means the decimal that `repr` shows, so 0.1 is one tenth, whose float64 is 0.1 again.

    Args:
        value: a number, a truth value, or one of the names pi, e, inf, nan.

    Raises:
        LimitError: it has more digits than the setting `max_literal`.
    """
    if type(value) is int and value >= 0:
        return _whole(value)
    if isinstance(value, bool):
        return _constant("bool", value)
    if isinstance(value, str):
        assert value in NAMED_CONSTANTS
        return _constant("named", value)
    if isinstance(value, float) and (value != value or value in (math.inf, -math.inf)):
        magnitude = _constant("named", "nan" if value != value else "inf")
        return -magnitude if value < 0 else magnitude
    if isinstance(value, float):
        return _decimal(Decimal(repr(float(value))))
    if isinstance(value, Decimal):
        return _decimal(value) if value.is_finite() else constant(_not_finite(value))
    return -_whole(-value) if value < 0 else _whole(int(value))


def _not_finite(value: Decimal) -> float:
    return math.nan if value.is_nan() else math.copysign(math.inf, value)


def _whole(value: int) -> Expr:
    if value.bit_length() > 64 and value >= 10 ** current().max_literal:
        raise _too_long()
    return node(Op.CONSTANT, (), ConstantAttributes("int", value))


def _too_long() -> LimitError:
    limit = current().max_literal
    return LimitError(f"a number has more than {limit} digits (setting max_literal)")


def _decimal(value: Decimal) -> Expr:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if len(digits) > current().max_literal:
        raise _too_long()
    kept = len(digits)
    while kept > 1 and digits[kept - 1] == 0:
        kept -= 1
    exponent = 0 if digits == (0,) * len(digits) else exponent + len(digits) - kept
    magnitude = _constant("decimal", Decimal((0, digits[:kept], exponent)))
    return -magnitude if sign else magnitude


def _constant(kind: str, value: Constant) -> Expr:
    return node(Op.CONSTANT, (), ConstantAttributes(kind, value))


_POINTWISE = frozenset(POINTWISE)
_REDUCTIONS = frozenset(REDUCTIONS)


def _axes(op: Op, args: tuple[Expr, ...], attributes: Attributes) -> Axes:
    """The axes of a node with attributes; without them it is pointwise, and has its operands'."""
    if op is Op.CONSTANT or (op is Op.INPUT and not attributes.axes):
        return NO_AXES
    if op in _POINTWISE:
        return _union(args)
    if op in _REDUCTIONS:
        return args[0].axes.difference(attributes)
    if op is Op.INDEX:
        return _index_axes(args, attributes)
    if op is Op.RENAME:
        return _rename_axes(args[0], dict(attributes))
    if op is Op.POSITION:
        return frozenset((attributes,))
    if op in (Op.INPUT, Op.RANDOM):
        return _declared(attributes.axes)
    return NO_AXES


def _union(args: tuple[Expr, ...]) -> Axes:
    axes = args[0].axes
    for arg in args[1:]:
        if arg.axes is not axes and arg.axes:
            axes = axes | arg.axes if axes else arg.axes
    return axes


def _declared(axes: tuple[str, ...]) -> Axes:
    declared = frozenset(axes)
    if len(declared) != len(axes):
        raise AxisError(f"an axis may stand once in [{', '.join(axes)}]")
    return declared or NO_AXES


def _index_axes(args: tuple[Expr, ...], indexed: tuple[str, ...]) -> Axes:
    x, indices = args[0], args[1:]
    missing = [axis for axis in indexed if axis not in x.axes]
    if missing:
        raise AxisError(f"cannot index axis {missing[0]}: the value has {show_axes(x.axes)}")
    return x.axes.difference(indexed).union(*(i.axes for i in indices))


def _rename_axes(x: Expr, pairs: Mapping[str, str]) -> Axes:
    kept = x.axes.difference(pairs)
    targets = list(pairs.values())
    if len(set(targets)) != len(targets) or not kept.isdisjoint(targets):
        raise AxisError(f"cannot rename to {', '.join(targets)}: two axes would become one")
    return kept.union(targets)


def show_axes(axes: Axes | tuple[str, ...]) -> str:
    """Axes as people read them: `axes [b, t]`, or `no axes`."""
    names = axes if isinstance(axes, tuple) else tuple(sorted(axes))
    return f"axes [{', '.join(names)}]" if names else "no axes"


def _hashed(root: Expr) -> int:
    """The structural hash of a node, after those of the nodes below it that have none yet."""
    stack = [root]
    while stack:
        e = stack[-1]
        missing = [arg for arg in e.args if not hasattr(arg, "_hash64")]
        stack += missing
        if not missing:
            _SET_HASH(stack.pop(), _mixed(e))
    return root._hash64


def _mixed(e: Expr) -> int:
    # A multiply-xorshift over the operands' hashes, started from the operation and attributes.
    state = _seed(e.op, e.attributes)
    for arg in e.args:
        state = ((state ^ arg._hash64) * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & _MASK
        state ^= state >> 29
    return state


_SEEDS: dict[tuple[Op, Attributes], int] = {}


def _seed(op: Op, attributes: Attributes) -> int:
    key = (op, attributes)
    seed = _SEEDS.get(key)
    if seed is None:
        if len(_SEEDS) > 10_000:
            _SEEDS.clear()
        text = f"{op.row.name}|{attributes!r}".encode("utf-8", "surrogatepass")
        seed = _SEEDS[key] = int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
    return seed


def _flatten(root: Expr) -> list[tuple[str, tuple[int, ...], Attributes]]:
    from flux.expr.traverse import topological

    order = topological((root,))
    number = {e: i for i, e in enumerate(order)}
    return [(e.op.name, tuple(number[a] for a in e.args), e.attributes) for e in order]


def _unpickle(rows: list[tuple[str, tuple[int, ...], Attributes]]) -> Expr:
    made: list[Expr] = []
    for name, args, attributes in rows:
        made.append(node(Op[name], tuple(made[i] for i in args), attributes))
    return made[-1]
