"""Feed of a till's products: one variant each, without versions; every pass is a full pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from gateway.sdk import Money, ProductRecord, Raw, Ref, VariantRecord
from gateway_sqlpos.bundles import Bundle, find_pack, load_bundles
from gateway_sqlpos.config import SqlPosConfig
from gateway_sqlpos.product_groups import EACH, PARTS, format_item, load_category_paths, load_units
from gateway_sqlpos.products.attribute_columns import load_attributes
from gateway_sqlpos.products.pricing_columns import list_columns, read_pricing
from gateway_sqlpos.row_values import (
    Row,
    format_id,
    get_exact_price,
    get_gtin,
    get_single_row,
    get_text,
    is_true,
)
from gateway_sqlpos.table_feed import TableFeed
from gateway_sqlpos.table_mapping import Layout, Products
from gateway_sqlpos.till import Till, TillSession


class ProductFeed(TableFeed[ProductRecord]):
    """Products of a till."""

    of = ProductRecord
    name = "products"
    every = timedelta(minutes=5)

    def __init__(self, config: SqlPosConfig, till: Till, attributes: Collection[str] = ()) -> None:
        super().__init__(config, till)
        self._attributes = sorted(attributes)

    columns = ("id", "sku", "barcode", "title", "price", "category", "service")

    def get_names(self, layout: Layout) -> Products:
        return layout.products

    def complete_rows(self, till: TillSession, rows: list[Row]) -> None:
        """Add the category, and what only some products have: that of others must not appear changed."""
        paths = load_category_paths(till) if rows else {}
        bundles = load_bundles(till) if rows else {}
        packs = [pack for bundle in bundles.values() if (pack := find_pack(bundle)) is not None]
        units = load_units(till, [*(format_id(row["id"]) for row in rows), *(pack.component for pack in packs)])
        ids = [format_id(row["id"]) for row in rows]
        attributes = load_attributes(till, self._attributes, ids)
        pricing = load_attributes(till, list_columns(self.config), ids)
        for row in rows:
            row |= {"attributes": values} if (values := attributes.get(format_id(row["id"]))) else {}
            row |= {"pricing": values} if (values := pricing.get(format_id(row["id"]))) else {}
            row |= {"unit": unit} if (unit := units.get(format_id(row["id"]))) else {}
            row["category"] = paths.get(format_id(row["category"]), [])
            if not is_true(row.pop("service")):
                row |= _describe_pack(bundles.get(format_id(row["id"])), units)
            else:
                row["service"] = True

    def read(self, raw: Raw) -> ProductRecord:
        """Read a product. The price of a kilogram is none of a gram: what is sold by measure is sold at the till."""
        row = get_single_row(raw)
        title, exact = get_text(row, "title") or "", get_exact_price(row, "price")
        unit = row.get("unit")
        prices, content, warnings = read_pricing(row.get("pricing", {}), self.config)
        variant = VariantRecord(
            ref=Ref(raw.id),
            title=title,
            sku=get_text(row, "sku"),
            gtin=get_gtin(row, "barcode"),
            price=None if unit else Money.rounded(exact, self.config.currency),
            exact_price=None if unit else exact,
            prices=() if unit else prices,
            net_content=content,
            unit_of_measure=unit or EACH,
            price_includes_tax=self.config.prices_include_tax,
            tracked=not row.get("service", False),
            inventory_item=row.get("item") or format_item(raw.id, unit),
            units_per_listing=row.get("pack", 1),
        )
        attributes = {name: (value,) for name, value in row.get("attributes", {}).items()}
        return ProductRecord(
            ref=Ref(raw.id),
            title=title,
            variants=(variant,),
            category=row["category"],
            attributes=attributes,
            warnings=warnings,
        )


def _describe_pack(bundle: Bundle | None, units: Mapping[str, str]) -> Row:
    """Describe a bundle of one component: it sells that component's stock."""
    pack = None if bundle is None else find_pack(bundle)
    if pack is None:
        return {}
    unit = units.get(pack.component)
    return {"item": format_item(pack.component, unit), "pack": pack.units * (PARTS if unit else 1)}
