"""Texts of products by language and channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from tests.gateways import stop_caches
from tests.graphql.test_media import list_warnings, show_product
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import ADMIN, World, open_world

pytestmark = pytest.mark.anyio

CONTENT = """query ($locale: Locale, $channel: String) { products(first: 1) { nodes { title
  content(locale: $locale, channelKey: $channel) { locale title description descriptionHtml seo { title description } }
} } }"""
CHANNELS = {"till": {"locales": ["en-GB"]}, "web": {"locales": ["de-de", "fr"]}}
TRANSLATIONS = [
    {"locale": "fr", "title": "Tasse", "html": "<p>Une <b>tasse</b><script>alert(1)</script></p>"},
    {"locale": "de-AT", "title": "Häferl"},
    {"locale": "en", "title": "Mug", "description": "A mug", "seo_title": "Buy a mug"},
]


def build_mug(**more: Any) -> MemoryStore:
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", gtin="04006381333931", **more))
    return store


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    """A web store whose own texts are German, and a till with English ones."""
    html = '<p>Eine <i onclick="alert(1)">Tasse</i></p><p>Für Tee</p>'
    stores = {
        "web": build_mug(title="Becher", description_html=html, seo_description="Kauf", translations=TRANSLATIONS),
        "till": build_mug(title="MUG WHT", description="White\n\n<mug> & more"),
    }
    async with open_world(database_url, stores, channels=CHANNELS) as world:
        yield world


async def show_content(world: World, locale: str | None = None, channel: str | None = None) -> Any:
    return (await show_product(world, CONTENT, locale=locale, channel=channel))["content"]


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("locale", "channel", "expected"),
    [
        (None, None, ("de-DE", "Becher")),
        ("de-DE", None, ("de-DE", "Becher")),
        ("DE_de", None, ("de-DE", "Becher")),
        ("de-AT", None, ("de-AT", "Häferl")),
        ("fr-CA", None, ("fr", "Tasse")),
        ("en-GB", None, ("en-GB", "MUG WHT")),
        ("en-US", None, ("en", "Mug")),
        ("en-GB", "web", ("en", "Mug")),
        ("fr", "till", ("en-GB", "MUG WHT")),
        ("xx-YY", None, ("de-DE", "Becher")),
        (None, "till", ("en-GB", "MUG WHT")),
    ],
)
async def test_texts_are_in_the_nearest_language_that_there_is(
    own_world: World, locale: str | None, channel: str | None, expected: tuple[str, str]
) -> None:
    content = await show_content(own_world, locale, channel)
    assert (content["locale"], content["title"]) == expected


async def test_html_is_sanitized_and_search_engines_get_texts_in_any_case(own_world: World) -> None:
    own, french = await show_content(own_world), await show_content(own_world, "fr")
    assert own["descriptionHtml"] == "<p>Eine <i>Tasse</i></p><p>Für Tee</p>"
    assert own["description"] == "Eine Tasse\nFür Tee"
    assert own["seo"] == {"title": "Becher", "description": "Kauf"}
    assert french["descriptionHtml"] == "<p>Une <b>tasse</b></p>"
    assert french["seo"] == {"title": "Tasse", "description": "Une tasse"}
    austrian = await show_content(own_world, "de-AT")
    assert austrian["description"] == own["description"], "what is not translated is as in the channel's own language"
    till = await show_content(own_world, None, "till")
    assert till["descriptionHtml"] == "<p>White</p><p>&lt;mug&gt; &amp; more</p>"
    english = await show_content(own_world, "en")
    assert english["seo"] == {"title": "Buy a mug", "description": "A mug"}


@pytest.mark.parametrize("locale", ["", "x", "de_", "de--CH", "<script>", "de" * 30, "d€"])
async def test_what_is_no_language_tag_is_an_error_of_the_client(own_world: World, locale: str) -> None:
    assert (await own_world.client.ask(CONTENT, locale=locale)).codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("locale", [None, "de", "fr", "en"])
async def test_texts_of_channels_that_the_caller_does_not_see_are_hidden(database_url: str, locale: str | None) -> None:
    stores = {"web": build_mug(title="Secret", translations=TRANSLATIONS), "till": build_mug(title="Mug")}
    access = {"anonymous": {"channels": ["till"]}}
    async with open_world(database_url, stores, channels=CHANNELS, access=access) as world:
        content = await show_content(world, locale)
    assert (content["title"], content["locale"]) == ("Mug", "en-GB")


@pytest.mark.parametrize(("token", "title"), [(None, "Mug"), (ADMIN, "Secret")])
async def test_texts_of_a_draft_are_for_staff(database_url: str, token: str | None, title: str) -> None:
    stores = {"web": build_mug(title="Secret", status="DRAFT"), "till": build_mug(title="Mug")}
    text = """{ products { nodes { content(locale: "de-DE") { title } web: content(channelKey: "web") { title } } } }"""
    async with open_world(database_url, stores, channels=CHANNELS, catalogue={"priority": ["till", "web"]}) as world:
        (node,) = (await world.client.fetch_data(text, token))["products"]["nodes"]
    assert node["content"]["title"] == title
    assert node["web"] == ({"title": "Secret"} if token else None)


async def test_an_unknown_channel_is_an_error_of_the_client(own_world: World) -> None:
    assert (await own_world.client.ask(CONTENT, channel="nowhere")).codes == ["BAD_USER_INPUT"]


async def test_a_changed_translation_is_a_change_of_its_product(own_world: World) -> None:
    await show_content(own_world)
    changed = [{**TRANSLATIONS[0], "title": "Bol"}]
    own_world.stores["web"].change("products", "1", translations=changed)
    before = await read_version(own_world)
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    assert (await show_content(own_world, "fr"))["title"] == "Bol"
    assert (await show_content(own_world, "en-US"))["title"] == "Becher", "it is not translated any more"
    assert await read_version(own_world) > before


async def read_version(world: World) -> str:
    data = await world.client.fetch_data("{ products(first: 1) { nodes { updatedAt } } }")
    version: str = data["products"]["nodes"][0]["updatedAt"]
    return version


async def test_a_cached_response_is_not_older_than_a_changed_text(own_world: World) -> None:
    own_world.gateway.responses.is_enabled = True
    for _ in range(3):
        await own_world.client.fetch_data(CONTENT, locale="fr")
    own_world.stores["web"].change("products", "1", translations=[{**TRANSLATIONS[0], "title": "Bol"}])
    own_world.clock.forward(hours=1)
    await own_world.gateway.run_due()
    (node,) = (await own_world.client.fetch_data(CONTENT, locale="fr"))["products"]["nodes"]
    assert node["content"]["title"] == "Bol"


async def test_texts_without_a_known_language_are_in_an_undetermined_one(database_url: str) -> None:
    async with open_world(database_url, {"till": build_mug(title="Mug"), "web": MemoryStore()}) as world:
        content = await show_content(world, "de")
    assert (content["locale"], content["title"], content["seo"]["description"]) == ("und", "Mug", "Mug")


async def test_texts_that_cannot_be_stored_are_dropped_with_a_warning(database_url: str) -> None:
    texts = [
        {"locale": "no locale", "title": "x"},
        {"locale": "de", "html": "<b>" * 6000},
        {"locale": "fr", "title": "F"},
    ]
    store = build_mug(title="Mug", description_html="x" * 200_001, seo_title="x" * 1001, locale="?", translations=texts)
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        titles = [(await show_content(world, locale))["title"] for locale in ("de", "fr")]
        warnings = await list_warnings(world)
    assert titles == ["Mug", "F"]
    assert warnings == [("descriptionHtml", "WARNING")]


async def test_a_list_with_texts_takes_a_constant_number_of_statements(database_url: str) -> None:
    store = MemoryStore()
    for n in range(24):
        store.put("products", record_builders.build_product(str(n), translations=TRANSLATIONS))
    query = 'query ($n: Int) { products(first: $n) { nodes { content(locale: "fr") { title descriptionHtml } } } }'
    counts = []
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        stop_caches(world.gateway)
        for size in (1, 24, 24):
            with capture_statements() as seen:
                await world.client.fetch_data(query, n=size)
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts
