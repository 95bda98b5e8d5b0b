"""Texts of categories, as the configuration has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import World, open_world

pytestmark = pytest.mark.anyio

HTML = '<p onclick="x">Für <b>jeden</b> Raum</p><script>alert(1)</script><iframe src="https://x.example"></iframe>'
DECLARED: Mapping[str, Any] = {
    "home > LIGHTS": {
        "texts": {
            "en": {"description": "For <every> room"},
            "de": {"title": "Leuchten", "html": HTML, "seo_title": "Leuchten kaufen"},
        }
    },
    "Garden": {"texts": {"en": {"title": "Never sold"}}},
}
SHOW = """query ($locale: Locale) { categories(first: 5) { nodes { title content(locale: $locale) { ...Text }
  children(first: 5) { nodes { title content(locale: $locale) { ...Text } } } } } }
fragment Text on Content { locale title description descriptionHtml seo { title description } }"""


@pytest.fixture
async def own_world(database_url: str) -> AsyncIterator[World]:
    web = MemoryStore()
    web.put("products", record_builders.build_product("1", title="Lamp", category=["Home", "Lights"]))
    stores = {"web": web, "till": MemoryStore()}
    async with open_world(database_url, stores, categories=DECLARED) as world:
        world.gateway.responses.is_enabled = False
        yield world


async def show_categories(world: World, locale: str | None) -> tuple[Any, Any]:
    """Fetch the texts of the root category and of the one below it."""
    for _ in range(3):
        (home,) = (await world.client.fetch_data(SHOW, locale=locale))["categories"]["nodes"]
    return home["content"], home["children"]["nodes"][0]["content"]


@pytest.mark.any_database
async def test_texts_are_found_by_the_path_in_the_language_or_the_default_and_are_safe(own_world: World) -> None:
    home, lights = await show_categories(own_world, "de-CH")
    assert (home["locale"], home["title"], home["descriptionHtml"]) == ("und", "Home", "")
    assert (lights["locale"], lights["title"], lights["description"]) == ("de", "Leuchten", "Für jeden Raum")
    assert lights["descriptionHtml"] == "<p>Für <b>jeden</b> Raum</p>"
    assert lights["seo"] == {"title": "Leuchten kaufen", "description": "Für jeden Raum"}
    for locale in ("fr", None):
        _, lights = await show_categories(own_world, locale)
        assert (lights["locale"], lights["title"], lights["description"]) == ("en", "Lights", "For <every> room")
        assert lights["descriptionHtml"] == "<p>For &lt;every&gt; room</p>"
        assert lights["seo"] == {"title": "Lights", "description": "For <every> room"}


async def test_texts_of_categories_take_no_statement(own_world: World) -> None:
    counts = []
    for query in ("{ categories(first: 5) { nodes { title children(first: 5) { nodes { title } } } } }", SHOW):
        await own_world.client.fetch_data(query)
        with capture_statements() as seen:
            await own_world.client.fetch_data(query)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[categories."Home > "]\n', "expected titles from the root"),
        ("[categories.Home.texts.german]\ntitle = 3\n", "categories.Home.texts.german"),
        ('[categories.Home]\ntitle = "x"\n', "categories.Home.title: unknown key"),
    ],
)
def test_a_wrong_category_is_named(text: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_text(text)
    assert problem in str(caught.value)
