"""Images and media in JSON columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.model.media import Image, Media, MediaKind, MediaSource
from gateway.storage.sql.bulk import dump_json, load_json
from gateway.storage.sql.decoded_texts import decode_once


def dump_image(image: Image | None) -> str | None:
    """Encode an optional image."""
    return None if image is None else dump_json(describe_image(image))


def dump_images(images: Sequence[Image]) -> str:
    """Encode images."""
    return dump_json([describe_image(image) for image in images])


def dump_media(media: Sequence[Media], images: Sequence[Image]) -> str | None:
    """Encode media; None if they are only the images, which have a column of their own."""
    if all(one.kind is MediaKind.IMAGE for one in media) and [one.image for one in media] in ([], list(images)):
        return None
    return dump_json([_describe_medium(one) for one in media])


@decode_once
def load_image(text: str | None, channel: str | None) -> Image | None:
    """Decode an optional image that a channel provides."""
    return None if text is None else Image(**load_json(text), channel_key=channel)


@decode_once
def load_images(text: str, channel: str | None) -> tuple[Image, ...]:
    """Decode images that a channel provides."""
    return tuple(Image(**image, channel_key=channel) for image in load_json(text))


@decode_once
def load_media(text: str | None, channel: str | None) -> tuple[Media, ...]:
    """Decode media that a channel provides; none if they are only the images."""
    return () if text is None else tuple(_read_medium(one, channel) for one in load_json(text))


def describe_image(image: Image) -> dict[str, Any]:
    """Describe an image as JSON."""
    return {"url": image.url, "alt_text": image.alt_text, "width": image.width, "height": image.height}


def _describe_medium(medium: Media) -> dict[str, Any]:
    return {
        "kind": medium.kind.value,
        "alt_text": medium.alt_text,
        "image": None if medium.image is None else describe_image(medium.image),
        "sources": [[source.url, source.mime_type, source.width, source.height] for source in medium.sources],
        "embed_url": medium.embed_url,
    }


def _read_medium(stored: dict[str, Any], channel: str | None) -> Media:
    return Media(
        kind=MediaKind(stored["kind"]),
        alt_text=stored["alt_text"],
        image=None if stored["image"] is None else Image(**stored["image"], channel_key=channel),
        sources=tuple(
            MediaSource(url=url, mime_type=mime_type, width=width, height=height)
            for url, mime_type, width, height in stored["sources"]
        ),
        embed_url=stored["embed_url"],
    )
