"""What people read of a Program: golden files, and costs against counts by hand."""

import pytest

from flux.expr import variable
from flux.lower import lower
from flux.program import listing
from flux.program.listing import cost
from tests.program import programs
from tests.program.programs import total


@pytest.mark.parametrize("name", ["formula", "softmax", "attention gradient", "updates"])
def test_listing_is_the_golden_one(name, golden):
    golden(f"program/{name.replace(' ', '_')}.txt", listing(programs.ALL[name]()) + "\n")


def test_cost_of_a_matrix_product_is_that_by_hand():
    a, b = variable("a", ("i", "k")), variable("b", ("k", "j"))
    program = lower({"c": total(a * b, "k")}, [a, b], sizes={"i": 3, "j": 4, "k": 5})
    (product,) = program.entry.instructions
    found = cost(product, program.entry, [])
    assert (found.bytes, found.flops) == (8 * (15 + 20 + 12), 2 * 3 * 4 * 5)


def test_a_repeated_function_costs_as_often_as_it_runs():
    once, often = programs.update(), programs.updates()
    alone = sum(cost(i, once.entry, []).bytes for i in once.entry.instructions)
    (call,) = often.entry.instructions
    callee = cost(call, often.entry, [cost_of(once)])
    assert callee.bytes == 3 * alone


def cost_of(program):
    found = [cost(i, program.entry, []) for i in program.entry.instructions]
    return sum(found[1:], found[0])


def test_names_are_printed_in_plain_ascii_and_cut():
    x = variable("é\n" + "x" * 100)
    text = listing(lower({"y": x + 1}, [x]))
    assert text.isascii()
    assert "??xxx" in text
    assert "x" * 60 not in text
