"""I1, I2: which listings are one thing, as a pure function."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.matching import CROWD, Candidate, Matching, Place, match, matchable_gtin
from gateway.model.catalog import MatchEvidence

BOOK, MUG, IN_STORE = "09780201379624", "04006381333931", "02000000000008"


def listing(id_: str, channel: str = "till", **fields: Any) -> Candidate:
    """A listing of a product of its own; ids in order of age."""
    values: dict[str, Any] = {
        "place": (channel, id_),
        "live": True,
        "family": f"{channel} {id_}",
        "sku": None,
        "gtin": None,
        "key": None,
        "condition": "new",
        **fields,
    }
    return Candidate(id=id_, sku_key=values["sku"] and values["sku"].casefold(), **values)


def groups(
    *candidates: Candidate, links: Mapping[Place, Place | None] | None = None, services: tuple[str, ...] = ()
) -> set[str]:
    """The groups, each as its members' ids, one after the other."""
    return {"".join(group) for group in match(candidates, links or {}, services).groups}


def doubted(*candidates: Candidate) -> dict[str, str]:
    return {review.listing_id: review.reason for review in match(candidates, {}, ()).reviews}


def test_the_same_sku_in_two_channels_is_one_thing_however_it_is_spelled() -> None:
    assert groups(listing("a", sku="MUG-1"), listing("b", "web", sku="mug-1"), listing("c", "web", sku="X")) == {
        "ab",
        "c",
    }


def test_the_same_gtin_is_one_thing_whatever_the_skus() -> None:
    assert groups(listing("a", sku="1", gtin=MUG), listing("b", "web", sku="2", gtin=MUG)) == {"ab"}


def test_a_gtin_is_stronger_than_a_sku() -> None:
    """Two things under one SKU: the GTINs tell them apart, and who has none belongs to neither."""
    candidates = (
        listing("a", sku="1", gtin=MUG),
        listing("b", "web", sku="1", gtin=BOOK),
        listing("c", "market", sku="1"),
        listing("d", "app", sku="9", gtin=MUG),
    )
    assert groups(*candidates) == {"ad", "b", "c"}
    assert doubted(*candidates) == dict.fromkeys("abc", "SKU 1 stands for several GTINs")


@pytest.mark.parametrize("gtin", [IN_STORE, "02900000000004", "00200000000000", "00400000000008"])
def test_an_in_store_gtin_never_matches(gtin: str) -> None:
    assert not matchable_gtin(gtin)
    assert groups(listing("a", gtin=gtin), listing("b", "web", gtin=gtin)) == {"a", "b"}


def test_an_in_store_gtin_does_not_keep_a_sku_from_matching() -> None:
    assert groups(listing("a", sku="1", gtin=IN_STORE), listing("b", "web", sku="1", gtin=MUG)) == {"ab"}


def test_things_in_another_condition_never_match() -> None:
    for code in ({"sku": "1"}, {"gtin": MUG}, {"key": "k"}):
        assert groups(listing("a", **code), listing("b", "web", condition="used", **code)) == {"a", "b"}


def test_codes_of_services_never_match() -> None:
    assert groups(listing("a", sku="POST"), listing("b", "web", sku="Post"), services=("post",)) == {"a", "b"}


def test_spellings_that_one_channel_tells_apart_stay_apart_everywhere() -> None:
    candidates = (
        listing("a", sku="15056P"),
        listing("b", sku="15056p"),
        listing("c", "web", sku="15056p"),
        listing("d", "market", sku="15056P"),
    )
    assert groups(*candidates) == {"ad", "bc"}
    assert doubted(*candidates) == {}


def test_a_third_spelling_belongs_to_neither_and_is_doubted() -> None:
    candidates = (listing("a", sku="ab"), listing("b", sku="AB"), listing("c", "web", sku="Ab"))
    assert groups(*candidates) == {"a", "b", "c"}
    assert list(doubted(*candidates)) == ["c"]


