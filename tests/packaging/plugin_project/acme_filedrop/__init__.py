"""A channel plugin from outside: products from a folder of JSON files."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.sdk import (
    Channel,
    ChannelKind,
    ChannelType,
    Config,
    Feed,
    Mark,
    Money,
    Page,
    ProductRecord,
    Raw,
    Ref,
    Registry,
    Token,
    Traits,
    VariantRecord,
    hookimpl,
)


class FileDropConfig(Config):
    """`[channels.KEY.config]`. `folder`: where the files are."""

    folder: str


class Products(Feed[ProductRecord]):
    """Reads all files as one page."""

    of = ProductRecord
    name = "products"

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    async def page(self, mark: Mark | None, token: Token | None) -> Page:
        """Return the files as raw records."""
        files = sorted(self._folder.glob("*.json"))
        return Page([Raw(file.stem, json.loads(file.read_text())) for file in files])

    def read(self, raw: Raw) -> ProductRecord:
        """Decode one file."""
        title, sku = str(raw.data["title"]), str(raw.data["sku"])
        price = Money.of(str(raw.data["price"]), "GBP")
        return ProductRecord(
            ref=Ref(raw.id), title=title, variants=[VariantRecord(ref=Ref(raw.id), title=title, sku=sku, price=price)]
        )


@hookimpl
def gateway_register(registry: Registry) -> None:
    """Register the channel type."""
    registry.channel(
        ChannelType(
            name="filedrop",
            version="1.0",
            kind=ChannelKind.STOREFRONT,
            config=FileDropConfig,
            traits=lambda config: Traits(time_zone="Europe/London", currency="GBP", prices_include_tax=True),
            open=lambda config, context: Channel(feeds=[Products(config.folder)]),
        )
    )
