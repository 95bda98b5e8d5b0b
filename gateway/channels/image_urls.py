"""URLs of images in the sizes that clients request, by the image server of each channel."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial

import uritemplate

from gateway.channels.loader import LoadedChannels
from gateway.model import record_validation
from gateway.model.media import Image, ImageCrop, ImageFormat, ImageSize
from gateway.sdk.images import ImageResizer
from gateway.settings.schema import Settings

_log = logging.getLogger(__name__)


class ImageUrls:
    """Builds the URLs of images. `resizers`: by the key of the channel that provides the image."""

    def __init__(self, resizers: Mapping[str, ImageResizer]) -> None:
        self._resizers = resizers
        self._failing: set[str] = set()

    def build(self, image: Image, size: ImageSize) -> str:
        """Build the URL of an image in a size, or return that of the original."""
        limited = size.limit_to(image)
        resizer = self._resizers.get(image.channel_key or "")
        if resizer is None or limited.is_original_of(image):
            return image.url
        try:
            url = record_validation.check_url(resizer(image.url, limited)) or image.url
        except Exception as error:  # noqa: BLE001 a plugin may raise anything, and the original is there
            self._log_failure(image.channel_key or "", error)
            return image.url
        self._failing.discard(image.channel_key or "")
        return url

    def _log_failure(self, channel: str, error: Exception) -> None:
        """Log that the images of a channel cannot be resized, once until they can."""
        if channel not in self._failing:
            self._failing.add(channel)
            _log.warning("channel %s: its images cannot be resized: %s", channel, type(error).__name__, exc_info=error)


def build_image_urls(settings: Settings, channels: LoadedChannels) -> ImageUrls:
    """Build it from the URL templates of the configuration, otherwise from what the plugins provide."""
    configured: dict[str, ImageResizer] = {
        key: partial(_expand_template, table.images) for key, table in settings.channels.items() if table.images
    }
    of_plugins = {key: channel.images for key, channel in channels.open.items() if channel.images is not None}
    return ImageUrls({**of_plugins, **configured})


def _expand_template(template: str, url: str, size: ImageSize) -> str:
    """Expand a URI template (RFC 6570); variables without a value are left out."""
    values = {
        "url": url,
        "width": size.max_width,
        "height": size.max_height,
        "crop": None if size.crop is ImageCrop.NONE else size.crop.value.lower(),
        "format": None if size.format is ImageFormat.ORIGINAL else size.format.value.lower(),
    }
    return uritemplate.expand(template, {name: str(value) for name, value in values.items() if value is not None})
