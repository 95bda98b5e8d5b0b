"""Resizing of images by the server that stores them."""

from __future__ import annotations

from collections.abc import Callable

from gateway.model.media import ImageSize

ImageResizer = Callable[[str, ImageSize], str]
"""Returns the URL under which the channel's image server has an image, by its URL, in a size. At least one side or the
format is given, and no side is larger than that of the image. It does no work but on the text; the URL of an image on
another server is returned as it is.
"""
