"""Known derivatives, gradients and simplifications: text in, values and text out."""

import pytest

import flux

X_POINTS = (0.7, 1.9)
DERIVATIVES = [
    # (formula, its derivative by x, values of the derivative at 0.7 and 1.9)
    ("sqrt(x^2+1)", "x/sqrt(x^2 + 1)", (0.5734623443633283, 0.8849182223819824)),
    ("E^x", "exp(x)", (2.0137527074704766, 6.685894442279269)),
    ("x^-1", "-1/x^2", (-2.0408163265306123, -0.2770083102493075)),
    ("exp(-x^2/2)", "-x*exp(-x^2/2)", (-0.5478931767693077, -0.3125014674965943)),
    ("x^3-2*x^2+5*x-7", "3*x^2 - 4*x + 5", (3.67, 8.23)),
    ("x^0.5", "1/(2*sqrt(x))", (0.5976143046671968, 0.36273812505500586)),
    ("x*sin(x)", "x*cos(x) + sin(x)", (1.179607218336833, 0.332049910646758)),
    ("exp(x)", "exp(x)", (2.0137527074704766, 6.685894442279269)),
    ("x*exp(-x)", "(1 - x)*exp(-x)", (0.14897559113742284, -0.13461175730037156)),
    (
        "(x^2+1)/(x-3)",
        "(-x^2 + 2*x*(x - 3) - 1)/(x - 3)^2",
        (-0.8903591682419659, -7.264462809917355),
    ),
    ("cos(3*x)", "-3*sin(3*x)", (-2.5896280999466215, 1.6520566277929132)),
    ("(x+0.1)*0.3", "3/10", (0.3, 0.3)),
    ("1/(1+exp(-x))", "1/(4*cosh(x/2)^2)", (0.22171287329310904, 0.11318025926193098)),
    (
        "x^sin(x)",
        "x^(sin(x) - 1)*(x*log(x)*cos(x) + sin(x))",
        (0.5145842936133302, 0.5333379245733234),
    ),
    ("acos(x/3)", "-1/sqrt(9 - x^2)", (-0.3427955850955305, -0.43073049225394805)),
    ("exp(x)^x", "2*x*exp(x^2)", (2.2852427079375306, 140.47100069632552)),
    ("0.1*x^3", "3*x^2/10", (0.147, 1.083)),
    ("cos(x)", "-sin(x)", (-0.644217687237691, -0.9463000876874145)),
]


@pytest.mark.parametrize(("text", "expected", "values"), DERIVATIVES)
def test_derivative(text, expected, values):
    slope = flux.parse(text).diff("x")
    for each in (slope, slope.simplify()):
        assert flux.equal(each, flux.parse(expected))
        for point, value in zip(X_POINTS, values, strict=True):
            assert each.evaluate(x=point) == pytest.approx(value, rel=1e-10)


def test_derivative_by_one_of_two():
    slope = flux.parse("sin(x*y)").diff("y")
    assert slope.evaluate(x=1.3, y=0.8) == pytest.approx(0.6580863344026119, rel=1e-10)
    assert slope.evaluate(x=2.1, y=1.7) == pytest.approx(-1.9102199074516832, rel=1e-10)


GRADIENTS = [
    ("x^y", {"x": 2.0, "y": 3.0}, (12.0, 5.545177444479562)),
    ("x^2 + y^2", {"x": 3.0, "y": 4.0}, (6.0, 8.0)),
    ("x^2*y + x*y^2", {"x": 2.0, "y": 3.0}, (21.0, 16.0)),
    ("exp(x*y)+log(x+y)", {"x": 0.6, "y": 1.1}, (2.7165068619598816, 1.749110694758866)),
]


@pytest.mark.parametrize(("text", "values", "expected"), GRADIENTS)
def test_gradient(text, values, expected):
    for slope, value in zip(flux.parse(text).gradient(["x", "y"]), expected, strict=True):
        assert slope.evaluate(values) == pytest.approx(value, rel=1e-10)


PRINTED = [
    # What people read: the derivative as built, and simplified.
    ("x^2", "2*x", "2*x"),
    ("exp(-x^2/2)", "-(exp(-x^2/2)*(2*x/2))", "-x*exp(-x^2/2)"),
    ("sin(x)*exp(-x)", "exp(-x)*cos(x) - sin(x)*exp(-x)", "exp(-x)*(cos(x) - sin(x))"),
    ("tanh(x)", "1 - tanh(x)^2", "1 - tanh(x)^2"),
    ("where(x > 0, log(x), 0)", "where(x > 0, 1/x, 0)", "where(x > 0, 1/x, 0)"),
    ("abs(x)", "sign(x)", "sign(x)"),
    ("x*exp(-x)", "exp(-x) - x*exp(-x)", "exp(-x)*(1 - x)"),
    (
        "exp(x)/(1 + exp(x))",
        "_1 = exp(x)/(1 + exp(x))\n_1 - _1/(1 + exp(x))*exp(x)",
        "_1 = exp(x)/(exp(x) + 1)\n_1*(1 - _1)",
    ),
    (
        "x^2*exp(-x^2)",
        "_1 = exp(-x^2)*(2*x)\n_1 - x^2*_1",
        "2*x*exp(-x^2)*(1 - x^2)",
    ),
]


@pytest.mark.parametrize(("text", "built", "simplified"), PRINTED)
def test_printed_derivative(text, built, simplified):
    slope = flux.parse(text).diff("x")
    assert str(slope) == built
    assert str(slope.simplify()) == simplified


def test_second_derivative_stays_finite_where_the_other_branch_is_bad():
    second = flux.parse("where(x > 0, x*log(x), 0)").diff("x", 2)
    assert second.evaluate(x=0.0) == 0.0
    assert second.evaluate(x=-1.0) == 0.0
    assert second.evaluate(x=2.0) == 0.5


def test_printed_gradient_of_the_library_cross_entropy():
    loss = flux.parse(
        "input logits[b, t, v], targets[b, t]: int\nmean[b, t](cross_entropy[v](logits, targets))"
    )
    slope = loss.gradient(["logits"])[0].simplify()
    lines = str(slope).splitlines()
    assert lines[1].startswith("_1 = exp(logits - stop(")
    assert lines[2] == "_2 = _1/sum[v](_1)"
    assert lines[3] == "(_2 - where(v == targets, 1, 0))/(size[b]*size[t])"
