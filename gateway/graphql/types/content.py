"""Texts of products, by locale."""

from __future__ import annotations

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute
from gateway.execution.object_types import output
from gateway.graphql.scalars import Locale
from gateway.model import content


@output(
    content.Seo, "Texts for search engines, made of the other texts where the channel has none.", data=DataKind.PART
)
class Seo:
    title: str = attribute("Title of the page.")
    description: str = attribute("Description of the page.")


@output(content.Content, "Texts in one language.", data=DataKind.CATALOG)
class Content:
    locale: Locale = attribute("Language of the texts, which may be another than requested. `und`: not known.")
    title: str = attribute("Display name.")
    description: str = attribute("Description as plain text. May be empty.")
    description_html: str = attribute(
        "Description as HTML. It is sanitized by an allow-list of tags, without scripts, styles, events or frames, and "
        "safe to insert into a page. May be empty."
    )
    seo: Seo = attribute("Texts for search engines.")
