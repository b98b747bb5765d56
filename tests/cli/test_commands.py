"""What the quick commands print: rows of arguments, exit code and text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import flux
from flux.cli.commands import COMMANDS
from flux.cli.entry import run

pytestmark = pytest.mark.usefixtures("patience")

BMI = (
    r"\mathrm{bmi}(\mathrm{weight}, \mathrm{height}) = \frac{\mathrm{weight}}{\mathrm{height}^{2}}"
)

ANSWERS = [
    (["--version"], f"flux, version {flux.__version__}"),
    (["eval", "1+1"], "2"),
    (["eval", "a + b*2", "a=5", "b=10"], "25"),
    (["eval", "sqrt(x^2 + y^2)", "x=3", "y=4"], "5"),
    (["eval", "x > 2 ? log(x) : 0", "x=e^2"], "2"),
    (["eval", "-x/3", "x=1"], "-0.3333333333333333"),
    (["eval", "e^2", "e=3"], "9"),
    (["eval", "lambda + np", "lambda=1", "np=2"], "3"),
    (["eval", "-x", "x=0"], "-0.0"),
    (["eval", "1/3", "--digits", "30"], "0.333333333333333333333333333333"),
    (["eval", "2*x", "x=0.1", "--digits", "30"], "0.2"),
    (["eval", "digits*x", "digits=2", "x=pi", "--digits", "9"], "6.28318531"),
    (["eval", "x^2", "x=-1..2"], "[0.0, 4.0]"),
    (["eval", "sqrt(x)", "x=-inf..4"], "[0.0, 2.0], not known to be defined everywhere"),
    (["eval", "a + b", "a=1", "b=2", "--json"], '{"result": 3.0}'),
    (["eval", "-x", "x=inf", "--json"], '{"result": "-inf"}'),
    (["eval", "1/3", "--digits", "5", "--json"], '{"result": "0.33333", "exact": false}'),
    (["eval", "1/x", "x=1..2", "--json"], '{"result": [0.5, 1.0], "defined": true}'),
    (["eval", "log(x)", "x=-2..-1", "--json"], '{"result": [], "defined": false}'),
    (["diff", "x^3", "x", "--json"], '{"result": "3*x^2"}'),
    (
        ["diff", "x^3", "x", "--at", "x=2", "--json"],
        '{"result": 12.0, "derivative": "3*x^2"}',
    ),
    (["solve", "x^3 = x", "x=-1.5..2", "--all", "--json"], '{"result": [-1.0, 0.0, 1.0]}'),
    (
        ["solve", "x^2 + 2*x + 5", "--exact", "--json"],
        '{"result": [], "complex": [["-1", "-2"], ["-1", "2"]], "complete": true}',
    ),
    (["taylor", "cos(x)", "x", "-n", "2", "--json"], '{"result": "1 - x^2/2"}'),
    (["expand", "(x + 1)^2", "--json"], '{"result": "x^2 + 2*x + 1"}'),
    (["factor", "x^2 - 1", "--json"], '{"result": "(x - 1)*(x + 1)"}'),
    (["limit", "sin(x)/x", "x", "0", "--json"], '{"result": "1"}'),
    (["domain", "1/x", "--json"], '{"result": ["x != 0 (from 1/x)"]}'),
    (["domain", "exp(x)", "--json"], '{"result": []}'),
    (["simplify", "x + x", "--json"], '{"result": "2*x"}'),
    (["diff", "x^3", "x"], "3*x^2"),
    (["diff", "x^3", "x", "--order", "2"], "6*x"),
    (["diff", "x^3", "x", "-n", "4"], "0"),
    (["diff", "x*sin(x)", "x"], "x*cos(x) + sin(x)"),
    (["diff", "x^x", "x", "--at", "x=1"], "1"),
    (["diff", "a*exp(-b*t)", "b", "--at", "a=2", "--at", "b=0", "--at", "t=3"], "-6"),
    (["solve", "x^3 - 2*x = 5", "x=2"], "2.0945514815423265"),
    (["solve", "x^2 = 4", "x=-5..1"], "-2"),
    (["solve", "E - e*sin(E) = M", "e=0", "M=1", "E=3", "--for", "E"], "1"),
    (["solve", "x^2 = a", "a=9", "x=1..5", "--method", "brent"], "3"),
    (["solve", "x^3 = x", "x=-1.5..2", "--all"], "-1\n0\n1"),
    (["solve", "x^2 + 1", "x=-1..2", "--all"], "no roots"),
    (["solve", "x + y = 3", "--and", "x - y = 1", "x=0", "y=0"], "x = 2\ny = 1"),
    (
        ["solve", "x^2 = a", "--and", "y = x", "x=-9..0", "y=1", "a=4", "--for", "x,y"],
        "x = -2\ny = -2",
    ),
    (["minimize", "(x - 3)^2", "x=0"], "x = 3\nvalue = 0"),
    (["minimize", "x^2 - a*x", "x=0..1", "a=5", "--for", "x"], "x = 1\nvalue = -4"),
    (["minimize", "x*(4 - x)", "x=1", "--max"], "x = 2\nvalue = 4"),
    (["minimize", "(x - 3)^2", "x=0", "x=-1..2"], "x = 2\nvalue = 1"),
    (["integrate", "x*exp(-x)", "x", "--seconds", "30"], "-exp(-x)*(x + 1)"),
    (["integrate", "2*a*x", "x", "--from", "0", "--to", "3", "--at", "a=1/9"], "1"),
    (["taylor", "cos(x)", "x", "-n", "4"], "1 - x^2/2 + x^4/24"),
    (["taylor", "exp(x)", "x", "--about", "1", "-n", "0", "--at", "x=5"], "2.718281828459045"),
    (["simplify", "x*x + 2*x^2 - 0"], "3*x^2"),
    (["simplify", "(x + 0)/1", "--exact"], "x + 0"),
    (["expand", "(x + 1)^2"], "x^2 + 2*x + 1"),
    (["expand", "(x + a)*(x + b)", "--by", "x"], "x^2 + (a + b)*x + a*b"),
    (["factor", "2*x^2 - 8", "--seconds", "30"], "2*(x - 2)*(x + 2)"),
    (["limit", "sin(x)/x", "x", "0", "--seconds", "30"], "1"),
    (["limit", "atan(x)", "x", "-inf", "--seconds", "30"], "-pi/2"),
    (["domain", "log(x)/y"], "x > 0 (from log(x))\ny != 0 (from log(x)/y)"),
    (["domain", "exp(x)"], "everywhere"),
    (["formulas", "bmi", "weight=80", "height=2"], "20 kg/m^2"),
    (["formulas", "odds_ratio", "a=10", "b=20", "c=5", "d=40"], "4"),
    (
        ["formulas", "bmi", "weight=80", "height=200", "--units", "height=cm", "--json"],
        '{"result": 20.0, "unit": "kg/m^2"}',
    ),
    (["formulas", "homa_ir", "glucose=4.5", "insulin=5"], "1"),
    (
        ["formulas", "average_glucose", "hba1c=7", "--unit", "mg/L"],
        "1542 mg/L",
    ),
    (["formulas", "bmi", "weight=0.5", "height=1", "--outside", "keep"], "0.5 kg/m^2"),
    (["formulas", "bmi", "--latex"], BMI),
    (
        ["formulas", "kosambi"],
        "genetics\n"
        "  kosambi_distance  Map distance from recombination, Kosambi\n"
        "  kosambi_recombination  Recombination from map distance, Kosambi",
    ),
    (["solve", "x^2 = a", "--for", "x", "--exact"], "x = -sqrt(a)\nx = sqrt(a)"),
    (["show", "x^2", "--format", "python"], "def f(x):\n    return x**2"),
    (["show", "x/y", "--format", "latex"], r"\frac{x}{y}"),
    (["show", "a + b*2"], "a + b*2"),
    (["show", "x^2 + y", "--stage", "gradient", "--simplify"], "# by x\n2*x\n\n# by y\n1"),
    (
        ["show", "input x[d], cotangent\ncotangent*x", "--stage", "gradient"],
        "# by cotangent, of the sum of cotangent_ times value\n"
        "input cotangent_[d], x[d]\nsum[d](cotangent_*x)\n\n"
        "# by x, of the sum of cotangent_ times value\n"
        "input cotangent_[d]\ncotangent_*cotangent",
    ),
]


@pytest.mark.parametrize(("arguments", "answer"), ANSWERS)
def test_answers(arguments: list[str], answer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert capsys.readouterr().out.rstrip("\n") == answer


MISTAKES = [
    (["eval", "log(x)", "x=-1"], 1, "log(-1) has no finite value"),
    (["eval", "1/x", "x=0"], 1, "domain error"),
    (["eval", "a + "], 1, "  1 | a +"),
    (["eval", "a + b", "a=1"], 1, "no value for `b`"),
    (["eval", "a", "a=b"], 1, "no value for `b`"),
    (["eval", "sine(1)"], 1, "did you mean"),
    (["eval", "a", "5"], 2, "expected NAME=VALUE, found '5'"),
    (["eval", "a", "a=1", "a=2"], 2, "a is given twice"),
    (["eval"], 2, "Missing argument 'FORMULA'"),
    (["eval", "exp(1) - e", "--digits", "20"], 1, "20 digits could not be proved"),
    (["eval", "1/x", "x=0", "--digits", "20"], 1, "  1 | 1/x"),
    (["eval", "x", "x=1", "--digits", "0"], 1, "digits is a whole number from 1"),
    (["eval", "x", "x=1", "--digits", "two"], 2, "--digits"),
    (["eval", "x", "x=1", "--digits", "5", "--check"], 2, "do not go together"),
    (["eval", "x", "x=1..2", "--check"], 2, "an interval has no digits"),
    (["eval", "x", "x=2..1"], 1, "is empty"),
    (["eval", "1 +", "--json"], 1, '{"error": {"code": "syntax", "text": "found the end'),
    (["eval", "log(x)", "x=-1", "--json"], 1, '"hint": "log needs a > 0"'),
    (["solve", "--json"], 2, '{"error": {"code": "usage", "text": "Missing argument'),
    (["nothing", "--json"], 2, '{"error": {"code": "usage"'),
    (["eval", "\u00b2"], 1, "U+00B2"),
    (["diff", "x^2"], 2, "Missing argument 'NAME'"),
    (["diff", "x^2", "x", "--order", "-1"], 2, "--order"),
    (["solve", "x + y = 1", "--and", "x + y = 2", "x=1", "y=1"], 1, "a least norm"),
    (["solve", "x = 1", "--and", "y = 2", "x=1", "y=1", "--all"], 2, "for one equation"),
    (["solve", "x^2 + 1", "x=1"], 1, "no root was found: the two sides come close"),
    (["solve", "x^2 = a", "x=1"], 1, "no value for `a`"),
    (["solve", "x^2 = a", "x=1", "a=2"], 1, "the unknown may be `x` or `a`"),
    (["solve", "x^2 = 2", "x=3..1"], 1, "is empty"),
    (["solve", "x^2 = 2", "x=1", "x=0..1"], 2, "x is given twice"),
    (["solve", "x^2 = 2", "x=..1"], 1, "empty"),
    (["solve", "x^2 = 2", "x"], 2, "expected NAME=VALUE"),
    (["minimize", "x", "x=1"], 1, "no minimum was found: the value still falls"),
    (["minimize", "x^2", "x=1", "--max"], 1, "hint: the search ended at x ="),
    (["minimize", "x^2", "x=1", "--rate", "1"], 1, "takes no rate"),
    (["minimize", "x^2", "x=1", "--subject-to", "x > 2"], 1, "write >="),
    (["minimize", "x^2", "x"], 2, "expected NAME=VALUE"),
    (["minimize", "x^2", "=0..1"], 2, "expected NAME=LOW..HIGH"),
    (["plot", "x"], 2, "one name has a range"),
    (["plot", "x*y", "x=0..1", "y=0..1"], 2, "one name has a range"),
    (["plot", "x", "x=1..0"], 1, "is empty or endless"),
    (["plot", "x", "x=0..inf"], 1, "is empty or endless"),
    (["plot", "x*a", "x=0..1"], 1, "no value for `a`"),
    (["plot", "x", "x=0..1", "--out", "a.bmp"], 2, "--out ends in one of"),
    (["plot", "x +", "x=0..1"], 1, "syntax error"),
    (["integrate", "x^x", "x", "--seconds", "30"], 1, "flux.integrate(e, 'x', a, b)"),
    (["integrate", "1/x", "x", "--from", "0", "--to", "1"], 1, "does not converge"),
    (["integrate", "x", "x", "--from", "0"], 2, "--from and --to"),
    (["taylor", "1/x", "x"], 1, "pole"),
    (["limit", "1/x", "x", "0", "--seconds", "30"], 1, "from the left"),
    (["solve", "x^2 = 4", "x=1", "--exact"], 2, "takes no values"),
    (["show", "x", "--format", "c", "--stage", "ast"], 2, "goes with the stage expr"),
    (["show", "nothing.flux"], 1, "cannot read 'nothing.flux'"),
    (["show", "x", "--name", "f"], 2, "go with a .flux file"),
    (["show", "input x[d]\nsum[d](x)", "--stage", "program"], 2, "--size d=N"),
    (["generate", "no/run"], 1, "no run in"),
    (["train", "--data", "no.txt"], 1, "no.txt'"),
    (["train", "--preset", "hugo"], 1, "no preset 'hugo'"),
    (["train", "--resume", "no/run"], 1, "no run in"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES)
def test_mistakes_are_explained_on_standard_error(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    shown = capsys.readouterr()
    assert message in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


MODULE = """
square(x) = x^2

