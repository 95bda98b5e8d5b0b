"""Loaders of image URLs: the sizes in which an image server has an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import strawberry

from gateway.execution.context import Context
from gateway.execution.errors import BadUserInputError
from gateway.model.media import Image, ImageCrop, ImageFormat, ImageSize

MAX_SIDE = 10_000
"""Maximum width and height that a client can request, in pixels."""

MaxWidth = Annotated[
    int | None,
    strawberry.argument(description="Maximum width in pixels, 1 to 10,000. Default: as the height needs."),
]
MaxHeight = Annotated[
    int | None,
    strawberry.argument(description="Maximum height in pixels, 1 to 10,000. Default: as the width needs."),
]
Crop = Annotated[
    ImageCrop | None,
    strawberry.argument(
        description="The part that stays if the image is cropped to the proportions of `maxWidth` and `maxHeight`."
    ),
]
Format = Annotated[
    ImageFormat | None, strawberry.argument(description="File format. Image servers may not have all formats.")
]


async def load_sized_urls(
    context: Context,
    images: Sequence[Image],
    *,
    max_width: MaxWidth = None,
    max_height: MaxHeight = None,
    crop: Crop = ImageCrop.NONE,
    format: Format = ImageFormat.ORIGINAL,
) -> Sequence[str]:
    """Load the URLs of images in a size."""
    for name, side in (("maxWidth", max_width), ("maxHeight", max_height)):
        if side is not None and not 1 <= side <= MAX_SIDE:
            raise BadUserInputError(f"{name}: expected 1 to {MAX_SIDE} pixels.")
    size = ImageSize(
        max_width=max_width,
        max_height=max_height,
        crop=crop or ImageCrop.NONE,
        format=format or ImageFormat.ORIGINAL,
    )
    return [context.gateway.image_urls.build(image, size) for image in images]
