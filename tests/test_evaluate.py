"""One-shot evaluation says where in the text it failed."""

import pytest

import flux

ROWS = [
    ("1 + log(x)", {"x": 0}, "log(0) has no finite value", 1, 5),
    ("a = 2\nb = a/(c - c)\nb", {"c": 1.0}, "2 / 0 has no finite value", 2, 5),
    ("x + yy", {"x": 1, "y": 2}, "no value for `yy`", 1, 5),
    ("x", {}, "no value for `x`", 1, 1),
]


@pytest.mark.parametrize(("text", "values", "message", "line", "column"), ROWS)
def test_an_error_of_evaluation_has_its_place(
    text: str, values: dict[str, float], message: str, line: int, column: int
) -> None:
    with pytest.raises(flux.FluxError) as found:
        flux.evaluate(text, **values)
    assert (found.value.text, found.value.line, found.value.column) == (message, line, column)
    assert "^" in str(found.value)