layer scaled[d](x[d]):
    param gain[d] = 2
    gain*square(x)

model tested[d](x[b, d]; times: int = 1):
    loss = mean[b, d](scaled(x))*times
"""


@pytest.fixture
def module(tmp_path: Path) -> str:
    path = tmp_path / "tested.flux"
    path.write_text(MODULE)
    return str(path)


def _shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["show", *arguments]) == 0
    return capsys.readouterr().out


def test_the_last_definition_of_a_file_is_shown(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = _shown([module, "--option", "times=3"], capsys)
    assert "x[b, d]" in shown
    assert "`scaled.gain`" in shown
    assert shown.rstrip().endswith("*3")


def test_a_definition_is_shown_by_name(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "gain*x^2" in _shown([module, "--name", "scaled"], capsys)
    assert run(["show", module, "--name", "scaledd"]) == 1
    assert "did you mean `scaled`?" in capsys.readouterr().err


def test_the_gradient_of_a_model_is_by_its_parameters(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = _shown([module, "--stage", "gradient"], capsys)
    assert shown.startswith("# by scaled.gain\n")
    assert shown.count("# by") == 1


def test_a_program_lists_instructions_with_totals(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = _shown(["a*exp(-b*t)", "--stage", "program"], capsys)
    assert "t4[rows] = neg b[rows]" in shown
    assert "total: 4 instructions" in shown
    sizes = ["--size", "b=2", "--size", "d=5", "--dtype", "float32"]
    shown = _shown([module, "--stage", "program", *sizes], capsys)
    assert "scaled.gain" in shown
    assert "[d = 5]" in shown
    assert "float64" not in shown


def test_the_tree_is_a_listing(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _shown(["a + b*2", "--stage", "ast"], capsys).splitlines()
    assert len(lines) >= 5
    assert any("b" in line for line in lines)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_teaches(
    name: str,
    golden: Callable[[str, str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*filter(None, [name]), "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.count(f"flux {name}".rstrip()) >= 2  # examples
    golden(f"help/{name or 'flux'}.txt", shown)


def test_a_derivative_by_a_name_that_is_not_there_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["diff", "dose^2", "doze"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "0\n"
    assert printed.err == "note: the formula has no `doze`; did you mean `dose`?\n"


def test_json_of_a_solve_and_an_integral_says_how_good_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["solve", "x^2 = 2", "x=1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["result"] == pytest.approx(2**0.5, rel=1e-12)
    assert found["converged"] is True
    assert set(found) == {"result", "unknown", "residual", "iterations", "converged", "reason"}
    assert run(["integrate", "x", "x", "--from", "0", "--to", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["result"] == pytest.approx(0.5)
    assert set(found) == {"result", "exact", "error", "method", "points"}


def test_a_solve_without_a_root_gives_both_objects(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solve", "x^2 = -2", "x=1", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["converged"] is False
    assert json.loads(printed.err)["error"]["code"] == "domain"


def test_json_of_a_minimum_says_how_good_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["minimize", "(x - 3)^2 + y^2", "x=0", "y=1", "--json", "--steps"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["result"] == {"x": 3, "y": 0}
    assert found["value"] == 0
    assert found["converged"] is True
    assert found["steps"][0] == {"values": {"x": 0, "y": 1}, "value": 10, "gradient_norm": 6}
    assert found["steps"][-1]["values"] == found["result"]


def test_json_of_no_minimum_is_an_error_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["minimize", "x", "x=1", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["converged"] is False
    assert json.loads(printed.err)["error"]["code"] == "domain"


def test_a_check_is_told_in_words_and_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", "1 - cos(x)", "x=1e-8", "--check"]) == 0
    assert "2*sin(x/2)^2 keeps" in capsys.readouterr().out
    assert run(["eval", "1 - cos(x)", "x=1e-8", "--check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["digits"] == 0
    assert found["losses"][0]["part"] == "1 - cos(x)"


def test_every_object_is_one_line_of_strict_json(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, answer in ANSWERS:
        if "--json" in arguments:
            json.loads(answer, parse_constant=lambda word: pytest.fail(word))
            assert "\n" not in answer


def test_every_step_of_a_search_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["minimize", "(x - 3)^2", "x=0", "x=-1..2", "--steps"]) == 0
    first, *_, name, value = capsys.readouterr().out.splitlines()
    assert first.split() == ["9", "6.00e+00", "x=0"]
    assert (name, value) == ("x = 2", "value = 1")


def test_a_plot_shows_curve_derivative_and_roots(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plot", "x^2 - a", "x=-2..3", "a=1", "-d", "-r", "--height", "11"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "* x^2 - a   ~ d/dx   o roots"
    assert lines[-1] == "roots: -1, 1"
    assert sum(line.count("o") for line in lines[:-1]) == 2
