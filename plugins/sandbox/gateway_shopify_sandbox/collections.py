"""Collections of the sandbox's shop: lists of products in an order."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_shopify_sandbox.state import Node, Shop, format_instant


def put_collection(shop: Shop, title: str, products: Sequence[Node]) -> Node:
    """Create the collection with this title, or replace its products, and emit its webhook."""
    existing = next((node for node in shop.list_nodes("Collection") if node["title"] == title), None)
    collection = existing or shop.add(
        "Collection",
        title=title,
        handle="-".join(title.lower().split()),
        description="",
        descriptionHtml="",
        image=None,
        seo={"title": None, "description": None},
        translations={},
        products=[],
        updatedAt=format_instant(shop.now()),
    )
    collection["products"] = list(products)
    shop.touch(collection, "collections/update" if existing else "collections/create")
    return collection


def remove_from_collections(shop: Shop, product: Node) -> None:
    """Remove a deleted product from all collections. Their dates of change stay as they are."""
    for collection in shop.list_nodes("Collection"):
        collection["products"] = [entry for entry in collection["products"] if entry is not product]
