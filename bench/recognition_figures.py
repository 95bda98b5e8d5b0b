"""The figures of `recognition`: customers of generated populations, beside a union of all equal values."""

from __future__ import annotations

from collections.abc import Iterator

from bench.recognition.names import LOCALES
from bench.recognition.population import Shares
from bench.runner import Measured, Runs
from bench.table import Figure

SEEDS = (1, 2)
PRECISION, RECALL, RATE, TOUCHED = 0.999, 0.94, 5_000, 20
"""Goals: of joined pairs, of the pairs that admissible evidence connects, records per second, records of a block."""


def list_recognition_figures(runs: Runs, records: int) -> Iterator[Figure]:
    """List what is assumed, and what recognition makes of it, in two populations and with real names."""
    yield Figure("assumptions", str(Shares()).removeprefix("Shares"))
    for seed in SEEDS:
        found = runs.run_once("recognition.quality", records=records, seed=seed)
        yield from _list_population_figures(found, f"seed {seed}")
        yield from _list_quality_figures(found)
        yield from _list_access_figures(found)
    yield from _list_name_figures(runs, records)


def _list_population_figures(found: Measured, name: str) -> Iterator[Figure]:
    yield Figure(f"{name}: people", f"{found['people']:,.0f}")
    for key in ("shared mailboxes", "numbers of several people", "records without a name"):
        yield Figure(f"… {key}", f"{found[key]:.1%}")
    yield Figure("… records with the number of one office", f"{found['largest value']:,.0f}")


def _list_quality_figures(found: Measured) -> Iterator[Figure]:
    precision, recall = found["precision"], found["recall"]
    plain = f"{found['plain precision']:.5f}"
    yield Figure("precision", f"{precision:.5f}", plain, None, f"{PRECISION}", precision >= PRECISION)
    yield Figure("… wrong pairs", f"{found['wrong']:,.0f}")
    yield Figure("recall of admissible evidence", f"{recall:.3f}", "", None, f"{RECALL}", recall >= RECALL)
    yield Figure("… of any equal value; the rest is reviews", f"{found['recall of any value']:.3f}")
    yield Figure("… reviews", f"{found['reviews']:,.0f}")
    yield Figure("records per second", f"{found['rate']:,.0f}", "", None, f"{RATE:,}", found["rate"] >= RATE)
    is_same = bool(found["same"])
    yield Figure("the same in another order", "yes" if is_same else "no", "", None, "yes", is_same)
    spans = "p50 {touched p50:.0f}, p99 {touched p99:.0f}, most {touched max:.0f}".format(**found)
    plain = f"{found['plain touched max']:,.0f}"
    yield Figure("records touched by one change", spans, plain, None, f"{TOUCHED}", found["touched max"] <= TOUCHED)


def _list_access_figures(found: Measured) -> Iterator[Figure]:
    name = f"of {found['accounts']:,.0f} accounts, see records of others"
    yield Figure(name, f"{found['exposed proved']:.0f}", f"{found['exposed plain']:,.0f}")
    yield Figure("… if they saw the golden record", f"{found['exposed golden']:.0f}")
    attackers = found["attackers proved"]
    name = f"of {found['attackers']:.0f} attackers, see the customer whose name and address they typed"
    yield Figure(name, f"{attackers:.0f}", f"{found['attackers plain']:.0f}", None, "0", not attackers)
    yield Figure("… if they saw the golden record", f"{found['attackers golden']:.0f}")


def _list_name_figures(runs: Runs, records: int) -> Iterator[Figure]:
    """List what real names say of given names that differ by one letter, which open a review and join nothing."""
    right = wrong = 0.0
    for locale in LOCALES:
        found = runs.run_once("recognition.quality", records=records, seed=SEEDS[0], locale=locale)
        if not found:
            yield Figure("real names", "skipped: Faker is not installed")
            return
        right, wrong = right + found["similar right"], wrong + found["similar wrong"]
        value = f"{found['similar right']:,.0f} are one person, {found['similar wrong']:,.0f} two"
        precision = found["precision"]
        yield Figure(
            f"names of {locale}: precision", f"{precision:.5f}", "", None, f"{PRECISION}", precision >= PRECISION
        )
        yield Figure("… reviews of one letter", value)
        yield Figure("… two people whose names differ by one letter", f"{found['similar']:.2%}")
    yield Figure(
        "of all reviews of one letter, are one person (joining needs the goal)", f"{right / (right + wrong):.4f}"
    )
