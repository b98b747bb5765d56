"""Instructions to straight-line NumPy source, one table row an opcode.

Every array is a view made beforehand, every result goes to its place through `out`, so that a run
allocates nothing. Views of the caller's buffers that change from call to call are made at the head
of the generated function; all others are made once, with the arena.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from flux import philox
from flux.backends.arrays import Array, numpy_type, view_array
from flux.backends.team import Team
from flux.backends.vm import check_index, scatter, within
from flux.kernels import kernel
from flux.ops import Op
from flux.program.types import ROWS, DType, Function, Instruction, Role, View, contiguous

_OPERATIONS = {op.row.name: op for op in Op}
_ONE_HOT_LIMIT = 1 << 20  # elements of a one-hot matrix that replaces an indexed addition
_SUM_LIMIT = 1 << 16  # longest sum that runs as a product with ones
# A matrix product of this many operations is cut into parts, which threads can share.
_PART_FLOPS = 1 << 25
_PARTS = 4

# Makes an object from the buffers' arrays, the rows of a block, and the objects made before it.
Static = Callable[[list[Any], int, list[Any]], Any]


class Code:
    """Source lines of one function, and the static objects that they refer to.

    Args:
        function: a verified function without calls.
        dynamic: numbers of the buffers whose arrays are arguments of the generated function.
        team: threads for work that is cut into parts; None runs the parts one after another.
    """

    def __init__(
        self, function: Function, dynamic: Iterable[int], team: Team | None = None
    ) -> None:
        self.team = team
        self.function = function
        self.dynamic = sorted(dynamic)
        self.lines: list[str] = []
        self.head: list[str] = []
        self.statics: list[Static] = []
        self.names: dict[str, Any] = {"ndarray": np.ndarray, "check": check_index}
        self._views: dict[View, str] = {}
        self._checked: set[tuple[View, int]] = set()

    def static(self, make: Static) -> str:
        """A name for an object that is made once, with the arena."""
        self.statics.append(make)
        return f"v{len(self.statics) - 1}"

    def use(self, name: str, value: Any) -> str:
        """A name for a function that the source calls."""
        self.names[name] = value
        return name

    def constant_array(self, value: Array) -> str:
        """A name for an array that is known now."""
        return self.static(lambda _bases, _rows, _made: value)

    def scratch(self, shape: tuple[int, ...], kind: Any) -> str:
        """A name for zeroed memory that every instance has for itself."""
        return self.static(lambda _bases, _rows, _made: np.zeros(shape, kind))

    def view(self, view: View) -> str:
        """A name for the array of a view."""
        name = self._views.get(view)
        if name is None:
            name = self._views[view] = self._make_view(view)
        return name

    def _make_view(self, view: View) -> str:
        number = view.buffer
        buffer = self.function.buffers[number]
        if number not in self.dynamic:
            return self.static(
                lambda bases, rows, _made: view_array(view, buffer, bases[number], rows)
            )
        if view == View(number, 0, (ROWS,), (1,)):
            return f"b{number}"
        name = f"d{len(self._views)}"
        kind = self.use(buffer.dtype.value, numpy_type(buffer))
        shape = ", ".join("rows" if s == ROWS else str(s) for s in view.shape)
        item = buffer.dtype.itemsize
        strides = ", ".join(str(s * item) for s in view.strides)
        shape, strides = (f"({t}{',' if t else ''})" for t in (shape, strides))
        self.head.append(
            f"{name} = ndarray({shape}, {kind}, b{number}, {view.offset * item}, {strides})"
        )
        return name

    def is_static(self, view: View) -> bool:
        """Whether the array of a view is made once."""
        return view.buffer not in self.dynamic

    def same_place(self, a: View, b: View) -> bool:
        """Whether two views are the same elements of memory."""
        if a == b:
            return True
        x, y = self.function.buffers[a.buffer], self.function.buffers[b.buffer]
        return (
            x.role is y.role is Role.TEMPORARY
            and (x.rows, x.offset, x.dtype) == (y.rows, y.offset, y.dtype)
            and (a.offset, a.shape, a.strides) == (b.offset, b.shape, b.strides)
        )

    def dtype(self, view: View) -> DType:
        """The type of a view's elements."""
        return self.function.buffers[view.buffer].dtype

    def check_once(self, view: View, size: int) -> None:
        """A line that checks an index against an axis, unless an earlier line did.

        An integer input keeps its values; other indices are checked wherever they are used.
        """
        role = self.function.buffers[view.buffer].role
        if role is Role.INPUT and (view, size) in self._checked:
            return
        self._checked.add((view, size))
        self.lines.append(f"check({self.view(view)}, {size})")

    def add(self, instruction: Instruction) -> None:
        """Append the lines of one instruction."""
        rule = RULES.get(instruction.opcode, _pointwise)
        rule(self, instruction)

    def source(self) -> str:
        """The factory's source: it unpacks the statics and returns the function."""
        count = len(self.statics)
        unpack = ", ".join(f"v{n}" for n in range(count))
        arguments = ", ".join([f"b{n}" for n in self.dynamic] + ["rows=0"])
        body = [*self.head, *self.lines] or ["pass"]
        lines = ["def factory(statics):"]
        if count:
            lines.append(f"    ({unpack},) = statics")
        lines.append(f"    def run({arguments}):")
        lines.extend(f"        {line}" for line in body)
        lines.append("    return run")
        return "\n".join(lines)


