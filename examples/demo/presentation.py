"""How the web store presents its products: pictures, descriptions, reductions, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from examples.demo.generated import choose, compute_number
from gateway.sdk.testing.sandbox import WorldProduct

PICTURES = "http://127.0.0.1:8001/pictures"
"""Where the demo serves pictures by default."""

COLORS: Mapping[str, str] = MappingProxyType(
    {
        "Red": "b3262e",
        "Blue": "2f5d8c",
        "Green": "3f7d58",
        "Pink": "e58fa8",
        "White": "e9e6df",
        "Black": "33312e",
        "Yellow": "e3b23c",
        "Orange": "d9772b",
        "Purple": "7a4f91",
        "Ivory": "ded3b6",
        "Cream": "e6dcc0",
        "Silver": "a9adb3",
        "Gold": "c29b3a",
    }
)
"""The colors that titles name; gateway.toml declares their swatches."""

_MATERIALS = MappingProxyType(
    {
        "Wood": ("WOOD", "WICKER"),
        "Glass": ("GLASS", "CRYSTAL", "MURANO"),
        "Metal": ("METAL", "TIN", "ENAMEL", "STEEL", "SILVER", "GOLD", "ZINC"),
        "Ceramic": ("CERAMIC", "MUG", "PORCELAIN", "CUP", "PLATE", "BOWL"),
        "Fabric": ("FABRIC", "KNITTED", "FELT", "BAG", "CUSHION", "APRON", "COTTON", "BUNTING", "TOWEL"),
        "Paper": ("PAPER", "CARD", "WRAP", "NOTEBOOK", "TISSUE"),
    }
)
_MOTIFS = MappingProxyType(
    {
        ("Seasonal", "Christmas"): "tree",
        ("Bags",): "bag",
        ("Kitchen", "Tableware"): "mug",
        ("Kitchen", "Baking and storing"): "cake",
        ("Home", "Lights"): "lantern",
        ("Home", "Decoration"): "frame",
        ("Paper and cards",): "card",
        ("Jewellery",): "necklace",
        ("Garden",): "plant",
        ("Toys",): "toy",
    }
)
_OPENINGS = (
    "A favorite of our regular customers.",
    "Made for everyday use, and pretty enough to give away.",
    "Small workshops make it for us in short runs.",
    "Chosen by our buyers for its color and finish.",
)
_CARE = ("Wipe clean with a soft cloth.", "Keep it dry.", "Wash by hand.", "Not suitable for children under three.")


def present_product(product: WorldProduct, pictures: str = PICTURES) -> WorldProduct:
    """Add to a product what a page for customers shows. `pictures`: URL under which the demo serves pictures."""
    colors = find_colors(product.title)
    return replace(
        product,
        images=_build_images(product, colors, pictures),
        description=_build_description(product),
        compare_at=_choose_earlier_price(product),
        attributes=_build_attributes(product, colors),
        swatch=f"#{COLORS[colors[0]]}" if colors and dict(product.options).keys() == {"Color"} else None,
    )


def find_colors(title: str) -> tuple[str, ...]:
    """Find the colors that a title names."""
    words = title.upper().replace("+", " ").replace("/", " ").split()
    return tuple(color for color in COLORS if color.upper() in words)


def find_materials(title: str) -> tuple[str, ...]:
    """Find the materials that a title names."""
    words = title.upper().split()
    return tuple(name for name, signs in _MATERIALS.items() if any(sign in words for sign in signs))


def compute_width(product: WorldProduct) -> int:
    """Compute the width of a product in centimeters, the same for all variants."""
    return 5 + compute_number("width", product.group or product.sku) % 46


def _build_images(product: WorldProduct, colors: tuple[str, ...], pictures: str) -> tuple[str, ...]:
    motif = "heart" if "HEART" in product.title.upper() else _MOTIFS.get(product.category, "gift")
    color = COLORS[colors[0]] if colors else choose(tuple(COLORS.values()), "color", product.sku)
    hue = compute_number("background", product.group or product.sku) % 360
    return tuple(f"{pictures}/{motif}-{color}-{hue}-{view}.svg" for view in (1, 2, 3))


def _build_description(product: WorldProduct) -> str:
    name, key = (product.group or product.title).capitalize(), product.group or product.sku
    facts = [f"{compute_width(product)} cm wide", *(name for name in find_materials(product.title))]
    items = "".join(f"<li>{fact}</li>" for fact in facts)
    opening, care = choose(_OPENINGS, "opening", key), choose(_CARE, "care", key)
    return f"<p><strong>{_escape(name)}.</strong> {opening}</p><ul>{items}</ul><p>{care}</p>"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _choose_earlier_price(product: WorldProduct) -> Decimal | None:
    """Choose the price before a reduction, for one product in six."""
    if compute_number("reduced", product.group or product.sku) % 6 or product.price <= 0:
        return None
    factor = Decimal(choose(("1.2", "1.25", "1.4"), "reduction", product.group or product.sku))
    return (product.price * factor).quantize(Decimal("0.01"))


def _build_attributes(product: WorldProduct, colors: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    given = {
        "shop.color": colors,
        "shop.material": find_materials(product.title),
        "shop.width": (f"{compute_width(product)} cm",),
    }
    return tuple((name, values) for name, values in given.items() if values)
