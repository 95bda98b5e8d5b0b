"""Media: images, videos and 3D models of products, and the sizes of images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image.

    Attributes:
        alt_text: Alternative text for screen readers; None: there is none.
        width, height: In pixels; None: not known.
        channel_key: The channel that provides it, which may resize it. Set by the gateway; None: no channel.
    """

    url: str
    alt_text: str | None = None
    width: int | None = None
    height: int | None = None
    channel_key: str | None = None


class ImageFormat(Enum):
    """File format of a resized image. `ORIGINAL`: that of the original."""

    ORIGINAL = "ORIGINAL"
    AVIF = "AVIF"
    WEBP = "WEBP"
    JPEG = "JPEG"
    PNG = "PNG"


class ImageCrop(Enum):
    """The part of an image that stays if it is cropped to the requested proportions. `NONE`: it is not cropped."""

    NONE = "NONE"
    CENTER = "CENTER"
    TOP = "TOP"
    BOTTOM = "BOTTOM"
    LEFT = "LEFT"
    RIGHT = "RIGHT"


class MediaKind(Enum):
    """Kind of a medium. `EXTERNAL_VIDEO`: a video on another site, to be embedded."""

    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    EXTERNAL_VIDEO = "EXTERNAL_VIDEO"
    MODEL_3D = "MODEL_3D"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaSource:
    """A file of a video or of a 3D model.

    Attributes:
        mime_type: Media type, such as ``video/mp4``.
        width, height: In pixels; None: not known, or no video.
    """

    url: str
    mime_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """An image, a video or a 3D model.

    Attributes:
        alt_text: Alternative text for screen readers; None: there is none.
        image: The image, or the preview image of another kind; None: there is none.
        sources: Files of a video or of a 3D model, in different formats and sizes.
        embed_url: URL of the player of an external video; None: no external video.
    """

    kind: MediaKind = MediaKind.IMAGE
    alt_text: str | None = None
    image: Image | None = None
    sources: tuple[MediaSource, ...] = ()
    embed_url: str | None = None


def wrap_images(images: Iterable[Image]) -> tuple[Media, ...]:
    """Wrap images as media."""
    return tuple(Media(alt_text=image.alt_text, image=image) for image in images)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSize:
    """The size in which an image is shown.

    Attributes:
        max_width, max_height: In pixels; None: as wide or high as the proportions need.
        crop: The part that stays if both are given and the proportions differ.
        format: File format.
    """

    max_width: int | None = None
    max_height: int | None = None
    crop: ImageCrop = ImageCrop.NONE
    format: ImageFormat = ImageFormat.ORIGINAL

    def limit_to(self, image: Image) -> ImageSize:
        """Return this size without what would enlarge the image, as far as its size is known.

        An image that is cropped has the proportions of the two sides in any case.
        """
        if self.crop is not ImageCrop.NONE and self.max_width and self.max_height and image.width and image.height:
            return self._shrink_both(self.max_width, self.max_height, image.width, image.height)
        return replace(
            self,
            max_width=_limit_side(self.max_width, image.width),
            max_height=_limit_side(self.max_height, image.height),
        )

    def _shrink_both(self, width: int, height: int, actual_width: int, actual_height: int) -> ImageSize:
        """Return this size, smaller by the same factor on both sides until it fits into the image."""
        factor = min(Fraction(1), Fraction(actual_width, width), Fraction(actual_height, height))
        return replace(self, max_width=max(1, int(width * factor)), max_height=max(1, int(height * factor)))

    def is_original_of(self, image: Image) -> bool:
        """Whether the image in this size is the image as it is."""
        is_whole = self.max_width in (None, image.width) and self.max_height in (None, image.height)
        return is_whole and self.format is ImageFormat.ORIGINAL


def _limit_side(wanted: int | None, actual: int | None) -> int | None:
    return wanted if wanted is None or actual is None else min(wanted, actual)