_OUT_BY_NAME = {"maximum", "minimum"}  # NumPy warns of a third positional argument


def _pointwise(code: Code, instruction: Instruction) -> None:
    name = instruction.opcode
    function = code.use(f"f_{name}", _function(name))
    operands = ", ".join(code.view(v) for v in instruction.operands)
    out = "out=" if name in _OUT_BY_NAME else ""
    code.lines.append(f"{function}({operands}, {out}{code.view(instruction.results[0])})")


def _function(opcode: str) -> Any:
    own = {"square": np.square, "reciprocal": np.reciprocal}
    return own.get(opcode) or kernel(_OPERATIONS[opcode])


def _where(code: Code, instruction: Instruction) -> None:
    condition, then, otherwise = instruction.operands
    result = instruction.results[0]
    copyto = code.use("copyto", np.copyto)
    out = code.view(result)
    if code.same_place(condition, result):
        code.lines.append(f"{copyto}({out}, {_chosen(code, instruction)})")
        return
    if code.same_place(then, result) and not code.same_place(otherwise, result):
        then, condition_name = otherwise, _flipped(code, condition)
    else:
        condition_name = code.view(condition)
        if not code.same_place(otherwise, result):
            code.lines.append(f"{copyto}({out}, {code.view(otherwise)})")
    code.lines.append(f"{copyto}({out}, {code.view(then)}, where={condition_name})")


def _chosen(code: Code, instruction: Instruction) -> str:
    return f"{code.use('where', np.where)}({', '.join(map(code.view, instruction.operands))})"


def _flipped(code: Code, condition: View) -> str:
    """A name for the negated condition."""

    def make(_bases: list[Any], rows: int, _made: list[Any]) -> Array:
        return np.zeros([rows if size == ROWS else size for size in condition.shape], np.bool_)

    flipped = code.static(make)
    code.lines.append(f"{code.use('f_not', np.logical_not)}({code.view(condition)}, {flipped})")
    return flipped


def _copy(code: Code, instruction: Instruction) -> None:
    source, result = instruction.operands[0], instruction.results[0]
    if code.same_place(source, result):
        return
    copyto = code.use("copyto", np.copyto)
    casting = "" if code.dtype(source) is code.dtype(result) else ", 'unsafe'"
    code.lines.append(f"{copyto}({code.view(result)}, {code.view(source)}{casting})")


def _iota(code: Code, instruction: Instruction) -> None:
    result = instruction.results[0]
    shape = [1] * len(result.shape)
    shape[_whole(instruction)] = -1
    values = np.arange(result.shape[_whole(instruction)]).reshape(shape)
    copyto = code.use("copyto", np.copyto)
    code.lines.append(f"{copyto}({code.view(result)}, {code.constant_array(values)}, 'unsafe')")


