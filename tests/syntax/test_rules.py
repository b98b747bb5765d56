"""The rules of the language, one test each; docs/language.md states them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flux.errors import ArgumentError, AxisError, FluxError, ParseError, UnknownNameError
from flux.expr import (
    Expr,
    apply,
    constant,
    index,
    inputs,
    node,
    position,
    reduce,
    rename,
    size,
    variable,
    where,
)
from flux.expr.evaluate import evaluate
from flux.ops import Op
from flux.syntax import load_text, parse

x, y, z = variable("x"), variable("y"), variable("z")
W = variable("W", ("d", "h"))
q = variable("q", ("t", "d"))


def model(text: str, **options: int) -> dict[str, Expr]:
    graph = load_text(text)["m"].build(**options)
    return {**graph.values, "result": graph.result}


# ---- Axes ----------------------------------------------------------------------------------------


def test_an_axis_stands_once_in_a_list() -> None:
    with pytest.raises(AxisError, match="twice"):
        parse("input W[d, d]\nW")


def test_declared_order_is_kept() -> None:
    assert parse("input x[t, d]\nx").attributes.axes == ("t", "d")


def test_the_header_says_the_order_of_the_result() -> None:
    graph = load_text("model m(a[t], b[s]) -> y[s, t]:\n    a*b")["m"].build()
    assert graph.order == ("s", "t")


def test_the_headers_order_must_fit_the_value() -> None:
    with pytest.raises(AxisError, match="header gives"):
        load_text("model m(a[t]) -> y[s, t]:\n    a")["m"].build()


def test_axes_that_are_not_mentioned_pass_through() -> None:
    e = model("f(a) = 2*a\nmodel m(a[b, t]):\n    f(a)")["result"]
    assert e.axes == {"b", "t"}


def test_a_binding_may_say_its_axes() -> None:
    assert parse("input q[t, d]\ny[t] = sum[d](q)\ny") is reduce(Op.SUM, q, ("d",))
    with pytest.raises(AxisError, match="this says"):
        parse("input q[t, d]\ny[d] = sum[d](q)\ny")


# ---- Indices -------------------------------------------------------------------------------------


def test_an_index_removes_an_axis_and_adds_those_of_the_index() -> None:
    e = parse("input E[v, d], i[b, t]: int\nE[v = i]")
    assert e.op is Op.INDEX
    assert e.axes == {"b", "t", "d"}


def test_axes_shared_with_the_index_are_pointwise() -> None:
    e = parse("input logits[t, v], targets[t]: int\nlogits[v = targets]")
    assert e.axes == {"t"}


def test_a_bare_axis_that_is_new_renames() -> None:
    assert parse("input q[t, d]\naxis s\nq[t = s]") is rename(q, {"t": "s"})


def test_a_bare_axis_that_the_value_has_gathers() -> None:
    made = parse("input q[t, d]\nq[t = d]")
    assert made is node(Op.INDEX, (q, position("d")), ("t",))


def test_a_position_in_words_gathers() -> None:
    made = parse("input q[t, d]\naxis s\nq[t = position[s]]")
    assert made is node(Op.INDEX, (q, position("s")), ("t",))


def test_pairs_act_at_once() -> None:
    assert parse("input q[t, d]\nq[t = d, d = t]") is rename(q, {"t": "d", "d": "t"})


def test_a_rename_and_a_gather_stand_together() -> None:
    e = parse("input q[t, d], i: int\naxis s\nq[t = s, d = i]")
    assert e is index(rename(q, {"t": "s"}), {"d": variable("i", integer=True)})


def test_indices_in_order_are_for_inputs_and_parameters() -> None:
    assert parse("input q[t, d], i: int\nq[i, d]") is parse("input q[t, d], i: int\nq[t = i]")
    with pytest.raises(AxisError, match="in order"):
        parse("input q[t, d]\ny = 2*q\ny[1, d]")


def test_the_number_of_indices_is_that_of_the_axes() -> None:
    with pytest.raises(AxisError, match="1 index for axes"):
        parse("input q[t, d]\nq[0]")


def test_an_index_of_an_axis_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AxisError, match="no axis u"):
        parse("input q[t, d]\nq[u = 0]")


def test_a_bare_axis_is_its_position() -> None:
    q_t = variable("q", ("t",))
    assert parse("input q[t]\nq + t") is q_t + position("t")
    e = parse("input q[t]\naxis s\nwhere(s <= t, q, -inf)")
    assert e is where(apply(Op.LE, position("s"), position("t")), q_t, -constant("inf"))


# ---- Sizes ---------------------------------------------------------------------------------------


def test_size_is_a_symbol() -> None:
    assert parse("size[k]") is size("k")


def test_options_are_numbers_known_when_the_graph_is_built() -> None:
    text = "model m(a; layers: int = 4):\n    a*layers"
    assert model(text)["result"] is variable("a") * 4
    assert model(text, layers=7)["result"] is variable("a") * 7
    with pytest.raises(ArgumentError, match="whole number"):
        load_text("f(a; n: int) = a*n\nmodel m(a):\n    f(a; n = a)")["m"].build()


# ---- Calls and hygiene ---------------------------------------------------------------------------

ATTEND = "pick[t](x[t]):\n    sum[s](x[t = s]*exp(s - t))\n"


def test_a_header_axis_is_the_callers_axis_of_that_name() -> None:
    e = model(ATTEND + "model m(a[t]):\n    pick(a)")["result"]
    assert e.axes == {"t"}


def test_brackets_rebind_header_axes() -> None:
    one = model(ATTEND + "model m(a[u]):\n    pick[t = u](a)")["result"]
    other = model(ATTEND + "model m(a[u]):\n    pick[u](a)")["result"]
    assert one is other
    assert one.axes == {"u"}


def test_the_argument_must_have_the_formals_axes() -> None:
    with pytest.raises(AxisError, match="needs an axis t") as error:
        model(ATTEND + "model m(a[u]):\n    pick(a)")
    assert len(error.value.spans) >= 2


def test_two_header_axes_cannot_become_one() -> None:
    text = "f[t, u](a[t, u]) = sum[t, u](a)\nmodel m(a[t, v]):\n    f[u = t](a)"
    with pytest.raises(AxisError, match="both bound to t"):
        model(text)


def test_a_local_axis_gives_way_to_an_arguments() -> None:
    e = model(ATTEND + "model m(a[t, s]):\n    pick(a)")["result"]
    a = variable("a", ("t", "s"))
    local = rename(a, {"t": "s_1"})
    shift = apply(Op.EXP, position("s_1") - position("t"))
    assert e is reduce(Op.SUM, local * shift, ("s_1",))


def test_a_local_axis_gives_way_to_a_rebound_header_axis() -> None:
    e = model(ATTEND + "model m(a[s]):\n    pick[t = s](a)")["result"]
    assert e.axes == {"s"}


def test_nested_definitions_do_not_capture() -> None:
    text = (
        ATTEND
        + "twice[t](x[t]):\n    y = x[t = s]\n    sum[s](pick[t = s](y)*(s - t))\n"
        + "model m(a[t]):\n    twice(a)"
    )
    e = model(text)["result"]
    assert e.axes == {"t"}
    inner = rename(variable("a", ("t",)), {"t": "s"})
    picked = reduce(
        Op.SUM,
        rename(inner, {"s": "s_1"}) * apply(Op.EXP, position("s_1") - position("s")),
        ("s_1",),
    )
    assert e is reduce(Op.SUM, picked * (position("s") - position("t")), ("s",))


def test_equal_calls_give_the_identical_node() -> None:
    values = model(ATTEND + "model m(a[t, s]):\n    one = pick(a)\n    two = pick(a)")
    assert values["one"] is values["two"]


def test_a_header_axis_of_no_formal_must_not_occur_in_the_argument() -> None:
    text = (
        "layer l[d, h](x[d]):\n    param W[d, h] = 0\n    sum[d](x*W)\nmodel m(a[d, h]):\n    l(a)"
    )
    with pytest.raises(AxisError, match="would become one") as error:
        model(text)
    assert [span.line for span in error.value.spans[:2]] == [5, 1]


def test_a_formal_without_axes_takes_any() -> None:
    text = "total[i](x) = sum[i](x)\nmodel m(a[t, d]):\n    total[d](a)"
    assert model(text)["result"] is reduce(Op.SUM, variable("a", ("t", "d")), ("d",))


def test_a_local_axis_cannot_leave() -> None:
    with pytest.raises(AxisError, match="local"):
        model("f[t](x[t]) = x[t = s] + 0*sum[s](x[t = s])\nmodel m(a[t]):\n    f(a)")


def test_a_definition_cannot_call_itself() -> None:
    with pytest.raises(ParseError, match="calls itself"):
        parse("f(x) = g(x)\ng(x) = f(x)\nf(1)")


# ---- Names ---------------------------------------------------------------------------------------


def test_an_axis_is_not_a_value_too() -> None:
    with pytest.raises(AxisError, match="cannot be a value"):
        parse("input q[t, d]\nd = 3\nq*d")
    with pytest.raises(AxisError, match="cannot be a value"):
        load_text("f[x](x) = x")


def test_backticks_name_a_value_beside_an_axis_of_that_name() -> None:
    assert parse("input q[t]\nq*`t`") is variable("q", ("t",)) * variable("t")


def test_constants_are_the_weakest_names() -> None:
    assert parse("e*2") is constant("e") * 2
    assert parse("`e`*2") is variable("e") * 2
    assert parse("e*2", given=["e"]) is variable("e") * 2
    assert parse("e = 3\ne*2") is constant(3) * 2
    assert parse("input e\ne*2") is variable("e") * 2


@pytest.mark.parametrize("name", ["pi", "PI", "Pi"])
def test_pi_in_any_case(name: str) -> None:
    assert parse(name) is constant("pi")


def test_names_are_case_sensitive() -> None:
    assert parse("a + A") is variable("a") + variable("A")
    with pytest.raises(UnknownNameError):
        parse("SIN(x)")


HARMLESS = (
    "lambda np out v0 input axis param layer model derivative assume sum sin def None self _1 diff "
    "repeat mean android notes orbit int real"
)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_harmless_names_are_values(name: str) -> None:
    assert parse(f"{name} + 1") is variable(name) + 1
    assert parse(f"2*{name}") is constant(2) * variable(name)


def test_a_name_is_bound_once_and_before_it_is_used() -> None:
    with pytest.raises(ParseError, match="already bound"):
        parse("y = 1\ny = 2\ny")
    with pytest.raises(ParseError, match="before it is bound"):
        parse("a = y\ny = 2\na")


# ---- An absent axis ------------------------------------------------------------------------------


def test_a_reduction_over_an_absent_axis_needs_the_axis_declared() -> None:
    assert parse("axis d\nsum[d](x)") is reduce(Op.SUM, x, ("d",))
    with pytest.raises(AxisError, match="no value here has an axis d"):
        parse("sum[d](x)")


# ---- Parameters ----------------------------------------------------------------------------------

AFFINE = "layer affine[d](x[d]):\n    param g[d] = 1\n    g*x\n"


def paths(text: str) -> list[str]:
    return [p.path for p in load_text(AFFINE + text)["m"].build().parameters]


def test_each_textual_call_owns_its_parameters() -> None:
    assert paths("model m(a[d]):\n    affine(affine(a))") == ["affine_1.g", "affine.g"]


def test_an_instance_shares_its_parameters() -> None:
    assert paths("model m(a[d]):\n    f = affine()\n    f(f(a))") == ["affine.g"]


def test_a_repeated_layer_owns_parameters_each_time() -> None:
    assert paths("model m(a[d]):\n    repeat(affine, 2)(a)") == ["affine.0.g", "affine.1.g"]
    assert paths("model m(a[d]):\n    repeat(affine, 0)(a)") == []


def test_paths_follow_the_layers() -> None:
    text = "layer block[d](x[d]):\n    affine(x) + affine(2*x)\nmodel m(a[d]):\n    block(a)"
    assert paths(text) == ["block.affine.g", "block.affine_1.g"]


def test_a_parameter_is_an_input_named_by_its_path() -> None:
    e = model(AFFINE + "model m(a[d]):\n    affine(a)")["result"]
    assert e is variable("affine.g", ("d",)) * variable("a", ("d",))


def test_an_instance_under_another_axis_shares_the_parameter() -> None:
    text = "model m(a[d], b[e]):\n    f = affine()\n    f(a)\n"
    graph = load_text(AFFINE + text.replace("    f(a)\n", "    p = f(a)\n"))["m"].build()
    assert [p.path for p in graph.parameters] == ["affine.g"]


def test_an_initial_value_is_made_of_numbers_sizes_and_draws() -> None:
    text = "model m(a[d, e]):\n    param W[d, e] ~ normal(0, 1/sqrt(size[d]))\n    sum[d](a*W)"
    (parameter,) = load_text(text)["m"].build().parameters
    assert [e.attributes.name for e in inputs(parameter.initial)] == ["seed"]
    assert parameter.initial.axes == {"d", "e"}
    with pytest.raises(ParseError, match="depends on `a`"):
        load_text("model m(a):\n    param w = a\n    w*a")["m"].build()


def test_a_formula_owns_no_parameters() -> None:
    with pytest.raises(ParseError, match="owns parameters"):
        parse(AFFINE + "input a[d]\naffine(a)")
    with pytest.raises(ParseError, match="no parameters"):
        parse("param w = 1\nw")


# ---- Randomness ----------------------------------------------------------------------------------


def test_formulas_have_no_randomness_of_their_own() -> None:
    with pytest.raises(ArgumentError, match="initial values"):
        parse("random()")


def test_a_stream_is_named_by_its_site() -> None:
    text = "layer drop(x; rate: real = 0.1):\n    where(random() < rate, 0, x)\n"
    graph = load_text(text + "model m(a):\n    drop(drop(a))")["m"].build()
    sites = {e.attributes.site for e in _nodes(graph.result) if e.op is Op.RANDOM}
    assert sites == {"drop.random.0", "drop_1.random.0"}
    assert [e.attributes.name for e in graph.inputs] == ["a", "seed", "step"]


def _nodes(e: Expr) -> list[Expr]:
    from flux.expr import topological

    return topological((e,))


# ---- Plain formulas ------------------------------------------------------------------------------


def test_a_plain_formula_has_no_axes() -> None:
    assert parse("a + b*2").axes == frozenset()


def test_a_gradient_of_a_value_with_axes_is_an_error() -> None:
    with pytest.raises(AxisError, match="of a scalar"):
        parse("input w[d]\ngrad(w^2, w)")


# ---- Numbers and operators -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("-2^2", "-(2^2)"),
        ("2^3^2", "2^(3^2)"),
        ("2^-2^2", "2^(-(2^2))"),
        ("2**3", "2^3"),
        ("-a*b", "(-a)*b"),
        ("a - b - c", "(a - b) - c"),
        ("a/b*c", "(a/b)*c"),
        ("a % b * c", "(a % b)*c"),
        ("!a == 0", "(!a) == 0"),
        ("!a", "not a"),
        ("not a == 0", "not (a == 0)"),
        ("not a and b", "(not a) and b"),
        ("a or b and c", "a or (b and c)"),
        ("a && b || c", "(a and b) or c"),
        ("a < b and c", "(a < b) and c"),
        ("a < b < c", "(a < b) and (b < c)"),
        ("a + b < c * d", "(a + b) < (c*d)"),
        ("a ? b : c ? d : f", "a ? b : (c ? d : f)"),
        ("a or b ? c : d", "where(a or b, c, d)"),
        ("+a", "a"),
        ("a - -b", "a - (-b)"),
        ("--a", "-(-a)"),
        ("!-0", "not (-0)"),
        ("mod(a, b)", "a % b"),
        ("max(a, b, c)", "maximum(maximum(a, b), c)"),
        ("min(a, b)", "minimum(a, b)"),
        ("ln(a)", "log(a)"),
        ("(((a)))", "a"),
    ],
)
def test_operators_bind_as_the_table_says(text: str, same: str) -> None:
    assert parse(text) is parse(same)


@pytest.mark.parametrize("text", ["1", "1.0", "true", "01.0"])
def test_number_and_truth_are_different_constants(text: str) -> None:
    others = [parse(t) for t in ("1", "1.0", "true") if t != text]
    if text == "01.0":
        assert parse(text) is parse("1.0")
    else:
        assert all(parse(text) is not other for other in others)


def test_a_literal_keeps_its_exact_decimal() -> None:
    digits = "0.1234567890123456789012345678901234567890123"
    assert str(parse(digits).attributes.value) == digits


def test_assumptions_belong_to_inputs() -> None:
    assert parse("assume x > 0\nlog(x)") is apply(Op.LOG, variable("x", assumption="> 0"))
    with pytest.raises(FluxError, match="compared with 0"):
        parse("assume x > y\nx")


# ---- A definition's own derivative ---------------------------------------------------------------


def test_a_definition_states_its_own_derivative() -> None:
    e = parse("f(x) = x^3\nderivative f(x) = 3*x^2\nf(y)")
    assert e is node(Op.CUSTOM, (y**3, y, 3 * y**2))


def test_a_derivative_names_its_argument() -> None:
    e = parse("f(a, b) = a*b\nderivative f(a, b; b) = a\nf(x, y)")
    assert e is node(Op.CUSTOM, (x * y, x, y, y, x))
    with pytest.raises(ArgumentError, match="by which"):
        parse("f(a, b) = a*b\nderivative f(a, b) = a\nf(x, y)")


def test_a_derivative_sees_defaults() -> None:
    e = parse("f(x, n = 3) = x^n\nderivative f(x, n; x) = n*x^(n - 1)\nf(y)")
    assert e is node(Op.CUSTOM, (y**3, y, 3 * y ** (constant(3) - 1)))


def test_a_stated_derivative_keeps_the_values_axes() -> None:
    text = "f(a, b) = a\nderivative f(a, b; b) = 0\ninput q[t]\n"
    assert parse(text + "f(q, x)").axes == {"t"}
    with pytest.raises(AxisError, match=r"lacks axes \[t\]"):
        parse(text + "f(x, q)")


def test_a_derivative_is_checked_against_differences() -> None:
    with pytest.raises(ArgumentError, match="differences give") as error:
        load_text("f(x) = x^3\nderivative f(x) = 2*x^2")
    assert error.value.line == 2
    load_text("f(x) = log(x)\nderivative f(x) = 1/x")
    with pytest.raises(ArgumentError, match="without axes"):
        load_text("f[i](x) = sum[i](x)\nderivative f(x) = 1")


def test_a_derivative_may_call_its_function() -> None:
    e = parse("f(x) = exp(x)\nderivative f(x) = f(x)\nf(y)")
    assert e is node(Op.CUSTOM, (apply(Op.EXP, y), y, apply(Op.EXP, y)))


# ---- Derivatives in a text -----------------------------------------------------------------------


def number(text: str, **values: float) -> float:
    return float(evaluate(parse(text), values))


def test_a_derivative_by_an_argument_is_taken_at_the_argument() -> None:
    assert number("slope(x) = diff(x^3, x)\nslope(2*y)", y=1.5) == pytest.approx(27.0)


def test_a_derivative_by_an_argument_is_not_by_its_value() -> None:
    text = "f(x, a) = diff(a*x^2, x)\n"
    assert number(text + "f(y, y)", y=3.0) == pytest.approx(18.0)  # 2 a x, not 3 y^2
    assert number(text + "f(y + 1, y)", y=3.0) == pytest.approx(24.0)


def test_a_derivative_of_a_binding_by_an_argument() -> None:
    text = "f(x):\n    y = sin(x)\n    diff(y^2, x)\n"
    assert number(text + "f(z)", z=0.3) == pytest.approx(math.sin(0.6))


def test_a_derivative_through_a_definition() -> None:
    text = "sq(x) = x^2\nf(x) = diff(sq(sq(x)), x, 2)\n"
    assert number(text + "f(z)", z=2.0) == pytest.approx(48.0)


def test_derivatives_nest() -> None:
    text = "inner(x, y) = diff(x^2*y^3, x)\nouter(x, y) = diff(inner(x, y), y)\n"
    assert number(text + "outer(a, b)", a=2.0, b=3.0) == pytest.approx(108.0)


def test_a_gradient_stands_beside_its_loss() -> None:
    text = "model m(x[n], wanted[n]):\n    param w = 0.5\n    loss = mean[n]((w*x - wanted)^2)\n"
    graph = load_text(text + "    moved = w - 0.1*grad(loss, w)")["m"].build()
    values = {"x": np.array([1.0, 2.0]), "wanted": np.array([3.0, 4.0]), "w": 0.5}
    slope = np.mean(2 * (0.5 * values["x"] - values["wanted"]) * values["x"])
    assert evaluate(graph.result, values) == pytest.approx(0.5 - 0.1 * slope)


def test_a_parameter_of_a_layer_is_named_by_its_path() -> None:
    text = AFFINE + "model m(a[d]):\n    loss = sum[d](affine(a)^2)\n    grad(loss, `affine.g`)"
    values = {"affine.g": np.array([2.0, 3.0]), "a": np.array([1.0, -2.0])}
    assert list(evaluate(model(text)["result"], values)) == [4.0, 24.0]


def test_a_definitions_own_derivative_is_taken_at_every_order() -> None:
    text = "f(x) = x^3\nderivative f(x) = 3*x^2\n"
    for order, wanted in enumerate((8.0, 12.0, 12.0, 6.0, 0.0)):
        assert number(text + f"diff(f(y), y, {order})", y=2.0) == pytest.approx(wanted)


def test_a_partial_own_derivative_leaves_the_others_alone() -> None:
    text = "f(a, b) = a^2*b^3\nderivative f(a, b; b) = 3*a^2*b^2\n"
    assert number(text + "diff(f(x, y), x)", x=2.0, y=3.0) == pytest.approx(108.0)
    assert number(text + "diff(f(x, y), y)", x=2.0, y=3.0) == pytest.approx(108.0)
    assert number(text + "diff(diff(f(x, y), x), y)", x=2.0, y=3.0) == pytest.approx(108.0)
    assert number(text + "diff(f(x, x), x)", x=2.0) == pytest.approx(80.0)
