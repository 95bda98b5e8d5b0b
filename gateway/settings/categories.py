"""The tables `[categories."PATH"]` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from gateway.model.content import ProductText
from gateway.settings.table import Table
from gateway.settings.value_types import Html, Locale

SEPARATOR = " > "


def _check_path(value: str) -> str:
    if not all(title.strip() for title in value.split(SEPARATOR)):
        raise ValueError(f"expected titles from the root, separated by {SEPARATOR.strip()}, such as Home > Lights")
    return value


CategoryPath = Annotated[str, StringConstraints(min_length=1, max_length=2_000), AfterValidator(_check_path)]
ShortText = Annotated[str, StringConstraints(max_length=1_000)]


class CategoryTextTable(Table):
    """`[categories."PATH".texts.LOCALE]`: texts in one language."""

    title: ShortText = ""  # default: that of the channels
    description: Annotated[str, StringConstraints(max_length=10_000)] = ""  # default: the text of html
    html: Html = ""  # it is sanitized; default: the description
    seo_title: ShortText | None = None
    seo_description: ShortText | None = None


class CategoryTable(Table):
    """`[categories."PATH"]`: a category of products, by the titles of its path, such as `Home > Lights`."""

    texts: dict[Locale, CategoryTextTable] = {}  # by language, the default first

    def build_texts(self) -> tuple[ProductText, ...]:
        """Build the texts. Their HTML is not sanitized."""
        return tuple(
            ProductText(
                locale=locale,
                title=text.title,
                description=text.description,
                html=text.html or None,
                seo_title=text.seo_title,
                seo_description=text.seo_description,
            )
            for locale, text in self.texts.items()
        )


def split_path(path: str) -> tuple[str, ...]:
    """Split the path of a category into titles, from the root."""
    return tuple(title.strip() for title in path.split(SEPARATOR))
