"""Which variant a row of weights means: preference, strands, duplicates, names of chromosomes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.genotypes.alleles import complement
from flux.genotypes.match import REASONS, Rules, match
from flux.genotypes.variants import Variants, chromosome, texts
from flux.genotypes.weights import Weights, read_weights
from tests.genotypes.cohorts import Simulated, simulate


def variants(*rows: tuple[str, int, str, str, str]) -> Variants:
    """Rows of chromosome, position, identifier, counted allele, other allele."""
    chrom, position, name, counted, other = zip(*rows, strict=True)
    places = np.array(position, np.int64)
    return Variants(texts(chrom), places, texts(name), texts(counted), texts(other))


def weights(folder: Path, *rows: str, head: str = "") -> Weights:
    head = head or "rsID chr_name chr_position effect_allele other_allele effect_weight"
    path = folder / "w.txt"
    path.write_text("\n".join(["\t".join(row.split()) for row in (head, *rows)]) + "\n")
    return read_weights(path)


# Effect and other allele of a row, the pair in the cohort, what becomes of it.
ROWS = [
    ("A", "G", "A", "G", "as is"),
    ("G", "A", "A", "G", "swapped"),
    ("T", "C", "A", "G", "flipped"),
    ("C", "T", "A", "G", "flipped and swapped"),
    ("A", "C", "A", "G", "alleles differ"),
    ("A", "T", "A", "T", "ambiguous strand"),
    ("G", "C", "C", "G", "ambiguous strand"),
    ("ac", "g", "AC", "G", "as is"),
    ("GT", "C", "AC", "G", "flipped"),
    ("C", "GT", "AC", "G", "flipped and swapped"),
    ("A", ".", "A", "G", "as is"),
    ("G", ".", "A", "G", "swapped"),
    ("T", ".", "A", "G", "flipped"),
    ("A", ".", "A", "T", "ambiguous strand"),
    ("A", "<DEL>", "A", "<DEL>", "as is"),
]


@pytest.mark.parametrize(("effect", "other", "counted", "second", "reason"), ROWS)
def test_alleles_are_matched_in_the_order_of_preference(
    tmp_path: Path, effect: str, other: str, counted: str, second: str, reason: str
) -> None:
    there = variants(("1", 100, "v", counted, second))
    found = match(weights(tmp_path, f"rs1 1 100 {effect} {other} 0.5"), there, Rules())
    assert REASONS[found.reason[0]] == reason
    if found.used[0]:
        assert bool(found.counted[0]) == (reason in ("as is", "flipped"))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_the_best_of_the_variants_at_a_place_is_taken(tmp_path: Path, order) -> None:
    pairs = [("A", "G"), ("G", "A"), ("T", "C"), ("C", "T")]
    asked = weights(tmp_path, "rs1 1 100 A G 0.5")
    left = [pairs[i] for i in order]
    for best in range(4):
        there = variants(*(("1", 100, f"v{p}", *p) for p in left))
        found = match(asked, there, Rules())
        assert found.reason[0] == best
        assert left[found.variant[0]] == pairs[best]
        left.remove(pairs[best])


def test_ambiguous_pairs_are_taken_as_they_are_written_when_told(tmp_path: Path) -> None:
    there = variants(("1", 100, "v", "A", "T"), ("1", 200, "w", "G", "C"))
    asked = weights(tmp_path, "rs1 1 100 A T 1", "rs2 1 200 C G 1")
    found = match(asked, there, Rules(ambiguous=True))
    assert [REASONS[r] for r in found.reason] == ["as is", "swapped"]


def test_without_flips_other_strands_do_not_match(tmp_path: Path) -> None:
    there = variants(("1", 100, "v", "A", "G"))
    found = match(weights(tmp_path, "rs1 1 100 T C 1"), there, Rules(flip=False))
    assert REASONS[found.reason[0]] == "alleles differ"


@pytest.mark.parametrize(
    ("one", "name"),
    [
        ("chr1", "1"),
        ("01", "1"),
        ("Chr22", "22"),
        ("23", "X"),
        ("chrx", "X"),
        ("24", "Y"),
        ("25", "PAR"),
        ("XY", "PAR"),
        ("chrM", "MT"),
        ("26", "MT"),
        ("GL000192.1", "GL000192.1"),
    ],
)
def test_chromosomes_have_one_name(one: str, name: str) -> None:
    assert chromosome(one) == name
    assert chromosome(chromosome(one)) == name


def test_prefixes_of_chromosomes_do_not_matter(tmp_path: Path) -> None:
    found = match(
        weights(tmp_path, "rs1 chr1 100 A G 0.5", "rs2 X 7 A G 1"),
        variants(("1", 100, "v", "A", "G"), ("X", 7, "w", "A", "G")),
        Rules(),
    )
    assert found.used.all()


def test_pseudo_autosomal_variants_have_places_on_x(tmp_path: Path) -> None:
    asked = weights(tmp_path, "a X 100 A G 1", "b 25 200 A G 1", "c chrX 300 A G 1")
    names = [
        (chromosome(c), at, "v", "A", "G") for c, at in (("PAR1", 100), ("X", 200), ("X", 300))
    ]
    assert match(asked, variants(*names), Rules()).used.all()


def test_a_row_that_means_the_variant_of_an_earlier_one_is_left_out(tmp_path: Path) -> None:
    asked = weights(tmp_path, "a 1 100 A G 1", "b 1 100 G A 2", "c 1 100 T C 3", "d 2 5 A G 4")
    there = variants(("1", 100, "v", "A", "G"), ("2", 5, "w", "A", "G"))
    found = match(asked, there, Rules())
    assert found.counts() == {"as is": 2, "duplicate of an earlier row": 2}
    assert found.used.tolist() == [True, False, False, True]


def test_an_interaction_that_stands_above_is_left_out_whatever_its_order(tmp_path: Path) -> None:
    head = "rsID effect_allele effect_weight is_interaction"
    rows = ("v_x_w A_x_A 1 TRUE", "w_x_v A_x_A 1 TRUE", "v_x_w G_x_A 1 TRUE", "v_x_z A_x_A 1 TRUE")
    there = variants(("1", 100, "v", "A", "G"), ("2", 5, "w", "A", "G"))
    found = match(weights(tmp_path, *rows, head=head), there, Rules())
    names = ["as is", "duplicate of an earlier row", "swapped", "not in the cohort"]
    assert [REASONS[r] for r in found.reason] == names


_ALLELES = st.sampled_from(["A", "C", "G", "T", "AC", "GT", "<DEL>"])
_PLACES = st.tuples(st.sampled_from(["1", "X"]), st.integers(1, 3))


def _one_by_one(asked, there) -> list[tuple[str, int]]:
    """Reason and variant of each row, by trying every variant in every way."""
    found, taken = [], set()
    for (chrom, at), effect, other in asked:
        here = [i for i, (place, *_) in enumerate(there) if place == (chrom, at)]
        best = (4, -1) if not here else (5, -1)
        for i in here:
            pair = there[i][1:]
            ways = [(effect, other), (other, effect)]
            ways += [tuple(map(complement, way)) for way in ways]
            fits = [k for k, way in enumerate(ways) if way == pair and all(way)]
            if fits and (min(fits), i) < best:
                best = (min(fits), i)
        if best[0] < 4 and complement(effect) == other:
            best = (6, best[1])
        if best[0] < 4 and best[1] in taken:
            best = (7, best[1])
        taken |= {best[1]} if best[0] < 4 else set()
        found.append((REASONS[best[0]], best[1] if best[0] < 4 else -1))
    return found


@settings(max_examples=200)
@given(
    asked=st.lists(st.tuples(_PLACES, _ALLELES, _ALLELES), min_size=1, max_size=12),
    there=st.lists(st.tuples(_PLACES, _ALLELES, _ALLELES), min_size=1, max_size=12),
)
def test_matches_are_those_of_trying_every_variant_in_every_way(
    tmp_path_factory, asked, there
) -> None:
    asked = [row for row in asked if row[1] != row[2]] or [(("1", 1), "A", "G")]
    there = [row for row in there if row[1] != row[2]] or [(("1", 1), "A", "G")]
    rows = [f"r {chrom} {at} {effect} {other} 1" for (chrom, at), effect, other in asked]
    table = variants(*((c, at, f"v{i}", *pair) for i, ((c, at), *pair) in enumerate(there)))
    found = match(weights(tmp_path_factory.mktemp("m"), *rows), table, Rules())
    mine = [
        (REASONS[reason], int(variant) if used else -1)
        for reason, variant, used in zip(found.reason, found.variant, found.used, strict=True)
    ]
    assert mine == _one_by_one(asked, there)


def test_two_variants_that_fit_alike_are_flagged_and_the_first_is_used(tmp_path: Path) -> None:
    there = variants(
        ("1", 100, "v", "A", "G"), ("1", 100, "w", "A", "G"), ("1", 100, "x", "G", "A")
    )
    found = match(weights(tmp_path, "a 1 100 A G 1"), there, Rules())
    assert found.variant[0] == 0
    assert found.several[0]
    alone = match(weights(tmp_path, "a 1 100 A G 1"), variants(("1", 100, "v", "A", "G")), Rules())
    assert not alone.several[0]


def test_rows_of_split_records_are_told_apart_by_their_alleles(tmp_path: Path) -> None:
    there = variants(("1", 100, "v", "C", "A"), ("1", 100, "v", "G", "A"))
    asked = weights(tmp_path, "a 1 100 G A 1", "b 1 100 C A 1")
    found = match(asked, there, Rules())
    assert found.variant.tolist() == [1, 0]
    assert found.used.all()


def test_rows_without_place_or_name_say_so(tmp_path: Path) -> None:
    there = variants(("1", 100, "v", "A", "G"))
    asked = weights(tmp_path, "a . NA A G 1", "v 1 100 A G 1", ". 3 9 A G 1")
    by_place = match(asked, there, Rules(by="position"))
    assert [REASONS[r] for r in by_place.reason] == ["no position", "as is", "not in the cohort"]
    by_name = match(asked, there, Rules(by="id"))
    assert [REASONS[r] for r in by_name.reason] == ["not in the cohort", "as is", "no identifier"]


def test_haplotypes_are_no_variants(tmp_path: Path) -> None:
    head = "rsID chr_name chr_position effect_allele other_allele effect_weight is_haplotype"
    asked = weights(tmp_path, "a 1 100 APOE4 . 1 TRUE", "b 1 100 A G 1 FALSE", head=head)
    found = match(asked, variants(("1", 100, "v", "A", "G")), Rules())
    assert [REASONS[r] for r in found.reason] == ["haplotype", "as is"]


def test_complements_are_read_backwards() -> None:
    assert [complement(a) for a in ("A", "AC", "GGA", "<DEL>", "N")] == ["T", "GT", "TCC", "", ""]


def test_low_overlap_stops_with_the_reasons_counted(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=4)
    path = tmp_path / "w.txt"
    path.write_text("rs0\tA\t1\nrs1\tG\t1\nrs9\tA\t1\nrs8\tA\t1\nrs7\tA\t1\n")
    with pytest.raises(flux.FluxError) as caught:
        flux.prs(path, cohort.bed)
    text = str(caught.value)
    assert "2 of 5 rows can be used (40.0%)" in text
    assert "3 not in the cohort" in text
    assert "at least 75% are asked for" in text
    assert flux.prs(path, cohort.bed, min_overlap=0.4).sums.shape == (61, 1)


def test_nothing_in_common_is_an_error_at_any_overlap(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=4)
    path = tmp_path / "w.txt"
    path.write_text("rs9\tA\t1\n")
    with pytest.raises(flux.FluxError, match="0 of 1 rows can be used"):
        flux.prs(path, cohort.bed, min_overlap=0)


CATALOG = """###PGS CATALOG SCORING FILE - see https://www.pgscatalog.org/downloads/#scoring
#format_version=2.0
##POLYGENIC SCORE (PGS) INFORMATION
#pgs_id=PGS999999
#genome_build={build}
##HARMONIZATION DETAILS
#HmPOS_build={harmonised}
rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\thm_chr\thm_pos\thm_inferOtherAllele
rs0\t9\t1\tA\tG\t0.1\t1\t1000\t
rs1\t9\t2\tT\t\t0.2\t1\t1010\tC
rs2\t9\t3\tG\t\t0.3\t1\t1020\tA/C
rs3\t9\t4\tT\tC\t0.4\t\t\t
"""


def _catalog(folder: Path, build: str = "GRCh37", harmonised: str = "GRCh38") -> Path:
    path = folder / "PGS999999_hmPOS_GRCh38.txt"
    path.write_text(CATALOG.format(build=build, harmonised=harmonised))
    return path


def test_harmonised_columns_are_used_where_they_are_there(tmp_path: Path) -> None:
    cohort: Simulated = simulate(tmp_path / "c", variants=8)
    asked = read_weights(_catalog(tmp_path))
    assert (asked.name, asked.build) == ("PGS999999", "GRCh38")
    assert asked.position.tolist() == [1000, 1010, 1020, 0]
    assert asked.other.tolist() == ["G", "C", "", "C"]
    found = flux.prs(_catalog(tmp_path), cohort.bed)
    assert found.matches[0].counts() == {"as is": 2, "swapped": 1, "no position": 1}
    assert found.names == ("SCORE1",)


def test_builds_that_differ_are_refused(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=8)
    with pytest.raises(flux.FluxError, match="positions in GRCh38, and the cohort in GRCh37"):
        flux.prs(_catalog(tmp_path), cohort.bed, build="hg19")
    assert len(flux.prs(_catalog(tmp_path), cohort.bed, build="hg38")) == 61
    assert len(flux.prs(_catalog(tmp_path), cohort.bed, build="hg19", by="id")) == 61


def test_a_position_beyond_its_chromosome_shows_another_build(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=8)
    cohort.variants[2] = ("1", "rs2", 249_000_000, "G", "A")
    cohort.write()
    with pytest.raises(flux.FluxError, match=r"beyond the end of chromosome 1 in GRCh38"):
        flux.prs(_catalog(tmp_path), cohort.bed)
