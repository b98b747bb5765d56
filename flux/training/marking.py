"""Marking derivatives: the share that is exactly right, for a model and for a copying neighbour.

An answer is right where `flux.equal` says that it equals the derivative; what cannot be read, or
cannot be decided, is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from flux.calculus.equal import equal
from flux.errors import FluxError
from flux.philox import uniform
from flux.settings import override
from flux.syntax import parse
from flux.training.corpus import ARROW, LARGEST, SMALLEST, VARIABLES, Line, tree_size
from flux.training.language import LanguageModel
from flux.training.rules import RULES, rules_of
from flux.training.sample import GREEDY

_FEATURES = 512  # of the neighbour's search: hashed pairs of letters
_TOGETHER = 32  # problems that the model answers at a time

# Told after each group of problems how many have been answered.
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Marked:
    """A problem with the model's answer.

    Attributes:
        line: the problem, and its derivative.
        answer: the model's.
        right: whether that is the derivative.
        copied: whether the nearest training line's answer is.
    """

    line: Line
    answer: str
    right: bool
    copied: bool

    @cached_property
    def groups(self) -> frozenset[str]:
        """The rules of differentiation that the problem calls for, and its number of nodes."""
        e = parse(self.line.problem)
        return frozenset((*rules_of(e), _of_nodes(tree_size(e))))


_Counts = tuple[int, int, int]


@dataclass(frozen=True)
class Marks:
    """How many of the problems were solved."""

    marked: tuple[Marked, ...]

    @property
    def asked(self) -> int:
        """The number of problems."""
        return len(self.marked)

    @property
    def model(self) -> int:
        """Right answers of the model."""
        return sum(each.right for each in self.marked)

    @property
    def copied(self) -> int:
        """Right answers of the nearest training lines."""
        return sum(each.copied for each in self.marked)

    def __str__(self) -> str:
        model, copied = self.model / self.asked, self.copied / self.asked
        return (
            f"exact derivatives, of {self.asked} held out: the model {self.model} ({model:.0%}),"
            f" copying the nearest neighbour {self.copied} ({copied:.0%})"
        )

    def by_group(self) -> dict[str, Marks]:
        """The problems that call for each rule, and those of each number of nodes.

        A problem that calls for several rules counts for each of them.
        """
        names = (*RULES, *map(_of_nodes, range(SMALLEST, LARGEST + 1)))
        found = {n: tuple(each for each in self.marked if n in each.groups) for n in names}
        return {name: Marks(marked) for name, marked in found.items() if marked}

    def table(self) -> str:
        """Right and wrong answers by rule and by size, a line each."""
        lines = [f"{'':<16}{'asked':>6}{'right':>7}{'wrong':>7}{'share':>7}{'copied':>8}"]
        for name, marks in {**self.by_group(), "all": self}.items():
            wrong, share = marks.asked - marks.model, marks.model / marks.asked
            lines.append(
                f"{name:<16}{marks.asked:>6}{marks.model:>7}{wrong:>7}{share:>7.0%}{marks.copied:>8}"
            )
        return "\n".join(lines)


def _of_nodes(size: int) -> str:
    return f"{size} nodes"


def mark(
    language: LanguageModel,
    lines: Sequence[Line],
    asked: int,
    seed: int,
    progress: Progress = lambda _: None,
) -> Marks:
    """Ask for the derivatives of some held-out lines."""
    known = [line for line in lines if not line.held_out]
    problems = draw([line for line in lines if line.held_out], asked, seed)
    copies = nearest_answers(known, problems)
    marked: list[Marked] = []
    for start in range(0, len(problems), _TOGETHER):
        group = problems[start : start + _TOGETHER]
        for line, answer, copy in zip(group, solve(language, group), copies[start:], strict=False):
            marked.append(Marked(line, answer, is_right(line, answer), is_right(line, copy)))
        progress(len(marked))
    return Marks(tuple(marked))


def draw(lines: Sequence[Line], count: int, seed: int) -> list[Line]:
    """Some of the lines, without repetition, with all variables in turn."""
    order = np.argsort(uniform(seed, "marking", 0, len(lines)), kind="stable")[:count]
    return [lines[i].renamed(VARIABLES[n % len(VARIABLES)]) for n, i in enumerate(order)]


def solve(language: LanguageModel, problems: Sequence[Line]) -> list[str]:
    """The model's likeliest answers, to as many problems as it answers at a time."""
    prompts = [line.problem + ARROW for line in problems]
    # The group is filled up, so that every group is of the one compiled size.
    filled = prompts + prompts[:1] * (_TOGETHER - len(prompts))
    return language.complete_lines(filled, GREEDY, language.preset.context)[: len(prompts)]


def nearest_answers(known: Sequence[Line], problems: Sequence[Line]) -> list[str]:
    """The answers of the training lines whose problems are most like those asked.

    Likeness is the cosine between counts of neighbouring letters, with every variable called x; the
    answer is given in the variable of the question.
    """
    library = np.stack([_features(line) for line in known])
    best = [int((library @ _features(line)).argmax()) for line in problems]
    pairs = [(known[i], line) for i, line in zip(best, problems, strict=True)]
    return [near.renamed(line.variable).answer for near, line in pairs]


def _features(line: Line) -> NDArray[np.float32]:
    text = f"^{line.renamed('x').problem}$"
    counts = np.zeros(_FEATURES, np.float32)
    for pair, count in Counter(pairwise(text)).items():
        counts[(ord(pair[0]) * 31 + ord(pair[1])) % _FEATURES] += count
    return np.asarray(counts / np.linalg.norm(counts))


def is_right(line: Line, answer: str) -> bool:
    """Whether an answer equals the line's derivative."""
    try:
        with override(max_nodes=2_000):
            return bool(equal(parse(answer), parse(line.answer)))
    except FluxError:
        return False
