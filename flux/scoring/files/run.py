"""Score a file: read, score and write block by block, on several threads, in the file's order."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flux import __version__
from flux.compiled.function import check_threads
from flux.errors import ArgumentError, DataError, FluxError
from flux.expr import count_nodes
from flux.scoring.files.blocks import Block, Source, Wanted
from flux.scoring.files.journal import Journal
from flux.scoring.files.output import Output, Piece, TextOutput, output_of
from flux.scoring.files.parquet_input import BATCH_ROWS, ParquetSource
from flux.scoring.files.text_input import BLOCK_BYTES, TextSource
from flux.scoring.packages import has_pyarrow
from flux.scoring.report import Report
from flux.scoring.table_scorer import Scorer

STANDARD = "-"
_PARQUET = (".parquet", ".pq")
_AHEAD = 2  # blocks that wait for their turn, for each thread


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        rows: scored so far.
        done, size: bytes or rows of the table that are read, and of all; size 0 where unknown.
    """

    rows: int
    done: int
    size: int


def score_file(
    scorer: Scorer,
    table: str,
    out: str,
    *,
    jobs: int = 1,
    resume: bool = False,
    watch: Callable[[Progress], None] | None = None,
    block: int | None = None,
) -> Report:
    """Score a file, and write the scores into another.

    Memory is bounded by the size of a block and the number of jobs, not by the file. Whatever
    `jobs` and however often it was stopped and resumed, the output has the same bytes.

    Args:
        scorer: the formulas.
        table: the path of a CSV, TSV or Parquet file, text perhaps packed by gzip; `-` is text on
            standard input.
        out: the path to write; its ending says the format. `-` is CSV on standard output.
        jobs: threads, each with a block of its own.
        resume: continue the run into `out` that was stopped, if there is one.
        watch: called after each block.
        block: bytes of text, or rows of Parquet, of a block.

    Raises:
        DataError: a file cannot be read or written, a cell is no number; with row and column.
        UnknownNameError: the table lacks a column.
        ArgumentError: the output's ending is unknown, or an option cannot be used.
    """
    check_threads(jobs)
    source = _source(table, block)
    try:
        run = _Run(scorer, table, source, output_of(out), jobs, watch or (lambda progress: None))
        if out == STANDARD:
            if resume:
                raise ArgumentError("a run into standard output cannot be resumed")
            return run.to_standard_output()
        if resume and table == STANDARD:
            raise ArgumentError("a run from standard input cannot be resumed")
        _check_other(table, out)
        return run.to_file(Journal(Path(out), run.identity(block)), resume)
    finally:
        source.close()


def _source(path: str, block: int | None) -> Source:
    if block is not None and block < 1:
        raise ArgumentError(f"a block has at least 1 byte or row, not {block}")
    if path != STANDARD and Path(path).suffix.lower() in _PARQUET:
        return ParquetSource(path, block or BATCH_ROWS)
    return TextSource(path, block or BLOCK_BYTES)


def _check_other(table: str, out: str) -> None:
    if table != STANDARD and Path(out).exists() and Path(out).samefile(table):
        raise ArgumentError("the table cannot be written over while it is read")


def _print(content: bytes | memoryview) -> None:
    """Write bytes of UTF-8 to standard output, which a notebook replaces by a stream of text."""
    # The command line puts a sink where the stream was closed: what it was tells that apart.
    if sys.stdout is None or sys.__stdout__ is None:
        raise DataError("cannot write: standard output is closed")
    stream = getattr(sys.stdout, "buffer", None)
    try:
        if stream is None:
            sys.stdout.write(bytes(content).decode("utf-8"))
        else:
            stream.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DataError(f"cannot write standard output: {error.strerror}") from None


@dataclass(frozen=True)
class _Done:
    """A block that is scored."""

    block: Block
    piece: Piece
    report: Report


