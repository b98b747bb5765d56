"""VCF and BCF, by the library `cyvcf2` (the extra `genotypes`).

The first pass reads the variants, one row for each alternative allele; the second the genotypes of
those that are asked for. Format: VCF 4.3, https://samtools.github.io/hts-specs/VCFv4.3.pdf.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import DataError
from flux.genotypes.build import of_lengths
from flux.genotypes.cohort import Dosages, Rows
from flux.genotypes.lines import Progress
from flux.genotypes.people import People, named
from flux.genotypes.variants import Chromosomes, Variants, chromosome, texts

Floats = NDArray[np.float64]

_TELL = 1_000  # records between two tellings
_MOST_DOSAGE = 2.001  # for what rounding adds
_NO_CALL, _NO_SECOND = -1, -2  # what the library gives for `.`, and beyond a haploid call
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


class VcfCohort:
    """A cohort in a VCF or BCF file.

    Args:
        path: the file.
        field: `GT` calls, `DS` dosages, or `auto`: dosages where the header declares them.
        progress: told of the records that are read.

    Raises:
        DataError: it cannot be read, has nobody in it, or the library is not installed.
    """

    def __init__(self, path: Path, field: str = "auto", progress: Progress | None = None) -> None:
        self._path, self.name = path, str(path)
        _check_end(path)
        reader = self._open()
        self._field = _chosen(reader, field, self.name)
        self.people: People = named(list(reader.samples), path)
        if not len(self.people):
            raise DataError(f"{self.name} has no people, only variants")
        self.build: str = _build(reader)
        self.variants: Variants
        self.variants, self._record, self._allele = self._listed(reader, progress)

    def with_people(self, people: People) -> VcfCohort:
        """The same genotypes of people of whom more is known."""
        made = copy(self)
        made.people = people
        return made

    def _open(self) -> Any:
        return _library().VCF(str(self._path), lazy=True)

    def _listed(self, reader: Any, progress: Progress | None) -> tuple[Variants, Rows, Rows]:
        """The variants, and the record and the alternative allele of each."""
        names, rows = Chromosomes(), []
        for record, at in _records(reader, self.name):
            for allele, alternative in enumerate(at.ALT, 1):
                place = (names[at.CHROM], at.POS, at.ID or ".")
                rows.append((*place, alternative.upper(), at.REF.upper(), record, allele))
            if progress is not None and record % _TELL == _TELL - 1:
                progress("records read", record + 1, 0)
        if not rows:
            raise DataError(f"{self.name} has no variants")
        chrom, position, ids, counted, other, record_of, allele_of = zip(*rows, strict=True)
        made = Variants(
            texts(chrom), np.array(position, np.int64), texts(ids), texts(counted), texts(other)
        )
        return made, np.array(record_of, np.int64), np.array(allele_of, np.int64)

    def blocks(self, rows: Rows, most_bytes: int) -> Iterator[Dosages]:
        """The genotypes of some variants, ascending, in blocks of about so many bytes."""
        count = max(1, most_bytes // (8 * len(self.people)))
        found: list[Floats] = []
        first = 0
        for copies in self._copies(rows):
            found.append(copies)
            if len(found) == count:
                yield Dosages(rows[first : first + count], np.stack(found))
                first, found = first + count, []
        if found:
            yield Dosages(rows[first : first + len(found)], np.stack(found))

    def _copies(self, rows: Rows) -> Iterator[Floats]:
        """The genotypes of each row; a record of several alleles is read once."""
        wanted: dict[int, list[int]] = {}
        for row in rows.tolist():
            wanted.setdefault(int(self._record[row]), []).append(int(self._allele[row]))
        for record, at in _records(self._open(), self.name):
            alleles = wanted.pop(record, None)
            if alleles is not None:
                yield from self._of_record(at, alleles)
            if not wanted:
                return

    def _of_record(self, at: Any, alleles: list[int]) -> Iterator[Floats]:
        calls = self._calls(at)
        dosages = self._dosages(at, calls) if self._field == "DS" else None
        if calls is None and dosages is None:
            raise DataError(f"{self._place(at)} has no {self._field}")
        absent = np.full(len(self.people), np.nan)
        for allele in alleles:
            called = absent if calls is None else _counted(calls, allele)
            dosage = absent if dosages is None else dosages[:, allele - 1]
            yield np.where(np.isnan(dosage), called, dosage)  # as PLINK: who has none may be called

    def _calls(self, at: Any) -> NDArray[np.int64] | None:
        """(N, 1 or 2) numbers of alleles, or None without calls."""
        calls = _calls(at)
        if calls is None:
            return None
        beyond = (calls > len(at.ALT)).any(axis=1) | (_ploidy(calls) > 2)
        if beyond.any():
            text = f"{self._place(at)} has a call of other alleles, or of more than two,"
            raise DataError(f"{text} for {self.people.iid[int(beyond.argmax())]}")
        return calls

    def _dosages(self, at: Any, calls: NDArray[np.int64] | None) -> Floats | None:
        """(N, alternative alleles) dosages on a scale to 2, or None without them."""
        found = at.format("DS")
        if found is None:
            return None
        if found.dtype.kind != "f" or found.shape[1] != len(at.ALT):
            text = f"{self._place(at)} has no DS for each alternative allele"
            raise DataError(text, hint="the header declares DS as Number=A,Type=Float")
        scale = 1.0 if calls is None else 2 / _ploidy(calls)[:, None]
        scaled: Floats = found.astype(np.float64) * scale
        self._check_dosages(at, scaled)
        return scaled

    def _place(self, at: Any) -> str:
        return f"{self.name}: the record at {at.CHROM}:{at.POS}"

    def _check_dosages(self, at: Any, found: Floats) -> None:
        wrong = (found < 0) | (found > _MOST_DOSAGE)
        if wrong.any():
            person = self.people.iid[int(wrong.any(axis=1).argmax())]
            text = f"{self._place(at)} has a DS of {found[wrong][0]:g}"
            raise DataError(f"{text} for {person}", hint="a dosage is from 0 to 2")


def _calls(at: Any) -> NDArray[np.int64] | None:
    """(N, 2) numbers of alleles, or None without calls."""
    try:
        found = at.genotype
    except Exception:  # the library raises that class itself where a record has no GT
        return None
    return None if found is None else np.asarray(found.array())[:, :-1].astype(np.int64)


def _ploidy(calls: NDArray[np.int64]) -> Floats:
    copies: Floats = np.count_nonzero(calls != _NO_SECOND, axis=1).astype(np.float64)
    return np.maximum(copies, 1.0)


def _counted(calls: NDArray[np.int64], allele: int) -> Floats:
    """Copies of an allele, on a scale to 2; nan where part of the call is missing."""
    copies = np.count_nonzero(calls == allele, axis=1) * (2 / _ploidy(calls))
    return np.where(np.any(calls == _NO_CALL, axis=1), np.nan, copies)


def _records(reader: Any, name: str) -> Iterator[tuple[int, Any]]:
    """The records with their numbers; the library's errors as ours."""
    number = 0
    records = iter(reader)
    while True:
        try:
            at = next(records)
        except StopIteration:
            return
        except Exception as error:  # the library raises that class itself
            text = f"{name}: record {number + 1} cannot be read: {error}"
            raise DataError(text) from None
        yield number, at
        number += 1