def _whole(instruction: Instruction) -> int:
    value = instruction.attributes[0]
    assert isinstance(value, int)
    return value


def _random(code: Code, instruction: Instruction) -> None:
    site = instruction.attributes[0]
    assert isinstance(site, str)

    def fill(result: Array, seed: Array, step: Array) -> None:
        numbers = philox.uniform(int(seed), site, int(step), result.size, dtype=result.dtype)
        np.copyto(result, numbers.reshape(result.shape))

    name = code.static(lambda _bases, _rows, _made: fill)
    operands = ", ".join(code.view(v) for v in instruction.operands)
    code.lines.append(f"{name}({code.view(instruction.results[0])}, {operands})")


def _reduce(code: Code, instruction: Instruction) -> None:
    x, result = instruction.operands[0], instruction.results[0]
    removed = _dimensions(instruction)
    if instruction.opcode == "sum" and _sum_by_ones(code, x, result, removed):
        return
    if instruction.opcode in ("max", "min") and _extreme_by_position(code, instruction):
        return
    function = code.use(f"reduce_{instruction.opcode}", _REDUCERS[instruction.opcode].reduce)
    axes = removed[0] if len(removed) == 1 else removed
    code.lines.append(f"{function}({code.view(x)}, {axes}, None, {code.view(result)})")


