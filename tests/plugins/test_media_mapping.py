"""Images and videos of the bundled plugins, from the sandbox to the client."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gateway.sdk import ImageCrop, ImageFormat, ImageSize, MediaKind
from gateway.sdk.testing.sandbox import WorldProduct
from gateway_amazon import image_mapping
from gateway_shopify.products import media_mapping
from gateway_shopify_sandbox.seed import add_image
from tests.plugins import amazon, shopify

pytestmark = pytest.mark.anyio

PICTURES = tuple(f"https://cdn.shopify.com/s/files/1/tea-{number}.jpg?v=1" for number in range(7))
VASE = WorldProduct(sku="VASE-1", title="Vase", price=Decimal("9.00"), images=PICTURES)
PREVIEW = {"image": {"url": "https://cdn.shopify.com/poster.jpg", "altText": None, "width": 640, "height": 360}}


async def test_all_images_of_a_product_arrive_beyond_the_first_page_of_them(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path, shopify.build_world([VASE])) as web:
        records = await web.read_records("products")
        vase = records[web.find_product_id("VASE-1")]
        assert web.sandbox.behavior.operations.count("ProductMedia") == 1
    assert tuple(image.url for image in vase.images) == PICTURES
    assert [medium.kind for medium in vase.media] == [MediaKind.IMAGE] * 7
    assert [image.width for image in vase.images[:1]] == [1600]
    assert [medium.image and medium.image.url for medium in vase.variants[0].media] == [PICTURES[0]]
    assert vase.variants[0].image == vase.images[0]


async def test_videos_and_models_arrive_and_what_is_not_ready_does_not(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path) as web:
        shop = web.sandbox.shop
        tea = shop.get_variant("TEA-1")["product"]
        add_image(shop, tea, PICTURES[0], alt="A tin")
        source = {"url": "https://cdn.shopify.com/tea.mp4", "mimeType": "video/mp4", "width": 640, "height": 360}
        model = {"url": "https://cdn.shopify.com/tea.glb", "mimeType": "model/gltf-binary"}
        for kind, name, more in (
            ("VIDEO", "Video", {"sources": [source]}),
            ("EXTERNAL_VIDEO", "ExternalVideo", {"embedUrl": "https://www.youtube.com/embed/1"}),
            ("MODEL_3D", "Model3d", {"sources": [model]}),
            ("VIDEO", "Video", {"sources": []}),
        ):
            tea["media"].append(shop.add(name, alt=None, mediaContentType=kind, preview=PREVIEW, **more))
        tea["media"].append(shop.add("MediaImage", alt=None, mediaContentType="IMAGE", preview=None))
        record = (await web.read_records("products"))[web.find_product_id("TEA-1")]
    assert [medium.kind.value for medium in record.media] == ["IMAGE", "VIDEO", "EXTERNAL_VIDEO", "MODEL_3D"]
    assert record.media[0].alt_text == "A tin"
    assert [(one.url, one.width) for one in record.media[1].sources] == [(source["url"], 640)]
    assert record.media[1].image is not None and record.media[1].image.url == PREVIEW["image"]["url"]
    assert record.media[2].embed_url == "https://www.youtube.com/embed/1"
    assert record.media[3].sources[0].width is None
    assert record.warnings == ()


async def test_media_that_cannot_be_read_are_dropped_with_a_warning(tmp_path: Path) -> None:
    async with shopify.open_testbed(tmp_path) as web:
        tea = web.sandbox.shop.get_variant("TEA-1")["product"]
        add_image(web.sandbox.shop, tea, "javascript:alert(1)")
        add_image(web.sandbox.shop, tea, PICTURES[1])
        record = (await web.read_records("products"))[web.find_product_id("TEA-1")]
    assert [image.url for image in record.images] == [PICTURES[1]]
    assert [warning.field for warning in record.warnings] == ["media"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (ImageSize(max_width=320), "?v=1&width=320"),
        (ImageSize(max_width=320, max_height=200, crop=ImageCrop.TOP), "?v=1&width=320&height=200&crop=top"),
        (ImageSize(max_width=320, format=ImageFormat.WEBP), "?v=1&width=320"),
        (ImageSize(format=ImageFormat.JPEG), "?v=1&format=jpg"),
    ],
)
def test_shopifys_cdn_resizes_images_by_query_parameters(size: ImageSize, expected: str) -> None:
    assert media_mapping.resize_image(PICTURES[0], size) == PICTURES[0].replace("?v=1", expected)
    assert media_mapping.resize_image("https://elsewhere.example/x.jpg", size) == "https://elsewhere.example/x.jpg"


# ------------------------------------------------------------------------------------------------ amazon

SERVED = "https://m.media-amazon.com/images/I/71abcDEF+L.jpg"


def build_pictured_world() -> Any:
    world = amazon.build_world()
    pictured = [replace(product, images=PICTURES[:3]) for product in world.products if product.sku == "TEA-1"]
    return replace(world, products=[*pictured, *(one for one in world.products if one.sku != "TEA-1")])


async def test_the_images_of_a_listing_arrive_the_main_one_as_amazon_shows_it(tmp_path: Path) -> None:
    async with amazon.open_testbed(tmp_path, build_pictured_world()) as account:
        record = (await account.read_records("listings"))["TEA-1"]
    assert tuple(image.url for image in record.images) == PICTURES[:3]
    assert [image.width for image in record.images] == [1600, None, None]
    assert record.variants[0].image == record.images[0]


def build_listing(main: Any, *filed: Any) -> dict[str, Any]:
    names = ["main_product_image_locator", "other_product_image_locator_1", "other_product_image_locator_2"]
    return {
        "summaries": [{"marketplaceId": "S", "mainImage": main}],
        "attributes": {name: [{"media_location": url}] for name, url in zip(names, filed, strict=False)},
    }


@pytest.mark.parametrize(
    ("item", "expected", "warned"),
    [
        (build_listing(None, "https://a/1.jpg", "https://a/2.jpg"), ["https://a/1.jpg", "https://a/2.jpg"], []),
        (build_listing({"link": SERVED}, "https://a/1.jpg", "https://a/2.jpg"), [SERVED, "https://a/2.jpg"], []),
        (build_listing({"link": SERVED}, "https://a/1.jpg", SERVED), [SERVED], []),
        (build_listing({"link": 7}, "https://a/1.jpg"), ["https://a/1.jpg"], ["mainImage"]),
        (build_listing("no object", "https://a/1.jpg", 5), ["https://a/1.jpg"], ["mainImage", "images"]),
    ],
)
def test_images_that_cannot_be_read_are_left_out(item: Any, expected: list[str], warned: list[str]) -> None:
    images, warnings = image_mapping.map_images(item, "S")
    assert [image.url for image in images] == expected
    assert [warning.field for warning in warnings] == warned


@pytest.mark.parametrize(
    ("url", "size", "expected"),
    [
        (SERVED, ImageSize(max_width=320), "https://m.media-amazon.com/images/I/71abcDEF+L._SX320_.jpg"),
        (
            SERVED.replace(".jpg", "._SL500_.jpg"),
            ImageSize(max_width=320, max_height=200),
            "https://m.media-amazon.com/images/I/71abcDEF+L._SX320_SY200_.jpg",
        ),
        (SERVED, ImageSize(format=ImageFormat.WEBP), SERVED),
        (PICTURES[0], ImageSize(max_width=320), PICTURES[0]),
    ],
)
def test_amazons_image_server_resizes_images_by_their_names(url: str, size: ImageSize, expected: str) -> None:
    assert image_mapping.resize_image(url, size) == expected