def _check_end(path: Path) -> None:
    """Refuse a file that was cut short: a compressed one ends with an empty block."""
    try:
        with path.open("rb") as file:
            head = file.read(18)
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - len(_BGZF_END)))
            end = file.read()
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from None
    if not size:
        raise DataError(f"{str(path)!r} is empty")
    if head[:2] == b"\x1f\x8b" and head[12:14] == b"BC" and end != _BGZF_END:
        raise DataError(f"{str(path)!r} is cut short: its last block is missing")
    if head[:2] != b"\x1f\x8b" and head[:2] == b"##" and end[-1:] != b"\n":
        raise DataError(f"{str(path)!r} is cut short: its last line has no end")


def _chosen(reader: Any, field: str, name: str) -> str:
    """The field that is read."""
    declared = {h.info().get("ID") for h in reader.header_iter() if h.type == "FORMAT"}
    if field == "auto":
        return "DS" if "DS" in declared else "GT"
    if field not in declared:
        raise DataError(f"{name} declares no {field}")
    return field


def _build(reader: Any) -> str:
    """The build, by the lengths of the chromosomes that the header declares."""
    try:
        lengths = zip(reader.seqnames, reader.seqlens, strict=True)
    except AttributeError:  # the header declares none
        return ""
    return of_lengths({chromosome(name): int(length) for name, length in lengths})


class _Closed:
    """The library, whose reader refuses a file in one way."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def VCF(self, path: str, **options: Any) -> Any:  # noqa: N802  (the library's name)
        try:
            return self._library.VCF(path, **options)
        except Exception as error:  # it raises OSError and Exception, after the kind of damage
            raise DataError(f"{path!r} is no VCF or BCF: {error}") from None


def _library() -> _Closed:
    try:
        import cyvcf2
    except ImportError:
        raise DataError(
            "VCF and BCF need the library `cyvcf2`", hint="pip install 'fluxparser[genotypes]'"
        ) from None
    return _Closed(cyvcf2)