_REDUCERS: Mapping[str, np.ufunc] = {
    "sum": np.add,
    "prod": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def _dimensions(instruction: Instruction) -> tuple[int, ...]:
    removed = instruction.attributes[0]
    assert isinstance(removed, tuple)
    return removed


def _sum_by_ones(code: Code, x: View, result: View, removed: tuple[int, ...]) -> bool:
    """Sum a matrix over one dimension as a product with ones, which BLAS does faster."""
    matrix = len(x.shape) == 2 and len(removed) == 1 and ROWS not in x.shape
    if not matrix or x.strides != contiguous(x.shape) or result.strides != (1,):
        return False
    count = x.shape[removed[0]]
    if count > _SUM_LIMIT:
        return False
    dot = code.use("dot", np.dot)
    ones = code.constant_array(np.ones(count, numpy_type(code.function.buffers[x.buffer])))
    pair = (code.view(x), ones) if removed[0] == 1 else (ones, code.view(x))
    code.lines.append(f"{dot}({pair[0]}, {pair[1]}, {code.view(result)})")
    return True


def _extreme_by_position(code: Code, instruction: Instruction) -> bool:
    """The extremum of each row of a matrix, by its position, which NumPy finds much faster.

    Both take the first nan of a row, if it has one.
    """
    x, result = instruction.operands[0], instruction.results[0]
    rows = len(x.shape) == 2 and _dimensions(instruction) == (1,) and code.is_static(x)
    if not rows or x.strides != (x.shape[1], 1) or result.strides != (1,):
        return False
    if x.shape[1] == ROWS or not code.is_static(result):
        return False
    width, buffer = x.shape[1], code.function.buffers[x.buffer]
    count = x.shape[0]
    flat = code.static(
        lambda bases, n, _made: view_array(x, buffer, bases[x.buffer], n).reshape(-1)
    )
    base = code.static(lambda _b, n, _m: np.arange(n if count == ROWS else count) * width)
    place = code.static(lambda _b, n, _m: np.zeros(n if count == ROWS else count, np.int64))
    add = code.use("f_add", np.add)
    code.lines.append(f"{code.view(x)}.arg{instruction.opcode}(1, {place})")
    code.lines.append(f"{add}({place}, {base}, {place})")
    code.lines.append(f"{flat}.take({place}, None, {code.view(result)}, 'clip')")
    return True


def _argmax(code: Code, instruction: Instruction) -> None:
    (dimension,) = _dimensions(instruction)
    x, out = code.view(instruction.operands[0]), code.view(instruction.results[0])
    code.lines.append(f"{x}.argmax({dimension}, {out})")


def _contract(code: Code, instruction: Instruction) -> None:
    batch, m, n, k = (c for c in instruction.attributes if isinstance(c, int))
    a, b = instruction.operands
    out = instruction.results[0]
    if m > 1 or n > 1 or k > 1 or (m == n == 0 and not _rows_of_dots(a, b, batch)):
        _einsum(code, instruction)
    elif m == n == 0:
        vecdot = code.use("vecdot", np.vecdot)
        code.lines.append(f"{vecdot}({code.view(a)}, {code.view(b)}, {code.view(out)})")
    elif batch == 0 and ROWS not in out.shape and out.strides == contiguous(out.shape):
        _product(code, "dot", np.dot, _parts(a, b, out) if m == n == k == 1 else [(a, b, out)])
    else:
        a = a if m else _with_unit(a, batch)
        b = b if n else _with_unit(b, batch + 1)
        out = out if m else _with_unit(out, batch)
        out = out if n else _with_unit(out, batch + 1)
        _product(code, "matmul", np.matmul, _batches(a, b, out) if batch else [(a, b, out)])


_Operands = tuple[View, View, View]


def _product(code: Code, name: str, function: Any, parts: Sequence[_Operands]) -> None:
    """Run the parts of a matrix product, on the team where there is one."""
    shared = code.team is not None and all(code.is_static(v) for part in parts for v in part)
    if len(parts) == 1 or not shared:
        used = code.use(name, function)
        for part in parts:
            code.lines.append(f"{used}({', '.join(code.view(v) for v in part)})")
        return
    assert code.team is not None
    run = code.use("team", code.team.run)
    buffers = code.function.buffers

    def make(bases: list[Any], rows: int, _made: list[Any]) -> list[Any]:
        arrays = [
            [view_array(v, buffers[v.buffer], bases[v.buffer], rows) for v in part]
            for part in parts
        ]
        return [partial(function, *part) for part in arrays]

    code.lines.append(f"{run}({code.static(make)})")


def _parts(a: View, b: View, out: View) -> list[_Operands]:
    """A large product cut along the rows of its result, which `dot` needs to be contiguous."""
    rows, columns = out.shape
    if 2 * rows * columns * a.shape[1] < _PART_FLOPS or rows < 8 * _PARTS:
        return [(a, b, out)]
    return [(_cut(a, p), b, _cut(out, p)) for p in _cuts(rows)]


def _batches(a: View, b: View, out: View) -> list[_Operands]:
    """A large batch of products cut along its first dimension."""
    flops = 2 * a.shape[-1]
    for size in out.shape:
        flops *= size
    if ROWS in out.shape or flops < _PART_FLOPS or out.shape[0] < _PARTS:
        return [(a, b, out)]
    return [(_cut(a, p), _cut(b, p), _cut(out, p)) for p in _cuts(out.shape[0])]


def _cuts(size: int) -> list[tuple[int, int]]:
    step = -(-size // _PARTS)
    return [(start, min(start + step, size)) for start in range(0, size, step)]


def _cut(view: View, piece: tuple[int, int]) -> View:
    """A range of the first dimension."""
    start, stop = piece
    offset = view.offset + start * view.strides[0]
    return View(view.buffer, offset, (stop - start, *view.shape[1:]), view.strides)


def _rows_of_dots(a: View, b: View, batch: int) -> bool:
    """Whether dot products run along unit strides."""
    return len(a.shape) == batch + 1 and a.strides[-1] == b.strides[-1] == 1


def _with_unit(view: View, at: int) -> View:
    """The view with a dimension of size 1."""
    shape = (*view.shape[:at], 1, *view.shape[at:])
    stride = view.strides[at] * view.shape[at] if at < len(view.shape) else 1
    return View(view.buffer, view.offset, shape, (*view.strides[:at], stride, *view.strides[at:]))


def _einsum(code: Code, instruction: Instruction) -> None:
    batch, m, n, k = (c for c in instruction.attributes if isinstance(c, int))
    letters = [chr(ord("a") + i) for i in range(batch + m + n + k)]
    heads, rows = letters[:batch], letters[batch : batch + m]
    columns, inner = letters[batch + m : batch + m + n], letters[batch + m + n :]
    text = "".join([*heads, *rows, *inner, ",", *heads, *inner, *columns, "->"])
    text += "".join([*heads, *rows, *columns])
    einsum = code.use("einsum", np.einsum)
    a, b = (code.view(v) for v in instruction.operands)
    code.lines.append(f"{einsum}({text!r}, {a}, {b}, out={code.view(instruction.results[0])})")


def _plan(instruction: Instruction) -> Sequence[tuple[int, int]]:
    plan = instruction.attributes[0]
    assert isinstance(plan, tuple)
    return plan


def _leading(index: View) -> View:
    """The view without the trailing dimensions along which it is constant."""
    count = len(index.shape)
    while count > 0 and index.strides[count - 1] == 0:
        count -= 1
    return View(index.buffer, index.offset, index.shape[:count], index.strides[:count])


def _by_rows(plan: Sequence[tuple[int, int]], index: View, walked: View) -> bool:
    """Whether an access moves whole rows: one index first, the other dimensions behind it."""
    count = len(_leading(index).shape)
    rest = [(0, d) for d in range(count, len(walked.shape))]
    return list(plan) == [(1, 0), *rest] and ROWS not in walked.shape


def _gather(code: Code, instruction: Instruction) -> None:
    x, *indices = instruction.operands
    out = instruction.results[0]
    plan = _plan(instruction)
    for (kind, number), size in zip(plan, x.shape, strict=True):
        if kind == 1:
            code.check_once(_leading(indices[number]), size)
    whole = x.strides == contiguous(x.shape) and ROWS not in (*x.shape, *out.shape)
    if whole and out.strides == contiguous(out.shape) and code.is_static(out):
        if len(indices) == 1 and _by_rows(plan, indices[0], out):
            index = code.view(_leading(indices[0]))
            code.lines.append(f"{code.view(x)}.take({index}, 0, {code.view(out)}, 'clip')")
        else:
            _take_flat(code, instruction)
    else:
        _fancy(code, instruction)


def _take_flat(code: Code, instruction: Instruction) -> None:
    """Gather single elements from the flat operand: position = base + sum of index * stride."""
    x, *indices = instruction.operands
    out = instruction.results[0]
    base, terms = _flat_positions(_plan(instruction), x, out.shape, indices)
    scratch = code.scratch(out.shape, np.int64)
    more = code.scratch(out.shape, np.int64) if len(terms) > 1 else ""
    multiply, add = code.use("f_mul", np.multiply), code.use("f_add", np.add)
    for n, (index, stride) in enumerate(terms):
        target = more if n else scratch
        factor = code.constant_array(np.array(stride))
        code.lines.append(f"{multiply}({code.view(index)}, {factor}, {target})")
        if n:
            code.lines.append(f"{add}({scratch}, {more}, {scratch})")
    code.lines.append(f"{add}({scratch}, {code.constant_array(base)}, {scratch})")
    count = int(np.prod(x.shape))
    source = code.view(View(x.buffer, x.offset, (count,), (1,)))
    code.lines.append(f"{source}.take({scratch}, None, {code.view(out)}, 'clip')")


def _flat_positions(
    plan: Sequence[tuple[int, int]],
    x: View,
    walked: tuple[int, ...],
    indices: Sequence[View],
) -> tuple[Array, list[tuple[View, int]]]:
    base = np.zeros(walked, np.int64)
    terms: list[tuple[View, int]] = []
    for (kind, number), stride in zip(plan, x.strides, strict=True):
        if kind == 1:
            terms.append((indices[number], stride))
        else:
            shape = [1] * len(walked)
            shape[number] = walked[number]
            base += np.arange(walked[number]).reshape(shape) * stride
    return base, terms


def _positions(code: Code, instruction: Instruction, walked: View) -> str:
    """An indexing tuple over the walked shape."""
    parts: list[str] = []
    indices = instruction.operands[1:]
    for kind, number in _plan(instruction):
        if kind == 1:
            parts.append(code.view(indices[number]))
        else:
            parts.append(_range(code, walked.shape, number))
    return ", ".join(parts)


def _range(code: Code, walked: tuple[int, ...], dimension: int) -> str:
    def make(_bases: list[Any], rows: int, _made: list[Any]) -> Array:
        shape = [1] * len(walked)
        shape[dimension] = -1
        count = rows if walked[dimension] == ROWS else walked[dimension]
        return np.arange(count).reshape(shape)

    return code.static(make)


def make_statics(code: Code, bases: list[Any], rows: int) -> tuple[Any, ...]:
    """The static objects of an instance, over the arrays of its buffers."""
    made: list[Any] = []
    for make in code.statics:
        made.append(make(bases, rows, made))
    return tuple(made)


def _fancy(code: Code, instruction: Instruction) -> None:
    out = instruction.results[0]
    copyto = code.use("copyto", np.copyto)
    positions = _positions(code, instruction, out)
    x = code.view(instruction.operands[0])
    code.lines.append(f"{copyto}({code.view(out)}, {x}[{positions}])")


def _scatter(code: Code, instruction: Instruction) -> None:
    g, *indices = instruction.operands
    by_rows = len(indices) == 1 and _by_rows(_plan(instruction), indices[0], g)
    if not (by_rows and _one_hot(code, instruction)):
        code.lines.append(_add_at(code, instruction))


def _add_at(code: Code, instruction: Instruction) -> str:
    g, *indices = (code.view(view) for view in instruction.operands)
    out, plan = code.view(instruction.results[0]), tuple(_plan(instruction))
    return f"{code.use('scatter', scatter)}({out}, {plan!r}, {g}, ({', '.join(indices)},))"


def _one_hot(code: Code, instruction: Instruction) -> bool:
    """Add rows at positions as a product with a one-hot matrix, where that matrix is small."""
    g, index = instruction.operands[0], _leading(instruction.operands[1])
    out = instruction.results[0]
    count = int(np.prod(index.shape))
    size, rest = out.shape[0], g.shape[len(index.shape) :]
    flat = (
        g.strides == contiguous(g.shape)
        and out.strides == contiguous(out.shape)
        and index.strides == contiguous(index.shape)
    )
    if not flat or not rest or not count or count * size > _ONE_HOT_LIMIT:
        return False
    width = int(np.prod(rest))
    kind = numpy_type(code.function.buffers[out.buffer])
    flat_hot = code.scratch((count * size,), kind)
    number = len(code.statics) - 1
    hot = code.static(lambda _bases, _rows, made: made[number].reshape(count, size).T)
    base = code.constant_array(np.arange(count) * size)
    scratch = code.scratch((count,), np.int64)
    one = code.constant_array(np.array(1, kind))
    add, dot = code.use("f_add", np.add), code.use("dot", np.dot)
    positions = code.view(View(index.buffer, index.offset, (count,), (1,)))
    rows = code.view(View(g.buffer, g.offset, (count, width), (width, 1)))
    target = code.view(View(out.buffer, out.offset, (size, width), (width, 1)))
    # The product serves where every position is inside and g is finite: 0 * inf would spread nan.
    flat_g = code.view(View(g.buffer, g.offset, (count * width,), (1,)))
    zeros = code.constant_array(np.zeros(count * width, kind))
    inside = code.use("within", within)
    code.lines += [
        f"if {inside}({positions}, {size}) and {dot}({flat_g}, {zeros}) == 0:",
        f"    {flat_hot}.fill(0)",
        f"    {add}({positions}, {base}, {scratch})",
        f"    {flat_hot}[{scratch}] = {one}",
        f"    {dot}({hot}, {rows}, {target})",
        "else:",
        f"    {_add_at(code, instruction)}",
    ]
    return True


RULES: Mapping[str, Callable[[Code, Instruction], None]] = {
    "where": _where,
    "copy": _copy,
    "fill": _copy,
    "iota": _iota,
    "random": _random,
    "sum": _reduce,
    "prod": _reduce,
    "max": _reduce,
    "min": _reduce,
    "argmax": _argmax,
    "contract": _contract,
    "gather": _gather,
    "scatter": _scatter,
}
