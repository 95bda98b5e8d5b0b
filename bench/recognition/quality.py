"""How well customers are recognized: against the truth of a generated population, and against a plain union."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bench.recognition.names import NameList, load_real_names
from bench.recognition.population import LOGINS, Population, PopulationGenerator, Shares
from gateway.commerce.customers.recognition.blocks import split_into_blocks
from gateway.commerce.customers.recognition.given_names import are_similar
from gateway.commerce.customers.recognition.groups import Groups
from gateway.commerce.customers.recognition.partition import find_void_values, recognize
from gateway.commerce.customers.recognition.suggestions import SIMILAR_NAMES
from gateway.model.customers.recognition import EvidenceKey, EvidenceKind, IdentityFacts, Partition, RecognitionRules

RULES = RecognitionRules()


async def measure(*, records: int, seed: int, locale: str | None = None) -> dict[str, float]:
    """Measure recognition of a population. `locale`: its names are real ones, if they are installed."""
    names = load_real_names(locale) if locale is not None else None
    if locale is not None and names is None:
        return {}
    population = PopulationGenerator(records, seed, Shares(), names).generate()
    void = find_void_values(population.identities)
    begun = time.perf_counter()
    found = recognize(population.identities, (), void, RULES)
    seconds = time.perf_counter() - begun
    return {
        "rate": len(population.identities) / seconds,
        "same": float(_is_same_in_another_order(population, found)),
        **describe_population(population),
        **_score(population, found),
        **_measure_touched(population, void),
        **_count_exposed(population, found),
        **_judge_similar_names(population, found),
        "plain precision": _score_plain(population),
        "similar": 0.0 if names is None else compute_similar_share(names),
    }


def describe_population(population: Population) -> dict[str, float]:
    """Describe what the population holds: its people, and what makes it hard."""
    mailboxes, names = _index(population, EvidenceKind.EMAIL), dict[str, set[str]]()
    by_id = {facts.id: facts for facts in population.identities}
    for value, ids in mailboxes.items():
        names[value] = {name for id_ in ids if (name := by_id[id_].given_name) and len(name) > 1}
    shared = [value for value, found in names.items() if 1 < len(found) <= 4]
    numbers = _index(population, EvidenceKind.MOBILE)
    shared_numbers = [value for value, ids in numbers.items() if len({population.people[id_] for id_ in ids}) > 1]
    return {
        "people": len(set(population.people.values())),
        "shared mailboxes": len(shared) / len(mailboxes),
        "numbers of several people": len(shared_numbers) / len(numbers),
        "records without a name": sum(facts.given_name is None for facts in by_id.values()) / len(by_id),
        "largest value": max(len(ids) for ids in _index(population, EvidenceKind.LANDLINE).values()),
    }


def _index(population: Population, kind: EvidenceKind) -> Mapping[str, list[str]]:
    ids: dict[str, list[str]] = defaultdict(list)
    for facts in population.identities:
        for evidence in facts.evidence:
            if evidence.kind is kind:
                ids[evidence.value].append(facts.id)
    return ids


def _is_same_in_another_order(population: Population, found: Partition) -> bool:
    shuffled = list(population.identities)
    random.Random(3).shuffle(shuffled)
    return recognize(shuffled, (), find_void_values(shuffled), RULES) == found


def _score(population: Population, found: Partition) -> dict[str, float]:
    right, wrong = count_pairs(population.people, found.groups)
    admissible, _ = count_pairs(population.people, find_admissible(population))
    any_value, _ = count_pairs(population.people, _unite(_isolate_people(population)).list_roots())
    return {
        "precision": right / (right + wrong),
        "recall": right / admissible,
        "recall of any value": right / any_value,
        "wrong": wrong,
        "reviews": len(found.suggestions),
    }


def count_pairs(people: Mapping[str, int], groups: Mapping[str, str]) -> tuple[int, int]:
    """Count the pairs of records that are in one group: of one person, and of two."""
    members: dict[str, list[int]] = defaultdict(list)
    for id_, root in groups.items():
        members[root].append(people[id_])
    right = sum(count * (count - 1) // 2 for group in members.values() for count in Counter(group).values())
    return right, sum(len(group) * (len(group) - 1) // 2 for group in members.values()) - right


def find_admissible(population: Population) -> Mapping[str, str]:
    """Recognize records as if no value were another person's too: what the evidence that the rule admits could show."""
    return recognize(_isolate_people(population).identities, (), frozenset(), RULES).groups


