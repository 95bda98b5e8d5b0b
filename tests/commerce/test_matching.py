"""Matching of listings to variants as a pure function (rule I1, rule I2)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.commerce.catalog.match_candidates import (
    Candidate,
    ListingSource,
    Matching,
    MatchReview,
    is_matchable_gtin,
)
from gateway.commerce.catalog.matching import MAX_SHARED_CODE, match_listings
from gateway.model.catalog import MatchEvidence

BOOK, MUG, IN_STORE = "09780201379624", "04006381333931", "02000000000008"


def build_candidate(id_: str, channel: str = "till", **fields: Any) -> Candidate:
    """Build a listing of a product of its own; ids are in order of age."""
    values: dict[str, Any] = {
        "source": (channel, id_),
        "live": True,
        "family": f"{channel} {id_}",
        "sku": None,
        "gtin": None,
        "key": None,
        "condition": "new",
        **fields,
    }
    return Candidate(id=id_, sku_key=values["sku"] and values["sku"].casefold(), **values)


def group_candidates(
    *candidates: Candidate,
    links: Mapping[ListingSource, ListingSource | None] | None = None,
    services: tuple[str, ...] = (),
) -> set[str]:
    """Return the groups, each as the concatenated ids of its members."""
    return {"".join(group) for group in match_listings(candidates, links or {}, services).groups}


def list_reviews(*candidates: Candidate) -> dict[str, str]:
    return {review.listing_id: review.reason for review in match_listings(candidates, {}, ()).reviews}


def test_the_same_sku_in_two_channels_is_one_thing_however_it_is_spelled() -> None:
    assert group_candidates(
        build_candidate("a", sku="MUG-1"),
        build_candidate("b", "web", sku="mug-1"),
        build_candidate("c", "web", sku="X"),
    ) == {
        "ab",
        "c",
    }


def test_the_same_gtin_is_one_thing_whatever_the_skus() -> None:
    assert group_candidates(
        build_candidate("a", sku="1", gtin=MUG), build_candidate("b", "web", sku="2", gtin=MUG)
    ) == {"ab"}


def test_a_gtin_is_stronger_than_a_sku() -> None:
    """Two things with one SKU: their GTINs distinguish them, and a listing without a GTIN belongs to neither."""
    candidates = (
        build_candidate("a", sku="1", gtin=MUG),
        build_candidate("b", "web", sku="1", gtin=BOOK),
        build_candidate("c", "market", sku="1"),
        build_candidate("d", "app", sku="9", gtin=MUG),
    )
    assert group_candidates(*candidates) == {"ad", "b", "c"}
    assert list_reviews(*candidates) == dict.fromkeys("abc", "SKU 1 is used for several GTINs")


@pytest.mark.parametrize(
    "gtin", [IN_STORE, "02900000000004", "00200000000000", "00400000000008", "00000000012345", "00000020000004"]
)
def test_an_in_store_gtin_never_matches(gtin: str) -> None:
    assert not is_matchable_gtin(gtin)
    assert group_candidates(build_candidate("a", gtin=gtin), build_candidate("b", "web", gtin=gtin)) == {"a", "b"}


def test_an_in_store_gtin_does_not_keep_a_sku_from_matching() -> None:
    assert group_candidates(
        build_candidate("a", sku="1", gtin=IN_STORE), build_candidate("b", "web", sku="1", gtin=MUG)
    ) == {"ab"}


def test_things_in_another_condition_never_match() -> None:
    for code in ({"sku": "1"}, {"gtin": MUG}, {"key": "k"}):
        assert group_candidates(
            build_candidate("a", **code), build_candidate("b", "web", condition="used", **code)
        ) == {"a", "b"}


def test_codes_of_services_never_match() -> None:
    assert group_candidates(
        build_candidate("a", sku="POST"), build_candidate("b", "web", sku="Post"), services=("post",)
    ) == {"a", "b"}


def test_spellings_that_one_channel_distinguishes_stay_distinct_everywhere() -> None:
    candidates = (
        build_candidate("a", sku="15056P"),
        build_candidate("b", sku="15056p"),
        build_candidate("c", "web", sku="15056p"),
        build_candidate("d", "market", sku="15056P"),
    )
    assert group_candidates(*candidates) == {"ad", "bc"}
    assert list_reviews(*candidates) == {}


def test_a_third_spelling_belongs_to_neither_and_is_doubted() -> None:
    candidates = (build_candidate("a", sku="ab"), build_candidate("b", sku="AB"), build_candidate("c", "web", sku="Ab"))
    assert group_candidates(*candidates) == {"a", "b", "c"}
    assert list(list_reviews(*candidates)) == ["c"]


def test_a_code_that_stands_for_several_variants_of_one_product_matches_none_of_them() -> None:
    """A channel that puts the code of the product on every variant."""
    for code in ({"sku": "1"}, {"gtin": MUG}):
        candidates = (
            build_candidate("a", family="shirt", **code),
            build_candidate("b", family="shirt", **code),
            build_candidate("c", "web", **code),
        )
        assert group_candidates(*candidates) == {"a", "b", "c"}
        assert set(list_reviews(*candidates)) == {"a", "b", "c"}


def test_two_products_of_one_channel_with_the_same_gtin_are_one_thing() -> None:
    assert group_candidates(build_candidate("a", gtin=MUG), build_candidate("b", gtin=MUG)) == {"ab"}


# ------------------------------------------------------------------------------------- one SKU on several products

SEVERAL = "SKU N/A is used for several products of one channel"


def test_products_of_one_channel_are_different_whatever_sku_they_share() -> None:
    candidates = [build_candidate(id_, sku="N/A", title=title) for id_, title in zip("abcd", TITLES, strict=True)]
    assert group_candidates(*candidates) == {"a", "b", "c", "d"}
    assert match_listings(candidates, {}, ()).reviews == [MatchReview("a", SEVERAL, ("b", "c", "d"))]


TITLES = ("Candle", "Mug", "Lamp", "Tee")


def test_another_channel_belongs_to_none_of_them_and_the_group_has_one_review() -> None:
    candidates = (
        build_candidate("a", sku="N/A"),
        build_candidate("b", sku="N/A"),
        build_candidate("c", "web", sku="n/a"),
    )
    assert group_candidates(*candidates) == {"a", "b", "c"}
    assert match_listings(candidates, {}, ()).reviews == [MatchReview("a", SEVERAL, ("b", "c"))]


def test_channels_with_one_product_each_still_match_when_a_third_copies_its_product() -> None:
    candidates = (
        build_candidate("a", sku="1"),
        build_candidate("b", sku="1"),
        build_candidate("c", "web", sku="1"),
        build_candidate("d", "app", sku="1"),
    )
    assert group_candidates(*candidates) == {"a", "b", "cd"}
    assert match_listings(candidates, {}, ()).reviews == [
        MatchReview("a", SEVERAL.replace("N/A", "1"), ("d", "b", "c"))
    ]


def test_gtins_that_leave_one_candidate_on_each_side_decide() -> None:
    copied = (
        build_candidate("a", sku="1", gtin=MUG),
        build_candidate("b", sku="1"),
        build_candidate("c", "web", sku="1", gtin=MUG),
        build_candidate("d", "web", sku="1"),
    )
    assert group_candidates(*copied) == {"ac", "bd"}
    assert list_reviews(*copied) == {}
    assert group_candidates(*copied, build_candidate("e", "web", sku="1")) == {"ac", "b", "d", "e"}


def test_a_pair_that_joins_two_gtins_over_a_third_channel_is_none() -> None:
    candidates = (
        build_candidate("a", sku="1"),
        build_candidate("b", sku="1", gtin=IN_STORE),
        build_candidate("c", "web", sku="1", gtin=MUG),
        build_candidate("d", "web", sku="1", gtin=BOOK),
        build_candidate("e", "app", sku="1"),
    )
    outcome = match_listings(candidates, {}, ())
    assert all(len(group) == 1 for group in outcome.groups)


def test_what_a_person_has_linked_of_such_a_group_leaves_a_review_of_the_others() -> None:
    candidates = [build_candidate(id_, sku="0") for id_ in "abc"] + [build_candidate("d", "web", sku="0")]
    links: dict[ListingSource, ListingSource | None] = {("web", "d"): ("till", "b")}
    outcome = match_listings(candidates, links, ())
    assert {"".join(group) for group in outcome.groups} == {"a", "bd", "c"}
    assert [(review.listing_id, review.candidates) for review in outcome.reviews] == [("a", ("b", "c"))]


def test_a_removed_product_follows_none_of_those_that_share_its_sku() -> None:
    gone = build_candidate("a", sku="N/A", title="Candle", live=False)
    others = [build_candidate(id_, sku="N/A", title=title) for id_, title in zip("bc", TITLES[1:3], strict=True)]
    assert group_candidates(gone, *others) == {"a", "b", "c"}


def test_a_key_of_the_policy_matches_where_codes_do_not() -> None:
    outcome = match_listings([build_candidate("a", key="k"), build_candidate("b", "web", key="k")], {}, ())
    assert outcome.groups == [("a", "b")]
    assert outcome.evidence == {"a": MatchEvidence.PLUGIN, "b": MatchEvidence.PLUGIN}


def test_the_strongest_evidence_is_reported() -> None:
    outcome = match_listings(
        [
            build_candidate("a", sku="1", gtin=MUG),
            build_candidate("b", "web", sku="1", gtin=MUG),
            build_candidate("c", sku="2"),
        ],
        {},
        (),
    )
    assert outcome.evidence == {"a": MatchEvidence.GTIN, "b": MatchEvidence.GTIN}


# ------------------------------------------------------------------------------------------------ manual decisions


def test_a_person_connects_what_nothing_else_connects() -> None:
    linked = {("web", "b"): ("till", "a")}
    assert group_candidates(build_candidate("a", sku="1"), build_candidate("b", "web", sku="2"), links=linked) == {"ab"}


def test_a_manual_link_is_stronger_than_every_code() -> None:
    candidates = (
        build_candidate("a", sku="1"),
        build_candidate("b", "web", sku="2", gtin=MUG),
        build_candidate("c", "app", sku="2", gtin=MUG),
    )
    assert group_candidates(*candidates, links={("web", "b"): ("till", "a")}) == {"ab", "c"}


def test_what_a_person_has_unlinked_stands_alone() -> None:
    assert group_candidates(
        build_candidate("a", sku="1"), build_candidate("b", "web", sku="1"), links={("web", "b"): None}
    ) == {"a", "b"}


def test_what_is_linked_to_something_unlinked_belongs_to_that_alone() -> None:
    candidates = (build_candidate("a", sku="1"), build_candidate("b", "web", sku="1"), build_candidate("c", "app"))
    assert group_candidates(*candidates, links={("web", "b"): None, ("app", "c"): ("web", "b")}) == {"a", "bc"}


def test_a_link_to_what_is_not_there_leaves_alone() -> None:
    candidates = (build_candidate("a", sku="1"), build_candidate("b", "web", sku="1"))
    assert group_candidates(*candidates, links={("web", "b"): ("market", "9")}) == {"a", "b"}
    assert group_candidates(*candidates, links={("web", "b"): ("web", "b")}) == {"a", "b"}


# ------------------------------------------------------------------------------------------------ removed listings


def test_what_is_listed_no_more_draws_no_edges_but_follows() -> None:
    dead = build_candidate("a", sku="1", live=False)
    assert group_candidates(dead, build_candidate("b", "web", sku="1"), build_candidate("c", "app", sku="2")) == {
        "ab",
        "c",
    }
    bridge = build_candidate("a", sku="1", gtin=MUG, live=False)
    assert group_candidates(bridge, build_candidate("b", "web", sku="1"), build_candidate("c", "app", gtin=MUG)) == {
        "ac",
        "b",
    }


def test_what_is_listed_no_more_follows_no_service() -> None:
    dead = build_candidate("a", sku="POST", live=False)
    assert group_candidates(dead, build_candidate("b", "web", sku="POST"), services=("post",)) == {"a", "b"}


def build_shared_code_candidates(count: int) -> list[Candidate]:
    return [build_candidate(f"{n:04}", f"channel {n}", sku="N/A") for n in range(count)]


def test_a_code_that_too_many_listings_share_is_no_evidence() -> None:
    assert len(match_listings(build_shared_code_candidates(MAX_SHARED_CODE), {}, ()).groups) == 1
    outcome = match_listings(build_shared_code_candidates(MAX_SHARED_CODE + 1), {}, ())
    assert len(outcome.groups) == MAX_SHARED_CODE + 1
    assert {review.reason for review in outcome.reviews} == {
        f"SKU n/a is shared by more than {MAX_SHARED_CODE} listings"
    }


def test_listings_of_other_channels_count_toward_the_limit_of_shared_codes() -> None:
    assert len(match_listings(build_shared_code_candidates(2), {}, (), {("sku_key", "n/a")}).groups) == 2


def test_listings_with_a_widely_shared_code_match_by_other_codes() -> None:
    outcome = match_listings(
        [
            *build_shared_code_candidates(MAX_SHARED_CODE),
            build_candidate("x", "web", sku="N/A", gtin=MUG),
            build_candidate("y", "app", gtin=MUG),
        ],
        {},
        (),
    )
    assert ("x", "y") in outcome.groups


def test_a_service_is_no_doubt_however_many_channels_have_it() -> None:
    assert match_listings(build_shared_code_candidates(MAX_SHARED_CODE + 1), {}, ("n/a",)).reviews == []


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
).map(lambda rows: [build_candidate("abcdefg"[n], **row) for n, row in enumerate(rows)])


def partition(outcome: Matching) -> set[frozenset[str]]:
    return {frozenset(group) for group in outcome.groups}


@given(candidates, st.randoms(use_true_random=False))
def test_the_order_in_which_listings_are_looked_at_does_not_matter(found: list[Candidate], random: Any) -> None:
    shuffled = random.sample(found, len(found))
    one, other = match_listings(found, {}, ()), match_listings(shuffled, {}, ())
    assert partition(one) == partition(other)
    assert one.evidence == other.evidence
    assert {(r.listing_id, r.reason) for r in one.reviews} == {(r.listing_id, r.reason) for r in other.reviews}


@given(candidates)
def test_every_listing_is_in_one_group_and_groups_never_mix_conditions_or_split_gtins(found: list[Candidate]) -> None:
    outcome = match_listings(found, {}, ())
    assert sorted(itertools.chain.from_iterable(outcome.groups)) == [candidate.id for candidate in found]
    by_id = {candidate.id: candidate for candidate in found}
    for group in outcome.groups:
        assert list(group) == sorted(group), "the oldest member leads"
        assert len({by_id[id_].condition for id_ in group if by_id[id_].live}) <= 1


@given(candidates)
def test_a_code_connects_at_most_one_gtin_by_itself(found: list[Candidate]) -> None:
    """Listings that only a SKU connects have at most one GTIN."""
    plain = [candidate for candidate in found if candidate.live and candidate.key is None and candidate.sku == "b"]
    for group in match_listings(plain, {}, ()).groups:
        gtins = {candidate.gtin for candidate in plain if candidate.id in group and is_matchable_gtin(candidate.gtin)}
        assert len(gtins) <= 1


@given(candidates)
def test_a_sku_never_joins_two_products_of_one_channel(found: list[Candidate]) -> None:
    by_sku = [replace(candidate, gtin=None, key=None) for candidate in found if candidate.live]
    for group in match_listings(by_sku, {}, ()).groups:
        channels = [candidate.source[0] for candidate in by_sku if candidate.id in group]
        assert len(channels) == len(set(channels))


def test_what_is_decided_does_not_depend_on_age_but_for_the_name() -> None:
    values = [{"sku": "1"}, {"channel": "web", "sku": "1", "gtin": MUG}, {"channel": "app", "gtin": MUG}]
    for order in itertools.permutations(values):
        assert group_candidates(*(build_candidate("abc"[n], **value) for n, value in enumerate(order))) == {"abc"}


def test_of_listings_of_one_sku_the_one_with_a_gtin_of_its_own_is_doubted() -> None:
    candidates = (
        build_candidate("a", sku="1", gtin=MUG),
        build_candidate("b", "web", sku="1", gtin=MUG),
        build_candidate("c", "market", sku="1", gtin=BOOK),
    )
    assert group_candidates(*candidates) == {"ab", "c"}
    assert list_reviews(*candidates) == {"c": "SKU 1 is used for several GTINs"}
