"""Mapping of images, and the URLs under which Amazon's image server has them in other sizes."""

from __future__ import annotations

import re

from gateway.sdk import Image, ImageSize, RecordWarning, read_informative
from gateway.sdk.json_access import Shape, get_text
from gateway_amazon.json_values import get_optional_count
from gateway_amazon.listing_values import get_attribute, get_summary

MAIN_IMAGE = "main_product_image_locator"
OTHER_IMAGES = tuple(f"other_product_image_locator_{number}" for number in range(1, 9))
_SERVED_IMAGE = re.compile(r"(https://m\.media-amazon\.com/images/I/[\w+%-]+)(?:\._[\w,]+_)?(\.\w+)", re.ASCII)


def map_images(item: Shape, store: str) -> tuple[list[Image], list[RecordWarning]]:
    """Map the images of a listing: the main one as Amazon shows it, and those that the seller filed. Images that cannot
    be read are left out.
    """
    shown = get_summary(item, store).get("mainImage")
    main, warnings = read_informative([] if shown is None else [shown], _map_main_image, "mainImage")
    names = OTHER_IMAGES if main else (MAIN_IMAGE, *OTHER_IMAGES)
    filed = [value for name in names for value in get_attribute(item, name, store)[:1]]
    others, further_warnings = read_informative(filed, _map_filed_image, "images")
    images = {image.url: image for image in (*others, *main)}
    return list({image.url: images[image.url] for image in (*main, *others)}.values()), [*warnings, *further_warnings]


def _map_main_image(shown: object) -> Image:
    width, height = (get_optional_count(shown, side) for side in ("width", "height"))
    return Image(url=get_text(shown, "link"), width=width, height=height)


def _map_filed_image(value: Shape) -> Image:
    return Image(url=get_text(value, "media_location"))


def resize_image(url: str, size: ImageSize) -> str:
    """Return the URL of an image on Amazon's image server in a size. It does not crop, and has no other formats."""
    match = _SERVED_IMAGE.fullmatch(url)
    sides = (("SX", size.max_width), ("SY", size.max_height))
    modifiers = "_".join(f"{name}{pixels}" for name, pixels in sides if pixels is not None)
    return url if match is None or not modifiers else f"{match[1]}._{modifiers}_{match[2]}"
