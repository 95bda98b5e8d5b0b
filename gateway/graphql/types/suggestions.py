"""Suggestions while a search text is typed."""

from __future__ import annotations

from gateway.execution.caching.cache_control import DataKind
from gateway.execution.fields import attribute
from gateway.execution.object_types import output
from gateway.graphql.queries import suggestions
from gateway.graphql.types.catalog import Category, Product
from gateway.graphql.types.collections import Collection
from gateway.model.search import completion


@output(completion.TextRange, "A range of a text.", data=DataKind.PART)
class TextRange:
    start: int = attribute("Start of the range, in UTF-16 code units.")
    end: int = attribute("End of the range, in UTF-16 code units.")


@output(completion.Completion, "A text to search for.", name="QuerySuggestion", data=DataKind.PART)
class QuerySuggestion:
    text: str = attribute("The text, of words in titles of the catalog.")
    matched: list[TextRange] = attribute("The ranges of the text that were typed.", size=5)


@output(suggestions.SearchSuggestions, "Suggestions while a search text is typed.", data=DataKind.CATALOG)
class SearchSuggestions:
    queries: list[QuerySuggestion] = attribute("Texts to search for, at most 10.", size=10)
    products: list[Product] = attribute("The best matching products, at most 10.", size=10)
    collections: list[Collection] = attribute("Collections whose title has the words, at most 5.", size=5)
    categories: list[Category] = attribute("Categories whose title has the words, at most 5.", size=5)