def test_a_code_that_stands_for_several_variants_of_one_product_matches_nobody() -> None:
    """A channel that puts the product's code on every variant."""
    for code in ({"sku": "1"}, {"gtin": MUG}):
        candidates = (
            listing("a", family="shirt", **code),
            listing("b", family="shirt", **code),
            listing("c", "web", **code),
        )
        assert groups(*candidates) == {"a", "b", "c"}
        assert set(doubted(*candidates)) == {"a", "b", "c"}


def test_two_products_of_one_channel_with_the_same_code_are_one_thing() -> None:
    assert groups(listing("a", sku="1"), listing("b", sku="1")) == {"ab"}


def test_a_key_of_the_policy_matches_where_codes_do_not() -> None:
    outcome = match([listing("a", key="k"), listing("b", "web", key="k")], {}, ())
    assert outcome.groups == [("a", "b")]
    assert outcome.evidence == {"a": MatchEvidence.PLUGIN, "b": MatchEvidence.PLUGIN}


def test_the_strongest_evidence_is_told() -> None:
    outcome = match(
        [listing("a", sku="1", gtin=MUG), listing("b", "web", sku="1", gtin=MUG), listing("c", sku="2")], {}, ()
    )
    assert outcome.evidence == {"a": MatchEvidence.GTIN, "b": MatchEvidence.GTIN}


# ------------------------------------------------------------------------------------------------ what people decide


def test_a_person_connects_what_nothing_else_connects() -> None:
    linked = {("web", "b"): ("till", "a")}
    assert groups(listing("a", sku="1"), listing("b", "web", sku="2"), links=linked) == {"ab"}


def test_a_manual_link_is_stronger_than_every_code() -> None:
    candidates = (listing("a", sku="1"), listing("b", "web", sku="2", gtin=MUG), listing("c", "app", sku="2", gtin=MUG))
    assert groups(*candidates, links={("web", "b"): ("till", "a")}) == {"ab", "c"}


def test_what_a_person_has_unlinked_stands_alone() -> None:
    assert groups(listing("a", sku="1"), listing("b", "web", sku="1"), links={("web", "b"): None}) == {"a", "b"}


def test_what_is_linked_to_something_unlinked_belongs_to_that_alone() -> None:
    candidates = (listing("a", sku="1"), listing("b", "web", sku="1"), listing("c", "app"))
    assert groups(*candidates, links={("web", "b"): None, ("app", "c"): ("web", "b")}) == {"a", "bc"}


def test_a_link_to_what_is_not_there_leaves_alone() -> None:
    candidates = (listing("a", sku="1"), listing("b", "web", sku="1"))
    assert groups(*candidates, links={("web", "b"): ("market", "9")}) == {"a", "b"}
    assert groups(*candidates, links={("web", "b"): ("web", "b")}) == {"a", "b"}


# ------------------------------------------------------------------------------------------------ the dead, and crowds


def test_what_is_listed_no_more_draws_no_edges_but_follows() -> None:
    dead = listing("a", sku="1", live=False)
    assert groups(dead, listing("b", "web", sku="1"), listing("c", "app", sku="2")) == {"ab", "c"}
    bridge = listing("a", sku="1", gtin=MUG, live=False)
    assert groups(bridge, listing("b", "web", sku="1"), listing("c", "app", gtin=MUG)) == {"ac", "b"}


def test_what_is_listed_no_more_follows_no_service() -> None:
    dead = listing("a", sku="POST", live=False)
    assert groups(dead, listing("b", "web", sku="POST"), services=("post",)) == {"a", "b"}


def crowd(count: int) -> list[Candidate]:
    return [listing(f"{n:04}", sku="N/A") for n in range(count)]


def test_a_code_that_a_crowd_carries_tells_nothing() -> None:
    assert len(match(crowd(CROWD), {}, ()).groups) == 1
    outcome = match(crowd(CROWD + 1), {}, ())
    assert len(outcome.groups) == CROWD + 1
    assert {review.reason for review in outcome.reviews} == {f"SKU n/a stands for more than {CROWD} listings"}


