"""What clients could learn that does not concern them: from cursors, counts, suggestions and shared keys."""

from __future__ import annotations

import base64
import timeit
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution.cursor_sealing import CursorSealer
from gateway.execution.errors import BadUserInputError
from gateway.graphql.cursors import ListCursors
from gateway.http.rate_limit.limiter import WINDOW_SECONDS, RateLimitStatus
from tests.abuse.clients import connect_from
from tests.graphql.mutation_documents import build_document
from tests.graphql.shopper import TABLES, build_stores
from tests.graphql.world import (
    ADMIN,
    PRODUCTION,
    STAFF,
    World,
    build_global_id,
    get_schema,
    open_small_world,
    open_world,
)

NOW = datetime(2025, 1, 6, 12, tzinfo=UTC)
PAGE = "query ($after: String) { products(first: 1, after: $after) { nodes { title } pageInfo { endCursor } } }"
COUNTS = """query ($id: ID!) { customer(id: $id) {
  displayName orders { totalCount pageInfo { endCursor } edges { cursor } } carts { pageInfo { endCursor } } } }"""

positions = st.tuples(st.one_of(st.none(), st.integers(-(2**63) + 1, 2**63 - 1)), st.text(alphabet="abc123.-"))


@pytest.fixture(scope="module")
async def public(shared_database_url: str) -> AsyncIterator[World]:
    async with open_small_world(shared_database_url, **PRODUCTION) as world:
        yield world


# ------------------------------------------------------------------------------------------------ cursors


def build_cursors(*secrets: bytes, until: datetime | None = None, fingerprint: str = "list") -> ListCursors:
    return ListCursors(CursorSealer(secrets or (b"secret",), until), fingerprint, NOW)


def encode_readable(*parts: Any) -> str:
    """Encode a cursor as earlier versions did."""
    import json

    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).rstrip(b"=").decode()


@given(positions)
def test_a_cursor_says_where_it_is_to_the_gateway_only(position: tuple[int | None, str]) -> None:
    cursor = build_cursors().encode(position)
    assert build_cursors().decode(cursor, int) == position
    assert cursor == build_cursors().encode(position), "equal responses have equal ETags"
    with pytest.raises(BadUserInputError):
        build_cursors(b"other").decode(cursor, int)


@given(positions, st.data())
def test_a_changed_cursor_is_no_cursor(position: tuple[int | None, str], data: st.DataObject) -> None:
    cursor = build_cursors().encode(position)
    index = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_").filter(lambda letter: letter != cursor[index]))
    with pytest.raises(BadUserInputError):
        build_cursors().decode(cursor[:index] + other + cursor[index + 1 :], int)


def test_a_cursor_says_nothing_readable() -> None:
    cursor = build_cursors().encode((1_234_567, "handle-of-a-product"))
    padded = cursor[1:] + "=" * (-len(cursor[1:]) % 4)
    decoded = base64.urlsafe_b64decode(padded)
    assert b"1234567" not in decoded and b"handle" not in decoded and b"list" not in decoded


def test_the_proof_that_cursors_of_earlier_versions_could_be_read() -> None:
    assert b"1234567" in base64.urlsafe_b64decode(encode_readable("list", 1_234_567, "handle") + "==")


def test_a_cursor_of_a_replaced_secret_is_read() -> None:
    cursor = build_cursors(b"old").encode((1, "a"))
    assert build_cursors(b"new", b"old").decode(cursor, int) == (1, "a")


def test_cursors_of_earlier_versions_are_read_for_a_while() -> None:
    cursor = encode_readable("list", 1, "a")
    assert build_cursors(until=NOW + timedelta(days=1)).decode(cursor, int) == (1, "a")
    for until in (None, NOW):
        with pytest.raises(BadUserInputError):
            build_cursors(until=until).decode(cursor, int)


def test_a_cursor_takes_at_most_five_microseconds_to_seal() -> None:
    sealer, text = CursorSealer((b"secret",)), b'["0123456789abcdef01",1234567,"0123456789abcdef0123456789abcdef"]'
    seconds = min(timeit.repeat(lambda: sealer.seal(text), number=2_000, repeat=5)) / 2_000
    print(f"sealing a cursor takes {seconds * 1e6:.2f} µs")
    assert seconds < 20e-6, "5 µs on an idle machine"


