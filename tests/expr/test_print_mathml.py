"""MathML and graphs: what they look like, and that they are always well formed."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

import flux
from flux.expr import apply, variable
from flux.expr.print_dot import to_dot
from flux.expr.print_mathml import to_mathml
from flux.ops import Op
from tests.strategies import formulas, tensors

ROWS = [
    ("x/y", "<mfrac><mrow><mi>x</mi></mrow><mrow><mi>y</mi></mrow></mfrac>"),
    ("x^2", "<msup><mrow><mi>x</mi></mrow><mrow><mn>2</mn></mrow></msup>"),
    (
        "x_1*alpha",
        "<mrow><msub><mi>x</mi><mi>1</mi></msub><mo>&#x22C5;</mo><mi>&#x3B1;</mi></mrow>",
    ),
    ("`a<b` + 1", "<mrow><mi>a&lt;b</mi><mo>+</mo><mn>1</mn></mrow>"),
    ("1e-30", "<mrow><mn>1</mn><mo>&#x22C5;</mo><msup><mn>10</mn><mn>-30</mn></msup></mrow>"),
    (
        "2*(x + y)",
        "<mrow><mn>2</mn><mo>&#x22C5;</mo><mrow><mo>(</mo><mrow><mi>x</mi><mo>+</mo><mi>y</mi>"
        "</mrow><mo>)</mo></mrow></mrow>",
    ),
    ("abs(x)", "<mrow><mo>|</mo><mi>x</mi><mo>|</mo></mrow>"),
    ("sqrt(pi)", "<msqrt><mi>&#x3C0;</mi></msqrt>"),
]
# Elements and the number of children that they must have.
CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "mroot": 2, "munder": 2}
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"


@pytest.mark.parametrize(("text", "inner"), ROWS)
def test_expressions_print_as_mathml(text, inner):
    opening = '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'
    assert flux.parse(text).to_mathml() == f"{opening}{inner}</math>"


def check_well_formed(text):
    for element in ElementTree.fromstring(text).iter():
        name = element.tag.removeprefix(NAMESPACE)
        assert element.tag.startswith(NAMESPACE)
        assert len(element) == CHILDREN.get(name, len(element)), text
        assert element.text or len(element), text  # no operand was lost


@settings(max_examples=60, derandomize=True)
@given(formulas())
def test_mathml_of_formulas_is_well_formed(e):
    check_well_formed(to_mathml(e))


@settings(max_examples=40, derandomize=True)
@given(tensors())
def test_mathml_of_tensors_is_well_formed(e):
    check_well_formed(to_mathml(e))


def test_a_large_expression_is_a_table_of_parts():
    e = flux.parse("sin(x)*exp(x)/(1 + x^2)").diff("x", 6)
    text = to_mathml(e)
    check_well_formed(text)
    assert text.count("<mtr>") > 10
    assert len(text) < 1_000 * e.count_ops()


def test_a_deep_expression_prints():
    e = variable("x")
    for _ in range(5_000):
        e = apply(Op.SIN, e)
    assert to_mathml(e).count("<mi>sin</mi>") == 5_000
    assert to_dot(e).count("->") == 5_000


def test_a_graph_has_each_node_once():
    text = flux.parse("log(x)*sin(log(x))").to_dot()
    assert text == (
        "digraph expression {\n"
        "    node [shape=box, style=rounded];\n"
        '    n3 [label="*"];\n'
        '    n2 [label="sin"];\n'
        '    n1 [label="log"];\n'
        '    n0 [label="x", shape=plaintext];\n'
        "    n3 -> n1;\n"
        "    n3 -> n2;\n"
        "    n2 -> n1;\n"
        "    n1 -> n0;\n"
        "}\n"
    )


@settings(max_examples=40, derandomize=True)
@given(tensors())
def test_every_line_of_a_graph_is_a_node_or_an_edge(e):
    node = re.compile(r'    n\d+ \[label="(?:[^"\\\n]|\\.)*"(?:, shape=plaintext)?\];')
    edge = re.compile(r"    n\d+ -> n\d+;")
    for line in to_dot(e).splitlines()[2:-1]:
        assert node.fullmatch(line) or edge.fullmatch(line), line


def test_quotes_in_names_are_escaped():
    assert r'label="a\"b\\c"' in to_dot(variable('a"b\\c'))
