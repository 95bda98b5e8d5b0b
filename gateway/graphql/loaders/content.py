"""Loaders of texts by locale and channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.execution.context import Context
from gateway.graphql.arguments import ChannelKey, LocaleArgument
from gateway.model.content import UNKNOWN_LOCALE, Content, ProductText, build_content, list_fallbacks
from gateway.storage.reads import product_texts
from gateway.storage.reads.product_texts import ChannelTexts


async def load_contents(
    context: Context, ids: Sequence[str], *, locale: LocaleArgument = None, channel_key: ChannelKey = None
) -> Sequence[Content | None]:
    """Load the texts of products as a channel words them; without one, as the preferred channel with the locale."""
    if channel_key is not None:
        context.require_channel(channel_key)
    locales = () if locale is None else list_fallbacks(locale)
    everything = context.visibility.everything
    texts_by_product = await context.read(product_texts.find_texts, ids, locales, everything=everything)
    priority = {key: rank for rank, key in enumerate(context.gateway.settings.list_channels_by_priority("texts"))}
    contents: list[Content | None] = []
    for id_ in ids:
        candidates = [
            texts
            for texts in texts_by_product[id_]
            if channel_key in (None, texts.channel) and texts.channel in context.channels
        ]
        candidates.sort(key=lambda texts: (not texts.grouped, priority[texts.channel], texts.external_id))
        text = _select_text(context, candidates, locales)
        contents.append(None if text is None else build_content(text))
    return contents


CategoryKey = tuple[str, str]
"""Path and title of a category."""


async def load_category_contents(
    context: Context, categories: Sequence[CategoryKey], *, locale: LocaleArgument = None
) -> Sequence[Content]:
    """Load the texts of categories, as the configuration has them; without any, the title."""
    locales = () if locale is None else list_fallbacks(locale)
    texts = context.gateway.category_texts
    return [build_content(_select_category_text(texts.get(path, ()), locales, title)) for path, title in categories]


def _select_category_text(texts: Sequence[ProductText], locales: Sequence[str], title: str) -> ProductText:
    matches = (text for locale in locales for text in texts if text.locale == locale)
    text = next(matches, texts[0] if texts else ProductText(locale=UNKNOWN_LOCALE))
    return replace(text, title=text.title or title)


def _select_text(context: Context, candidates: Sequence[ChannelTexts], locales: Sequence[str]) -> ProductText | None:
    """Select the texts in the first of these locales that a channel product has, else the preferred one's own texts."""
    own = [(_get_locale(context, texts), texts) for texts in candidates]
    return next(_list_matches(own, locales), None) or next((replace(texts.own, locale=it) for it, texts in own), None)


def _list_matches(own: Sequence[tuple[str, ChannelTexts]], locales: Sequence[str]) -> Iterator[ProductText]:
    for locale in locales:
        for own_locale, texts in own:
            if own_locale == locale:
                yield replace(texts.own, locale=locale)
            elif locale in texts.translations:
                yield texts.translations[locale]


def _get_locale(context: Context, texts: ChannelTexts) -> str:
    """Return the locale of the own texts: as the channel reports it, otherwise the first one of its configuration."""
    table = context.gateway.settings.channels.get(texts.channel)
    return texts.locale or next(iter(table.locales if table else ()), UNKNOWN_LOCALE)
