"""Mapping of media, and the URLs under which Shopify's CDN has images in other sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from urllib.parse import parse_qsl, urlencode, urlsplit

from gateway.sdk import (
    Image,
    ImageCrop,
    ImageFormat,
    ImageSize,
    Media,
    MediaKind,
    MediaSource,
    RecordWarning,
    json_access,
    read_informative,
)
from gateway_shopify.graphql_values import Node

KINDS: Mapping[str, MediaKind] = MappingProxyType(
    {
        "IMAGE": MediaKind.IMAGE,
        "VIDEO": MediaKind.VIDEO,
        "EXTERNAL_VIDEO": MediaKind.EXTERNAL_VIDEO,
        "MODEL_3D": MediaKind.MODEL_3D,
    }
)
CDN = "cdn.shopify.com"


def map_media(nodes: Sequence[Node]) -> tuple[dict[str, Media], list[RecordWarning]]:
    """Map the media of a product, by ID. Those that cannot be read, or that Shopify still processes, are left out."""
    pairs, warnings = read_informative(nodes, _map_medium, "media")
    return {id: medium for id, medium in pairs if medium is not None}, warnings


def _map_medium(node: Node) -> tuple[str, Media | None]:
    """Map a medium. None: a new kind, or it has nothing to show yet."""
    kind = KINDS.get(json_access.get_text(node, "mediaContentType"))
    alt_text = json_access.get_optional_text(node, "alt")
    image = _map_preview(node, alt_text)
    sources = () if node.get("sources") is None else json_access.get_objects(node, "sources")
    embed_url = json_access.get_optional_text(node, "embedUrl")
    is_ready = bool(sources or embed_url or (kind is MediaKind.IMAGE and image is not None))
    medium = None
    if kind is not None and is_ready:
        files = tuple(_map_source(source) for source in sources)
        medium = Media(kind=kind, alt_text=alt_text, image=image, sources=files, embed_url=embed_url)
    return json_access.get_text(node, "id"), medium


def _map_preview(node: Node, alt_text: str | None) -> Image | None:
    """Map the preview of a medium, which is the image itself if the medium is one."""
    preview = json_access.get_optional_object(node, "preview")
    image = None if preview is None else json_access.get_optional_object(preview, "image")
    return None if image is None else map_image(image, alt_text)


def map_image(image: Node, alt_text: str | None = None) -> Image:
    """Map an image. `alt_text`: if it has none of its own."""
    return Image(
        url=json_access.get_text(image, "url"),
        alt_text=json_access.get_optional_text(image, "altText") or alt_text,
        width=_get_side(image, "width"),
        height=_get_side(image, "height"),
    )


def _map_source(node: Node) -> MediaSource:
    return MediaSource(
        url=json_access.get_text(node, "url"),
        mime_type=json_access.get_text(node, "mimeType"),
        width=_get_side(node, "width"),
        height=_get_side(node, "height"),
    )


def _get_side(node: Node, side: str) -> int | None:
    return None if node.get(side) is None else json_access.get_whole(node, side)


def resize_image(url: str, size: ImageSize) -> str:
    """Return the URL of an image on Shopify's CDN in a size. The CDN itself serves WebP and AVIF to clients that accept
    them.
    """
    parts = urlsplit(url)
    if parts.hostname != CDN:
        return url
    given = {
        "width": size.max_width,
        "height": size.max_height,
        "crop": None if size.crop is ImageCrop.NONE else size.crop.value.lower(),
        "format": "jpg" if size.format is ImageFormat.JPEG else None,
    }
    query = dict(parse_qsl(parts.query)) | {name: str(value) for name, value in given.items() if value is not None}
    return parts._replace(query=urlencode(query)).geturl()