class _Run:
    """One file on its way into another."""

    def __init__(
        self,
        scorer: Scorer,
        table: str,
        source: Source,
        output: Output,
        jobs: int,
        watch: Callable[[Progress], None],
    ) -> None:
        self._scorer = scorer
        self._table = table
        self._source = source
        self._output = output
        self._jobs = jobs
        self._watch = watch
        self._keep = scorer.kept(source.names)
        typed = not isinstance(output, TextOutput)
        texts = scorer.formulas.texts()
        numbers = tuple(name for name in scorer.columns if name not in texts)
        self._wanted = Wanted(numbers, texts, tuple(self._keep), typed)
        self._head = output.head([*self._keep, *scorer.scores])

    def identity(self, block: int | None) -> dict[str, Any]:
        """What a run must have in common with one that it continues."""
        found = Path(self._table).stat() if self._table != STANDARD else None
        formulas = self._scorer.formulas
        searches = [
            [s.name, str(s.equation), s.unknown, *map(str, s.ends)] for s in formulas.searches
        ]
        return {
            "version": __version__,
            "table": str(Path(self._table).absolute()),
            "size": found.st_size if found else -1,
            "modified": found.st_mtime_ns if found else -1,
            "block": block or 0,
            "pyarrow": has_pyarrow(),
            "scores": {name: str(e) for name, e in formulas.scores.items()},
            "nodes": count_nodes(*formulas.expressions()),
            "searches": searches,
            "ranges": self._scorer.ranges,
            "units": dict(self._scorer.options.units or {}),
            "missing": self._scorer.options.missing,
            "flag": self._scorer.options.flag,
            "keep": self._keep,
        }

    def to_standard_output(self) -> Report:
        """Print the text, block by block; names first, once there is a block to print."""
        report, head = Report(), self._head
        for done in self._scored(None, 0):
            _print(head + done.piece.content)
            head = b""
            report = report.joined(done.report)
            self._watch(Progress(report.rows, done.block.done, self._source.size))
        return report

    def to_file(self, journal: Journal, resume: bool) -> Report:
        """Write beside the file's name, and rename."""
        going_on = resume and journal.resume()
        try:
            if not going_on:
                journal.begin(self._head)
            state = journal.state
            for done in self._scored(state.position, state.report.rows):
                journal.add(done.piece.content, done.piece.note, done.block.end, done.report)
                self._watch(Progress(state.report.rows, done.block.done, self._source.size))
            journal.finish(self._output.end(state.notes, state.offsets))
        except FluxError:
            journal.drop()
            raise
        finally:
            journal.close()
        return state.report

    def _scored(self, start: list[int] | None, first: int) -> Iterator[_Done]:
        """The blocks from a place on, in order."""
        blocks = self._source.blocks(self._wanted, start)
        rows = first
        for block, work in self._worked(blocks):
            try:
                done = work()
            except DataError:
                done = self._again(block, rows)
            rows += done.report.rows
            yield done

    def _again(self, block: Block, rows: int) -> _Done:
        """Score a block once more, now that its place is known; errors name the file."""
        try:
            return self._score(block, rows)
        except DataError as error:
            raise DataError(f"{self._table!r}, {error.text}", hint=error.hint) from None

    def _worked(self, blocks: Iterator[Block]) -> Iterator[tuple[Block, Callable[[], _Done]]]:
        """Each block with what gives its scores, some of them under way already."""
        if self._jobs == 1:
            for block in blocks:
                yield block, partial(self._score, block, 0)
            return
        waiting: deque[tuple[Block, Future[_Done]]] = deque()
        with ThreadPoolExecutor(self._jobs) as pool:
            try:
                for block in blocks:
                    waiting.append((block, pool.submit(self._score, block, 0)))
                    if len(waiting) > _AHEAD * self._jobs:
                        first, future = waiting.popleft()
                        yield first, future.result
                while waiting:
                    first, future = waiting.popleft()
                    yield first, future.result
            finally:
                pool.shutdown(cancel_futures=True)

    def _score(self, block: Block, first: int) -> _Done:
        table = block.table(first)
        results, report = self._scorer.evaluate(table)
        return _Done(block, self._output.piece(table, self._keep, results), report)
