"""`flux prs`: polygenic scores of a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import flux
from flux.cli.cohort import check_outputs, cohort_options
from flux.cli.output import json_option, show
from flux.cli.pace import Pace
from flux.genotypes.ranges_file import read_ranges
from flux.genotypes.scores import Scores

_LOG = ".variants.tsv"


@click.command()
@click.option("--weights", "files", multiple=True, required=True, help="A scoring file; several.")
@cohort_options
@click.option("-o", "--output", required=True, metavar="OUT.sscore", help="Where scores go.")
@click.option("--log", metavar="FILE", help=f"Where each row's fate goes; else OUT{_LOG}.")
@click.option("--column", "columns", multiple=True, metavar="NAME", help="Of weights; several.")
@click.option(
    "--by",
    type=click.Choice(("auto", "position", "id")),
    default="auto",
    show_default=True,
    help="Match by position or identifier, and alleles.",
)
@click.option("--build", metavar="NAME", help="The cohort's genome build, such as GRCh38.")
@click.option(
    "--effect",
    default="additive",
    show_default=True,
    metavar="NAME|FORMULA",
    help="additive, dominant, recessive, centered, standardized, or a formula of g, ploidy and p.",
)
@click.option(
    "--missing",
    type=click.Choice(("mean", "none")),
    default="mean",
    show_default=True,
    help="Impute the mean, or lower the denominator.",
)
@click.option("--frequencies", metavar="FILE", help="Means from an .afreq or .frq file.")
@click.option("--ambiguous", is_flag=True, help="Use A/T and C/G variants, as written.")
@click.option("--no-flip", is_flag=True, help="Do not look for alleles of the other strand.")
@click.option(
    "--min-overlap",
    type=click.FloatRange(0, 1),
    default=0.75,
    show_default=True,
    help="The least share of rows that must be used.",
)
@click.option("--ranges", metavar="FILE", help="Rows NAME LOW HIGH: a score for each.")
@click.option("--among", metavar="COLUMN", help="The column that ranges are about.")
@click.option(
    "--male-x",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Copies of X that a male counts.",
)
@click.option("--threads", type=click.IntRange(1, 1024), help="All cores without it.")
@json_option
def command(
    files: tuple[str, ...],
    genotypes: str,
    output: str,
    log: str | None,
    ranges: str | None,
    no_flip: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Score the people of COHORT by published weights.

    A scoring file is one of the PGS Catalog, plain or harmonised, or columns of one's own: an
    identifier or chromosome and position, effect allele, other allele, weight. Several files are
    scored in one pass. OUT.sscore has PLINK's columns; what became of every row of weights stands
    in the log. Gzip is read, and written where the name ends so.

    \b
    flux prs --weights PGS000001.txt.gz --genotypes cohort.bed -o out.sscore
    flux prs --weights weights.tsv --genotypes imputed.vcf.gz --missing none -o out.sscore
    flux prs --weights a.txt --weights b.txt --genotypes cohort --keep people.txt -o out.sscore
    flux prs --weights gwas.tsv --genotypes cohort --ranges p.txt --among p_value -o out.sscore
    """
    log = log or _log_beside(output)
    read = (*files, ranges, *(options[name] for name in ("frequencies", "keep", "remove", "sex")))
    check_outputs((output, log), genotypes, read)
    chosen = {name: value for name, value in options.items() if value is not None}
    chosen["columns"] = list(options["columns"]) or None
    found = flux.prs(
        list(files),
        genotypes,
        ranges=None if ranges is None else read_ranges(ranges),
        flip=not no_flip,
        progress=Pace(),
        **chosen,
    )
    found.write_log(log)
    found.write(output)
    text = f"{found.summary()}\n{len(found):,} people -> {output}; rows of weights -> {log}"
    show(as_json, text, output, log=log, people=len(found), **_details(found))


def _log_beside(output: str) -> str:
    path = Path(output)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise click.UsageError("--log is needed where the output is no file")
    return output.removesuffix(".gz").removesuffix(".sscore") + _LOG


def _details(found: Scores) -> dict[str, Any]:
    """What JSON says beside the place of the output."""
    return {
        "scores": found.names,
        "files": {
            one.weights.name: {"rows": len(one.weights), "used": int(one.used.sum())}
            | {"reasons": one.counts()}
            for one in found.matches
        },
        "notes": dict(found.notes),
    }
