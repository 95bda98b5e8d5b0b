"""Images and other media of products and variants, and the sizes in which image servers have images."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.channels import image_urls
from gateway.model.media import ImageSize
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryStore
from gateway.settings.loading import load_text
from gateway.settings.problems import SettingsError
from tests.gateways import stop_caches
from tests.graphql.test_statements import capture_statements
from tests.graphql.world import ADMIN, World, open_world

pytestmark = [pytest.mark.anyio, pytest.mark.any_database]

HOST = "https://images.example.com"
FRONT = {"url": f"{HOST}/front.jpg", "alt_text": "Front", "width": 1600, "height": 1200}
BACK = {"url": f"{HOST}/back.jpg"}
VIDEO = {
    "kind": "VIDEO",
    "alt_text": "Spinning",
    "image": {"url": f"{HOST}/poster.jpg"},
    "sources": [{"url": f"{HOST}/spin.mp4", "mime_type": "video/mp4", "width": 640, "height": 360}],
}
EXTERNAL = {"kind": "EXTERNAL_VIDEO", "embed_url": "https://video.example.com/embed/1"}
MEDIA = """{ products(first: 100) { nodes { featuredImage { url }
  images { url altText }
  media { kind altText image { url width height } sources { url mimeType width height } embedUrl }
  variants(first: 5) { nodes { image { url } media { kind image { url } } } } } } }"""


def build_pictured(**more: Any) -> MemoryStore:
    """Build a store with a product that has media."""
    store = MemoryStore()
    store.put("products", record_builders.build_product("1", sku="A", **more))
    return store


async def show_product(world: World, query: str = MEDIA, **variables: Any) -> Any:
    """Fetch the only product thrice, so that the reference executor and the compiled function answer."""
    world.gateway.responses.is_enabled = False
    answers = [(await world.client.fetch_data(query, **variables))["products"]["nodes"] for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    return answers[0][0]


async def test_a_product_shows_images_videos_and_external_videos_in_their_order(database_url: str) -> None:
    media = [{"kind": "IMAGE", "alt_text": "Front", "image": FRONT}, VIDEO, EXTERNAL, {"kind": "IMAGE", "image": BACK}]
    async with open_world(database_url, {"till": build_pictured(media=media), "web": MemoryStore()}) as world:
        product = await show_product(world)
    assert product["featuredImage"] == {"url": FRONT["url"]}
    assert [image["url"] for image in product["images"]] == [FRONT["url"], BACK["url"]]
    assert [(one["kind"], one["altText"]) for one in product["media"]] == [
        ("IMAGE", "Front"),
        ("VIDEO", "Spinning"),
        ("EXTERNAL_VIDEO", None),
        ("IMAGE", None),
    ]
    assert product["media"][0]["image"] == {"url": FRONT["url"], "width": 1600, "height": 1200}
    assert product["media"][1]["image"]["url"] == f"{HOST}/poster.jpg"
    assert product["media"][1]["sources"] == [
        {"url": f"{HOST}/spin.mp4", "mimeType": "video/mp4", "width": 640, "height": 360}
    ]
    assert product["media"][2]["embedUrl"] == EXTERNAL["embed_url"]


async def test_a_product_with_images_only_shows_them_as_media(database_url: str) -> None:
    stores = {"till": build_pictured(images=[FRONT, BACK]), "web": MemoryStore()}
    async with open_world(database_url, stores) as world:
        product = await show_product(world)
    assert [(one["kind"], one["altText"], one["image"]["url"]) for one in product["media"]] == [
        ("IMAGE", "Front", FRONT["url"]),
        ("IMAGE", None, BACK["url"]),
    ]


async def test_a_variant_shows_its_own_media(database_url: str) -> None:
    sizes = [
        record_builders.build_variant("1-S", options={"Size": "S"}, image=FRONT),
        record_builders.build_variant("1-M", options={"Size": "M"}, media=[{"kind": "IMAGE", "image": BACK}, VIDEO]),
        record_builders.build_variant("1-L", options={"Size": "L"}),
    ]
    store = MemoryStore()
    store.put("products", {"id": "1", "title": "Shirt", "variants": sizes})
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        product = await show_product(world)
    shown = [
        (node["image"] and node["image"]["url"], [one["kind"] for one in node["media"]])
        for node in product["variants"]["nodes"]
    ]
    assert shown == [(FRONT["url"], ["IMAGE"]), (BACK["url"], ["IMAGE", "VIDEO"]), (None, [])]


# ------------------------------------------------------------------------------------------------ sizes

SIZED = """query ($width: Int, $height: Int, $crop: ImageCrop, $format: ImageFormat) { products(first: 1) { nodes {
  featuredImage { sized(maxWidth: $width, maxHeight: $height, crop: $crop, format: $format) } } } }"""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"width": 320}, "?width=320"),
        ({"width": 320, "format": "WEBP"}, "?width=320&format=webp"),
        ({"width": 300, "height": 300, "crop": "CENTER"}, "?width=300&height=300&crop=center"),
        ({"width": 300, "height": 5000, "crop": "TOP"}, "?width=72&height=1200&crop=top"),
        ({"width": 3200, "height": 3200, "crop": "CENTER"}, "?width=1200&height=1200&crop=center"),
        ({"format": "AVIF"}, "?format=avif"),
        ({"width": 1600}, ""),
        ({"width": 2000, "height": 2000}, ""),
        ({}, ""),
    ],
)
async def test_an_image_has_the_requested_size_but_is_never_enlarged(
    database_url: str, given: Mapping[str, Any], expected: str
) -> None:
    async with open_world(database_url, {"till": build_pictured(images=[FRONT]), "web": MemoryStore()}) as world:
        product = await show_product(world, SIZED, **given)
    assert product["featuredImage"]["sized"] == f"{FRONT['url']}{expected}"


@pytest.mark.parametrize("given", [{"width": 0}, {"width": -5}, {"height": 10_001}])
async def test_an_impossible_size_is_an_error_of_the_client(database_url: str, given: Mapping[str, Any]) -> None:
    async with open_world(database_url, {"till": build_pictured(images=[FRONT]), "web": MemoryStore()}) as world:
        for _ in range(2):
            assert (await world.client.ask(SIZED, **given)).codes == ["BAD_USER_INPUT"]


QUOTED = "https%3A%2F%2Fimages.example.com%2Ffront.jpg"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("https://proxy.example.com/fit/{url}{?width,height,crop,format}", f"https://proxy.example.com/fit/{QUOTED}"),
        ("{+url}{?width,height,crop,format}", FRONT["url"]),
    ],
)
async def test_a_url_template_of_the_configuration_replaces_the_image_server(
    database_url: str, template: str, expected: str
) -> None:
    channels = {"till": {"images": template}, "web": {}}
    stores = {"till": build_pictured(images=[FRONT]), "web": MemoryStore()}
    async with open_world(database_url, stores, channels=channels) as world:
        product = await show_product(world, SIZED, width=320)
    assert product["featuredImage"]["sized"] == f"{expected}?width=320"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("https://images.example.com/{path}", "channels.till.images: expected a URL template with {url}"),
        ("{url}{?width}", "channels.till.images: expected a URL template with {url}"),
        ("images/{url}", "channels.till.images: expected a URL template with {url}"),
        ("https://images.example.com/{url}{?size}", "channels.till.images: unknown variable size"),
    ],
)
def test_a_wrong_url_template_is_a_problem_of_its_channel(template: str, problem: str) -> None:
    text = f'[channels.till]\nplugin = "memory"\nimages = "{template}"\n'
    assert load_text(text).failures["till"][0].startswith(problem)
    with pytest.raises(SettingsError, match=r"channels\.till\.images"):
        load_text(f"{text}required = true\n")


class Resizers:
    """Image servers that misbehave."""

    @staticmethod
    def raise_error(_url: str, _size: ImageSize) -> str:
        raise RuntimeError("no such image")

    @staticmethod
    def return_script(_url: str, _size: ImageSize) -> str:
        return "javascript:alert(1)"


@pytest.mark.parametrize("name", ["raise_error", "return_script"])
async def test_a_failing_image_server_leaves_the_original_and_is_logged_once(
    database_url: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_world(database_url, {"till": build_pictured(images=[FRONT]), "web": MemoryStore()}) as world:
        world.gateway.image_urls = image_urls.ImageUrls({"till": getattr(Resizers, name)})
        with caplog.at_level(logging.WARNING, "gateway.channels.image_urls"):
            product = await show_product(world, SIZED, width=320)
    assert product["featuredImage"]["sized"] == FRONT["url"]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["channel till"]


# ------------------------------------------------------------------------------------------------ invalid media

WARNINGS = """{ syncRejects(first: 10) { nodes { externalId field reason severity } } }"""


async def list_warnings(world: World) -> list[tuple[str, str]]:
    nodes = (await world.client.fetch_data(WARNINGS, ADMIN))["syncRejects"]["nodes"]
    return [(node["field"], node["severity"]) for node in nodes]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,<script>", "//cdn.example.com/x.jpg", "ftp://x/y", "", "x" * 3000]
)
async def test_an_image_with_another_scheme_is_dropped_with_a_warning_and_the_product_stays(
    database_url: str, url: str
) -> None:
    media = [
        {"kind": "IMAGE", "image": {"url": url}},
        {"kind": "IMAGE", "image": FRONT},
        {"kind": "VIDEO", "sources": [{"url": url, "mime_type": "video/mp4"}]},
        {"kind": "EXTERNAL_VIDEO", "embed_url": url},
    ]
    async with open_world(database_url, {"till": build_pictured(media=media), "web": MemoryStore()}) as world:
        product = await show_product(world)
        warnings = await list_warnings(world)
    assert [one["image"]["url"] for one in product["media"]] == [FRONT["url"]]
    assert warnings == [("media", "WARNING")]


async def test_a_product_with_500_images_shows_them_and_more_are_dropped_with_a_warning(database_url: str) -> None:
    images = [{"url": f"{HOST}/{n}.jpg"} for n in range(501)]
    stores = {"till": build_pictured(images=images[:500]), "web": build_pictured(images=images)}
    query = "{ products(first: 5) { nodes { media { image { url } } } } }"
    async with open_world(database_url, stores) as world:
        product = await show_product(world, query)
        warnings = await list_warnings(world)
    assert [one["image"] for one in product["media"]] == images[:500]
    assert warnings == [("images", "WARNING")]


async def test_a_list_with_media_takes_as_many_statements_as_without(database_url: str) -> None:
    store = MemoryStore()
    for n in range(24):
        media = [{"kind": "IMAGE", "image": {"url": f"{HOST}/{n}.jpg"}}, VIDEO]
        store.put("products", record_builders.build_product(str(n), media=media))
    query = """query ($n: Int) { products(first: $n) { nodes { id
      featuredImage { thumb: sized(maxWidth: 320, format: WEBP) altText }
      media { image { sized(maxWidth: 80) } } } } }"""
    counts = []
    async with open_world(database_url, {"till": store, "web": MemoryStore()}) as world:
        stop_caches(world.gateway)
        for size in (1, 24, 24):
            with capture_statements() as seen:
                await world.client.fetch_data(query, n=size)
            counts.append(len([one for one in seen if not one.startswith("BEGIN")]))
    assert len(set(counts)) == 1, counts
