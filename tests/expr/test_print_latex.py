"""LaTeX: what people read, and that it is always well formed."""

import pytest
from hypothesis import given, settings

from flux.expr.print_latex import to_latex
from flux.syntax import parse
from tests.strategies import formulas, tensors

# (formula, LaTeX)
ROWS = [
    ("x/y", r"\frac{x}{y}"),
    ("(x + y)/(2*z)", r"\frac{x + y}{2 \, z}"),
    ("(x + 1)^-2", r"{\left(x + 1\right)}^{-2}"),
    ("x^2 - y_max", r"x^{2} - y_{\mathrm{max}}"),
    ("exp(-x^2)", r"e^{-x^{2}}"),
    ("sqrt(2*pi)", r"\sqrt{2 \, \pi}"),
    ("x*3", r"x \cdot 3"),
    ("x - (y + z)", r"x - \left(y + z\right)"),
    ("alpha_1*lambda", r"\alpha_{1} \, \lambda"),
    ("1e-5*x", r"1 \cdot 10^{-5} \, x"),
    ("abs(x - y)", r"\left|x - y\right|"),
    ("log(gamma(x1))", r"\ln\left(\Gamma\left(x_{1}\right)\right)"),
    ("erf(x)", r"\operatorname{erf}\left(x\right)"),
    ("`50% of a_b`", r"\text{50\% of a\_b}"),
    ("x < y and not z", r"x < y \land \lnot z"),
    (
        "where(x > 0, x, -x)",
        r"\begin{cases} x & \text{if } x > 0 \\ -x & \text{otherwise} \end{cases}",
    ),
    ("input x[t, d], W[d, h]\nsum[d](x*W)", r"\sum_{d} {x}_{t, d} \, {W}_{d, h}"),
    ("input x[t, d]\nsum[d](x)*x", r"\left(\sum_{d} {x}_{t, d}\right) \, {x}_{t, d}"),
    ("input x[t, d]\naxis s\nx[t = s]/size[d]", r"\frac{{x}_{s, d}}{\left|d\right|}"),
    ("input E[v, d], k: int\nE[v = k + 1]", r"{E}_{k + 1, d}"),
    ("input x[t]\naxis s\n(x + 1)[t = s]", r"\left.\left({x}_{t} + 1\right)\right|_{t \to s}"),
]


@pytest.mark.parametrize(("text", "latex"), ROWS)
def test_expressions_print_as_mathematics(text, latex):
    assert parse(text).to_latex() == latex


def _check_well_formed(latex):
    depth = 0
    for i, character in enumerate(latex):
        if character in "{}" and latex[i - 1] != "\\":
            depth += 1 if character == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\left") - latex.count(r"\leftarrow") == latex.count(r"\right")
    assert latex.count(r"\begin") == latex.count(r"\end")


@settings(max_examples=60, derandomize=True)
@given(formulas())
def test_latex_of_formulas_is_well_formed(e):
    _check_well_formed(to_latex(e))


@settings(max_examples=60, derandomize=True)
@given(tensors())
def test_latex_of_tensors_is_well_formed(e):
    _check_well_formed(to_latex(e))


def test_shared_parts_of_a_large_expression_are_named():
    e = parse("x")
    for _ in range(100):
        e = (e + 1) ** 2 * (e + 1)
    latex = to_latex(e)
    assert len(latex) < 20_000
    assert latex.startswith(r"\begin{aligned}" + "\nw_{1} &= ")
    _check_well_formed(latex)


def test_deep_expressions_need_no_recursion():
    e = parse("x")
    for _ in range(20_000):
        e = -e
    _check_well_formed(to_latex(e))
