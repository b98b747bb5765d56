"""Marking derivatives: the share that is exactly right, for a model and for a copying neighbour.

An answer is right where `flux.equal` says that it equals the derivative; what cannot be read, or
cannot be decided, is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from flux.calculus.equal import equal
from flux.errors import FluxError
from flux.philox import uniform
from flux.settings import override
from flux.syntax import parse
from flux.training.corpus import ARROW, VARIABLES, Line
from flux.training.language import LanguageModel
from flux.training.sample import GREEDY

_FEATURES = 512  # of the neighbour's search: hashed pairs of letters
_EXAMPLES = 5
_TOGETHER = 32  # problems that the model answers at a time


@dataclass(frozen=True)
class Marks:
    """How many of the problems were solved.

    Attributes:
        asked: the number of problems.
        model, copied: right answers of the model, and of the nearest training line.
        examples: some problems, the model's answers, and whether they are right.
    """

    asked: int
    model: int
    copied: int
    examples: tuple[tuple[str, str, bool], ...] = ()

    def __str__(self) -> str:
        model, copied = self.model / self.asked, self.copied / self.asked
        return (
            f"exact derivatives, of {self.asked} held out: the model {self.model} ({model:.0%}),"
            f" copying the nearest neighbour {self.copied} ({copied:.0%})"
        )


def mark(language: LanguageModel, lines: Sequence[Line], asked: int, seed: int) -> Marks:
    """Ask for the derivatives of some held-out lines."""
    known = [line for line in lines if not line.held_out]
    problems = draw([line for line in lines if line.held_out], asked, seed)
    answers = solve(language, problems)
    copies = nearest_answers(known, problems)
    examples = tuple(
        (line.problem, answer, is_right(line, answer))
        for line, answer in zip(problems[:_EXAMPLES], answers, strict=False)
    )
    return Marks(len(problems), _right(problems, answers), _right(problems, copies), examples)


def draw(lines: Sequence[Line], count: int, seed: int) -> list[Line]:
    """Some of the lines, without repetition, with all variables in turn."""
    order = np.argsort(uniform(seed, "marking", 0, len(lines)), kind="stable")[:count]
    return [lines[i].renamed(VARIABLES[n % len(VARIABLES)]) for n, i in enumerate(order)]


def solve(language: LanguageModel, problems: Sequence[Line]) -> list[str]:
    """The model's likeliest answers."""
    answers: list[str] = []
    for start in range(0, len(problems), _TOGETHER):
        prompts = [line.problem + ARROW for line in problems[start : start + _TOGETHER]]
        # The last group is filled up, so that every group is of the one compiled size.
        filled = prompts + prompts[:1] * (_TOGETHER - len(prompts))
        longest = language.preset.context - min(map(len, prompts))
        answers += language.complete_lines(filled, GREEDY, longest)[: len(prompts)]
    return answers


def nearest_answers(known: Sequence[Line], problems: Sequence[Line]) -> list[str]:
    """The answers of the training lines whose problems are most like those asked.

    Likeness is the cosine between counts of neighbouring letters, with every variable called x; the
    answer is given in the variable of the question.
    """
    library = np.stack([_features(line) for line in known])
    asked = np.stack([_features(line) for line in problems])
    best = (asked @ library.T).argmax(-1)
    pairs = [(known[i], line) for i, line in zip(best, problems, strict=True)]
    return [near.renamed(line.variable).answer for near, line in pairs]


def _features(line: Line) -> NDArray[np.float32]:
    text = f"^{line.renamed('x').problem}$"
    counts = np.zeros(_FEATURES, np.float32)
    for pair, count in Counter(pairwise(text)).items():
        counts[(ord(pair[0]) * 31 + ord(pair[1])) % _FEATURES] += count
    return np.asarray(counts / np.linalg.norm(counts))


def _right(problems: Sequence[Line], answers: Sequence[str]) -> int:
    return sum(is_right(line, answer) for line, answer in zip(problems, answers, strict=True))


def is_right(line: Line, answer: str) -> bool:
    """Whether an answer equals the line's derivative."""
    try:
        with override(max_nodes=2_000):
            return bool(equal(parse(answer), parse(line.answer)))
    except FluxError:
        return False