@pytest.mark.anyio
@pytest.mark.any_database
async def test_pages_continue_with_sealed_cursors(public: World) -> None:
    titles, after = [], None
    while True:
        page = (await public.client.fetch_data(PAGE, after=after))["products"]
        titles += [node["title"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if after is None:
            break
    assert len(titles) == len(set(titles)) > 3


# ------------------------------------------------------------------------------------------------ counts


@pytest.mark.anyio
@pytest.mark.any_database
async def test_who_may_not_read_orders_cannot_count_those_of_a_customer(database_url: str) -> None:
    tokens = {
        "desk": {"token": "desk-secret", "scopes": ["customers:read"]},
        "admin": {"token": ADMIN, "kind": "ADMIN", "scopes": ["*"]},
    }
    async with open_small_world(database_url, tokens=tokens) as world:
        found = await world.client.fetch_data("{ customers(first: 1) { nodes { id } } }", ADMIN)
        (customer,) = found["customers"]["nodes"]
        answer = await world.client.ask(COUNTS, "desk-secret", id=customer["id"])
        assert answer.codes == ["FORBIDDEN"] * 2
        assert [answer.body["data"]["customer"][name] for name in ("orders", "carts")] == [None, None]
        assert (await world.client.ask(COUNTS, ADMIN, id=customer["id"])).codes == []


def test_every_guarded_type_shows_its_scopes() -> None:
    for name, named in get_schema().type_map.items():
        definition = named.extensions.get("strawberry-definition") if named.extensions else None
        scopes = getattr(getattr(definition, "origin", None), "__scopes__", ())
        shown = [type(directive).__name__ for directive in getattr(definition, "directives", None) or ()]
        assert bool(scopes) == ("RequiresScopes" in shown), name


# ------------------------------------------------------------------------------------------------ suggestions and ids

TYPOS = (
    "{ produkts { totalCount } }",
    "{ products }",
    "{ products(frist: 1) { totalCount } }",
    "{ products(sort: { key: TITEL }) { totalCount } }",
    "{ viewer { ...on Viewr { kind } } }",
    "query ($sort: ProduktSort) { products(sort: $sort) { totalCount } }",
    "{ products(filter: { brand: 1 }) { totalCount } }",
)


@pytest.mark.anyio
@pytest.mark.any_database
async def test_in_production_no_error_suggests_names_of_the_schema(public: World) -> None:
    for token, suggests in ((None, False), (STAFF, False), (ADMIN, True)):
        for query in TYPOS:
            answer = await public.client.ask(query, token)
            messages = " ".join(error["message"] for error in answer.body["errors"])
            assert ("Did you mean" in messages) is suggests, query


@pytest.mark.anyio
@pytest.mark.any_database
async def test_a_bad_id_names_its_argument_and_value(public: World) -> None:
    for query, variables, expected in (
        ("query ($id: ID!) { node(id: $id) { id } }", {"id": "x"}, "id: 'x' is not an ID."),
        ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["x"]}, "ids.0: 'x' is not an ID."),
        (
            "query ($id: ID!) { product(by: { id: $id }) { id } }",
            {"id": build_global_id("Order", "0" * 32)},
            f"by.id: '{build_global_id('Order', '0' * 32)}' is not an ID of the type Product.",
        ),
    ):
        answer = await public.client.ask(query, **variables)
        assert [error["message"] for error in answer.body["errors"]] == [expected]
    long = await public.client.ask("query ($id: ID!) { node(id: $id) { id } }", id="y" * 5_000)
    assert len(long.body["errors"][0]["message"]) < 200


# ------------------------------------------------------------------------------------------------ http


@given(st.integers(0, 10_000))
def test_the_rate_limit_header_never_looks_beyond_its_window(reset: int) -> None:
    shown = RateLimitStatus("anonymous", 1, 0, reset).headers["ratelimit"]
    assert int(shown.rpartition("t=")[2]) <= WINDOW_SECONDS


CREATE = {"channelKey": "web", "lines": []}


async def create_cart(world: World, address: str, key: str) -> str:
    async with connect_from(world, address) as client:
        answer = await client.ask(build_document("cartCreate"), input={**CREATE, "idempotencyKey": key})
    token: str = answer.data["cartCreate"]["cart"]["token"]
    return token


@pytest.mark.anyio
@pytest.mark.any_database
async def test_clients_of_different_networks_do_not_share_a_cart_by_its_key(database_url: str) -> None:
    async with open_world(database_url, build_stores(), **TABLES) as world:
        key = str(uuid4())
        mine = await create_cart(world, "192.0.2.1", key)
        assert await create_cart(world, "192.0.2.99", key) == mine, "a retry from the same network"
        assert await create_cart(world, "198.51.100.1", key) != mine
