"""Lists of people, as files and names: who is meant, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flux.errors import FluxError
from flux.genotypes.people import FEMALE, MALE, UNKNOWN, People, kept, read_psam, with_sex


def _people(*names: tuple[str, str]) -> People:
    fid, iid = zip(*names, strict=True)
    return People(fid, iid, np.zeros(len(names), np.int8), np.ones(len(names), bool))


PEOPLE = _people(("F1", "I1"), ("F2", "I2"), ("F3", "I3"), ("F4", "I3"))


@pytest.mark.parametrize(
    ("content", "rows", "note"),
    [
        ("F1 I1\nF2 I2\n", [0, 1], "2 of 2 names"),
        ("I1\nI2\n", [0, 1], "2 of 2 names"),
        ("F1\tI1\textra columns\nI2\n", [0, 1], "2 of 2 names"),
        ("#FID IID\nF4 I3\n", [3], "1 of 1 names"),
        ("FID IID SEX\nF3 I3 M\n", [2], "1 of 1 names"),
        ("#IID SEX\nI1 M\nI9 F\n", [0], "1 of 2 names"),
        ("# those of the first visit\n\nF1 I1\nF1 I1\nF2 I1\n", [0], "1 of 2 names"),
    ],
)
def test_a_list_is_a_file_of_names_with_or_without_families(
    tmp_path: Path, content: str, rows: list[int], note: str
) -> None:
    (tmp_path / "list").write_text(content)
    mask, notes = kept(PEOPLE, tmp_path / "list", None)
    assert np.flatnonzero(mask).tolist() == rows
    assert notes == {"keep": note}
    without, notes = kept(PEOPLE, None, tmp_path / "list")
    assert (without == ~mask).all()
    assert notes == {"remove": note}


def test_nobody_is_removed_by_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("")
    assert kept(PEOPLE, None, tmp_path / "list")[0].all()
    with pytest.raises(FluxError, match="nobody is left"):
        kept(PEOPLE, tmp_path / "list", None)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("I9\n", "`keep` names nobody"),
        ("F2 I1\n", "`keep` names nobody"),
        ("I3\n", "several families have an 'I3'"),
        ("#FID IID\nF1\n", "row 2, column 2: this row has no IID"),
    ],
)
def test_lists_that_name_nobody_or_several_are_refused(
    tmp_path: Path, content: str, text: str
) -> None:
    (tmp_path / "list").write_text(content)
    with pytest.raises(FluxError, match=text):
        kept(PEOPLE, tmp_path / "list", None)


def test_a_sex_is_that_of_one_family(tmp_path: Path) -> None:
    (tmp_path / "sex").write_text("#FID IID SEX\nF3 I3 1\nF4 I3 2\nI1 M\n")
    assert with_sex(PEOPLE, tmp_path / "sex").sex.tolist() == [MALE, UNKNOWN, MALE, FEMALE]
    assert with_sex(PEOPLE, {"I2": "F"}).sex.tolist() == [UNKNOWN, FEMALE, UNKNOWN, UNKNOWN]
    with pytest.raises(FluxError, match="several families have an 'I3'"):
        with_sex(PEOPLE, {"I3": "F"})


def test_a_psam_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.psam").write_text("#FID SEX\nF1 1\n")
    with pytest.raises(FluxError, match="row 1: there is no column IID"):
        read_psam(tmp_path / "p.psam")