def _isolate_people(population: Population) -> Population:
    """Return the records with values that are no other person's."""
    own = [_isolate(facts, population.people[facts.id]) for facts in population.identities]
    return replace(population, identities=own)


def _isolate(facts: IdentityFacts, person: int) -> IdentityFacts:
    return replace(facts, evidence=tuple(replace(one, value=f"{one.value} {person}") for one in facts.evidence))


def _score_plain(population: Population) -> float:
    """The precision of a union of all records with an equal value."""
    right, wrong = count_pairs(population.people, _unite(population).list_roots())
    return right / (right + wrong)


def _unite(population: Population) -> Groups:
    groups, first = Groups(facts.id for facts in population.identities), dict[EvidenceKey, str]()
    for facts in population.identities:
        for evidence in facts.evidence:
            groups.join(first.setdefault(evidence.key, facts.id), facts.id)
    return groups


def _measure_touched(population: Population, void: Iterable[EvidenceKey]) -> dict[str, float]:
    """Measure the blocks of changed records: how many records one change looks at."""
    blocks = split_into_blocks(population.identities, (), frozenset(void))
    sizes = sorted(len(block) for block in blocks for _ in block)
    plain = sorted(len(members) for members in _unite(population).list_members().values() for _ in members)
    return {
        "touched p50": sizes[len(sizes) // 2],
        "touched p99": sizes[len(sizes) * 99 // 100],
        "touched max": sizes[-1],
        "plain touched max": plain[-1],
    }


def _count_exposed(population: Population, found: Partition) -> dict[str, float]:
    """Count the accounts that would see records of other people."""
    accounts = [facts.id for facts in population.identities if facts.channel in LOGINS]
    return {
        "accounts": len(accounts),
        "exposed proved": len(_find_mixed(population, found.proved, accounts)),
        "exposed golden": len(_find_mixed(population, found.groups, accounts)),
        "exposed plain": len(_find_mixed(population, _unite(population).list_roots(), accounts)),
        "attackers": len(population.attackers),
        "attackers proved": len(_find_mixed(population, found.proved, population.attackers)),
        "attackers golden": len(_find_mixed(population, found.groups, population.attackers)),
        "attackers plain": len(_find_mixed(population, _unite(population).list_roots(), population.attackers)),
    }


def _find_mixed(population: Population, groups: Mapping[str, str], ids: Sequence[str]) -> list[str]:
    people: dict[str, set[int]] = defaultdict(set)
    for id_, root in groups.items():
        people[root].add(population.people[id_])
    return [id_ for id_ in ids if len(people[groups[id_]]) > 1]


def _judge_similar_names(population: Population, found: Partition) -> dict[str, float]:
    """Judge the reviews of given names that differ by one letter: what a tolerance would join, rightly or not."""
    people = [
        {population.people[ids[0]] for ids in suggestion.identities}
        for suggestion in found.suggestions
        if suggestion.reason == SIMILAR_NAMES
    ]
    return {"similar right": sum(len(one) == 1 for one in people), "similar wrong": sum(len(one) > 1 for one in people)}


def compute_similar_share(names: NameList) -> float:
    """Compute how often two people with different given names have names that differ by one letter."""
    weighted = sorted(zip(names.given, names.given_weights, strict=True), key=lambda item: -item[1])[:1_000]
    pairs = [(one, other) for at, one in enumerate(weighted) for other in weighted[:at]]
    similar = sum(one[1] * other[1] for one, other in pairs if are_similar(one[0], other[0]))
    return similar / sum(one[1] * other[1] for one, other in pairs)
