from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.ids import (
    GlobalId,
    InvalidIdError,
    derive_id,
    generate_id,
    is_derived,
    is_row_id,
    read_time,
    swap_product_and_listing,
)

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_ids_made_later_sort_later() -> None:
    made = [generate_id(NOW + timedelta(milliseconds=step)) for step in range(100)]
    assert made == sorted(made)
    assert all(is_row_id(id_) for id_ in made)


def test_an_id_says_that_it_is_a_uuid_of_version_7() -> None:
    assert {generate_id(NOW)[12] for _ in range(50)} == {"7"}
    assert {generate_id(NOW)[16] for _ in range(50)} <= set("89ab")


def test_ids_of_one_moment_differ() -> None:
    assert len({generate_id(NOW) for _ in range(10_000)}) == 10_000


@given(
    st.sampled_from(["Product", "Stock", "Order"]),
    st.lists(st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True), min_size=1),
)
def test_a_global_id_is_read_back(kind: str, parts: list[str]) -> None:
    made = GlobalId(kind, tuple(parts))
    assert GlobalId.parse(str(made)) == made


@given(st.text())
def test_no_text_breaks_the_reading_of_ids(text: str) -> None:
    with contextlib.suppress(InvalidIdError):
        assert str(GlobalId.parse(text)) == text


@pytest.mark.parametrize(
    "forged", ["", "=", "UHJvZHVjdA", "UHJvZHVjdDo", "cHJvZHVjdDp4", "UHJvZHVjdDp4==", " UHJvZHVjdDp4", "é", "A" * 1000]
)
def test_what_was_not_made_here_is_no_id(forged: str) -> None:
    with pytest.raises(InvalidIdError):
        GlobalId.parse(forged)


def test_a_derived_id_is_the_same_for_ever() -> None:
    """The ids that clients have stored stand for these parts in every database, of every version."""
    assert derive_id("product", "web", "gid://shop/Product/1", 1) == "b478f6f4bc55856284aa18042f3cb543"
    assert derive_id("listing", "web", "é", 2) == "dfba173da4478512b07237187286fb5e"


@given(
    st.lists(st.tuples(st.sampled_from(["product", "listing"]), st.text(), st.text(), st.integers(1, 3)), unique=True)
)
def test_derived_ids_of_different_things_differ(things: list[tuple[str, str, str, int]]) -> None:
    made = [derive_id(*thing) for thing in things]
    named = [swap_product_and_listing(id_) for id_ in made]
    assert len({*made, *named}) == 2 * len(made), "a product that is named after a listing has an id of its own"
    assert all(is_derived(id_) and id_[16] in "89ab" and read_time(id_) is None for id_ in (*made, *named))
    assert [swap_product_and_listing(id_) for id_ in named] == made


def test_a_generated_id_says_when_it_was_made() -> None:
    assert read_time(generate_id(NOW)) == NOW
    assert not is_derived(generate_id(NOW))