def test_a_crowd_that_is_elsewhere_counts_too() -> None:
    assert len(match(crowd(2), {}, (), {("sku_key", "n/a")}).groups) == 2


def test_members_of_a_crowd_match_by_other_codes() -> None:
    outcome = match([*crowd(CROWD), listing("x", "web", sku="N/A", gtin=MUG), listing("y", "app", gtin=MUG)], {}, ())
    assert ("x", "y") in outcome.groups


def test_a_service_is_no_doubt_however_many_channels_have_it() -> None:
    assert match(crowd(CROWD + 1), {}, ("n/a",)).reviews == []


# ------------------------------------------------------------------------------------------------ properties

candidates = st.lists(
    st.builds(
        lambda channel, family, sku, gtin, key, condition, live: {
            "channel": channel,
            "family": f"{channel} {family}",
            "sku": sku,
            "gtin": gtin,
            "key": key,
            "condition": condition,
            "live": live,
        },
        st.sampled_from(["till", "web", "app"]),
        st.integers(0, 3),
        st.sampled_from([None, "a", "A", "b"]),
        st.sampled_from([None, BOOK, MUG, IN_STORE]),
        st.sampled_from([None, None, "k"]),
        st.sampled_from(["new", "new", "used"]),
        st.booleans(),
    ),
    max_size=7,
).map(lambda rows: [listing("abcdefg"[n], **row) for n, row in enumerate(rows)])


def partition(outcome: Matching) -> set[frozenset[str]]:
    return {frozenset(group) for group in outcome.groups}


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_in_which_listings_are_looked_at_does_not_matter(found: list[Candidate], random: Any) -> None:
    shuffled = random.sample(found, len(found))
    one, other = match(found, {}, ()), match(shuffled, {}, ())
    assert partition(one) == partition(other)
    assert one.evidence == other.evidence
    assert {(r.listing_id, r.reason) for r in one.reviews} == {(r.listing_id, r.reason) for r in other.reviews}


@given(candidates)
def test_every_listing_is_in_one_group_and_groups_never_mix_conditions_or_split_gtins(found: list[Candidate]) -> None:
    outcome = match(found, {}, ())
    assert sorted(itertools.chain.from_iterable(outcome.groups)) == [candidate.id for candidate in found]
    by_id = {candidate.id: candidate for candidate in found}
    for group in outcome.groups:
        assert list(group) == sorted(group), "the oldest member leads"
        assert len({by_id[id_].condition for id_ in group if by_id[id_].live}) <= 1


@given(candidates)
def test_a_code_connects_at_most_one_gtin_by_itself(found: list[Candidate]) -> None:
    """Where nothing but a SKU connects listings, they carry at most one GTIN."""
    plain = [candidate for candidate in found if candidate.live and candidate.key is None and candidate.sku == "b"]
    for group in match(plain, {}, ()).groups:
        gtins = {candidate.gtin for candidate in plain if candidate.id in group and matchable_gtin(candidate.gtin)}
        assert len(gtins) <= 1


def test_what_is_decided_does_not_depend_on_age_but_for_the_name() -> None:
    values = [{"sku": "1"}, {"channel": "web", "sku": "1", "gtin": MUG}, {"channel": "app", "gtin": MUG}]
    for order in itertools.permutations(values):
        assert groups(*(listing("abc"[n], **value) for n, value in enumerate(order))) == {"abc"}


def test_of_listings_of_one_sku_the_one_with_a_gtin_of_its_own_is_doubted() -> None:
    candidates = (
        listing("a", sku="1", gtin=MUG),
        listing("b", "web", sku="1", gtin=MUG),
        listing("c", "market", sku="1", gtin=BOOK),
    )
    assert groups(*candidates) == {"ab", "c"}
    assert doubted(*candidates) == {"c": "SKU 1 stands for several GTINs"}
