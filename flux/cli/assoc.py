"""`flux assoc`: statistics of single variants, and of their association with a trait."""

from __future__ import annotations

from typing import Any

import click

import flux
from flux.cli.cohort import check_outputs, cohort_options
from flux.cli.output import json_option, show
from flux.cli.pace import Pace
from flux.genotypes.linkage import write_linkage


@click.command()
@cohort_options
@click.option("-o", "--output", required=True, metavar="OUT.tsv", help="Where the table goes.")
@click.option(
    "--traits", metavar="FILE", help="Rows FID IID NAME... or IID NAME..., with a header."
)
@click.option("--trait", metavar="NAME", help="Which column; not needed where there is one.")
@click.option("--covariates", metavar="FILE", help="A file of the same form.")
@click.option("--covariate", "covariate_names", multiple=True, metavar="NAME", help="All without.")
@click.option(
    "--model",
    type=click.Choice(("linear", "logistic")),
    default="linear",
    show_default=True,
    help="Least squares, or the score test of cases and controls.",
)
@click.option("--no-x-sex", is_flag=True, help="On X, no sex as a covariate.")
@click.option("--pairs", metavar="FILE", help="Rows ID ID: r² of each pair, and nothing else.")
@click.option("--also", multiple=True, metavar="NAME=FORMULA", help="Of n2, n1, n0 and missing.")
@json_option
def command(
    genotypes: str,
    output: str,
    pairs: str | None,
    also: tuple[str, ...],
    covariate_names: tuple[str, ...],
    no_x_sex: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Statistics of every variant of COHORT, a row each.

    Counts of genotypes, missing calls, allele frequency, Hardy-Weinberg by chi-square and exactly;
    with a trait its regression on each variant, covariates taken into account. Each is a formula of
    the library, and --also adds your own. With --pairs the table is one of pairs of variants.

    \b
    flux assoc --genotypes cohort.bed -o variants.tsv
    flux assoc --genotypes cohort.bed --also "HET = n1/(n2 + n1 + n0)" -o het.tsv
    flux assoc --genotypes cohort --traits t.txt --trait bmi --covariates pcs.txt -o bmi.tsv.gz
    flux assoc --genotypes cohort.bed --pairs pairs.txt -o ld.tsv
    flux assoc --genotypes cohort.vcf.gz --traits t.txt --model logistic -o cases.tsv
    """
    read = ("traits", "covariates", "keep", "remove", "sex")
    check_outputs((output,), genotypes, (pairs, *(options[name] for name in read)))
    chosen = {name: value for name, value in options.items() if value is not None}
    formulas, covariates = _formulas(also), list(covariate_names)
    if pairs is not None:
        _only_pairs(chosen, formulas, covariates, no_x_sex)
        count = write_linkage(output, genotypes, pairs, chosen | {"progress": Pace()})
        return show(as_json, f"{count:,} pairs -> {output}", output, pairs=count)
    found = flux.assoc(
        genotypes,
        also=formulas,
        covariate_names=covariates or None,
        x_sex=not no_x_sex,
        progress=Pace(),
        **chosen,
    )
    found.write(output)
    text = f"{len(found):,} variants -> {output}"
    return show(as_json, text, output, variants=len(found), columns=list(found.columns))


def _only_pairs(options: dict[str, Any], *others: Any) -> None:
    """Drop the options that pairs have no use for, and refuse those that were given."""
    options.pop("model")
    refused = [name for name in ("traits", "trait", "covariates", "sex") if name in options]
    if refused or any(others):
        raise click.UsageError("--pairs goes with --keep, --remove and --field only")


def _formulas(also: tuple[str, ...]) -> dict[str, str]:
    named = {}
    for text in also:
        name, equals, formula = (part.strip() for part in text.partition("="))
        if not (name and equals and formula):
            raise click.UsageError(f"expected NAME=FORMULA, found {text!r}")
        if name in named:
            raise click.UsageError(f"--also names {name} twice")
        named[name] = formula
    return named
