"""Generated data that the original data lacks. It is derived from the codes, so it is the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from gateway.sdk import Address
from gateway.sdk.testing.sandbox import WorldCustomer, WorldPlace

T = TypeVar("T")

LONDON, MANCHESTER = "london", "manchester"
SHOPS = (
    WorldPlace(id=LONDON, name="London", address=Address(line1="12 Marylebone Road", city="London")),
    WorldPlace(id=MANCHESTER, name="Manchester", address=Address(line1="4 King Street", city="Manchester")),
)
_GIVEN = (
    "Ada Alan Amara Beatrice Bram Carys Cecil Daniel Dorothy Edith Elias Emma Farah Fergus Florence George Grace "
    "Hamza Harriet Ian Imogen Ivy James Joan Kavita Kenneth Leah Lewis Mabel Mohan Nadia Nigel Olive Oscar Pearl "
    "Quentin Rosalind Rupert Saira Stanley Tamsin Tom Una Vera Victor Wendy Wilfred Yusuf Zadie Zoe"
)
_FAMILY = (
    "Adeyemi Ahmed Archer Barnes Bell Bishop Brook Byron Carter Chowdhury Clarke Cooper Dale Davies Ellis Evans "
    "Fisher Fletcher Foster Gibson Grant Hall Harper Hughes Iqbal Jackson Jones Kaur Kelly Lambert Lloyd Marsh "
    "Mason Morgan Murray Nelson Okafor Osborne Parker Patel Price Quinn Reid Rose Shaw Sinclair Taylor Turner "
    "Usman Vaughan Walker Ward Webb Wilson Wood Wright Young"
)
_STREETS = (
    "Mill Road",
    "Church Road",
    "Station Road",
    "Park Avenue",
    "Victoria Street",
    "Orchard Close",
    "High Street",
)
_CATEGORIES = (
    (("CHRISTMAS", "ADVENT", "SANTA", "REINDEER"), ("Seasonal", "Christmas")),
    (("BAG", "SHOPPER", "PURSE", "BACKPACK"), ("Bags",)),
    (("MUG", "CUP", "TEA", "COFFEE", "PLATE", "BOWL", "CUTLERY"), ("Kitchen", "Tableware")),
    (("CAKE", "BAKING", "JAM", "KITCHEN", "LUNCH", "APRON"), ("Kitchen", "Baking and storing")),
    (("LIGHT", "LANTERN", "CANDLE", "LAMP"), ("Home", "Lights")),
    (("FRAME", "CLOCK", "MIRROR", "CUSHION", "HANGER", "SIGN", "DOORMAT", "HOT WATER"), ("Home", "Decoration")),
    (("CARD", "WRAP", "RIBBON", "TISSUE", "PAPER", "NOTEBOOK", "PENCIL"), ("Paper and cards",)),
    (("NECKLACE", "BRACELET", "EARRINGS", "RING"), ("Jewellery",)),
    (("GARDEN", "BIRD", "PLANT", "WATERING"), ("Garden",)),
    (("CHILD", "DOLL", "TOY", "GAME", "JIGSAW", "BABY", "PLAYHOUSE"), ("Toys",)),
)


def compute_number(*parts: str) -> int:
    """Compute a large number that depends on these parts only."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big")


def choose(choices: Sequence[T], *parts: str) -> T:
    """Choose one of these, depending on the parts only."""
    return choices[compute_number(*parts) % len(choices)]


def choose_shop(number: str, customer: str | None) -> str:
    """Choose the shop of a receipt: most customers use the same one."""
    home = LONDON if compute_number("home", customer or number) % 5 < 3 else MANCHESTER
    strays = compute_number("strays", number) % 8 == 0
    return (MANCHESTER if home == LONDON else LONDON) if strays else home


def generate_barcode(code: str) -> str:
    """Generate an EAN-13; one in ten has the prefix of in-store codes."""
    prefix = "20" if compute_number("own code", code) % 10 == 0 else "50"
    digits = f"{prefix}{compute_number('barcode', code) % 10**10:010}"
    return digits + compute_check_digit(digits)


def compute_check_digit(digits: str) -> str:
    """Compute the check digit of a barcode or a loyalty card (GS1)."""
    total = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(digits.zfill(12)[-12:]))
    return str(-total % 10)


def choose_category(title: str) -> tuple[str, ...]:
    """Choose a product's category by the words of its title."""
    paths = (path for words, path in _CATEGORIES if any(word in title.upper() for word in words))
    return next(paths, ("Other gifts",))


def generate_count(code: str, shop: str) -> int | None:
    """Generate the count of a product in a shop; None: never counted."""
    dice = compute_number("stock", code, shop) % 100
    if dice < 3:
        return None
    if dice < 5:
        return -(dice - 1)
    return 0 if dice < 12 else 1 + compute_number("count", code, shop) % 120


def generate_warehouse_count(code: str) -> int:
    """Generate the count of a product in the warehouse."""
    dice = compute_number("warehouse", code) % 100
    return 0 if dice < 8 else 1 + compute_number("pallet", code) % 400


def generate_customer(number: str) -> WorldCustomer:
    """Generate a customer for a customer number. The phone numbers are reserved for fiction."""
    given, family = choose(_GIVEN.split(), "given", number), choose(_FAMILY.split(), "family", number)
    card = f"98{int(number):010}" if number.isdigit() else f"98{compute_number('card', number) % 10**10:010}"
    return WorldCustomer(
        number=number,
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        email=f"{given}.{family}.{number}@example.com".lower(),
        phone=f"020 7946 0{compute_number('phone', number) % 1000:03}",
        card=card + compute_check_digit(card),
        address=_generate_address(number),
    )


def _generate_address(number: str) -> Address:
    city, area = choose((("London", "N"), ("London", "SE"), ("Manchester", "M"), ("Leeds", "LS")), "city", number)
    dice = compute_number("address", number)
    street = f"{1 + dice % 140} {choose(_STREETS, 'street', number)}"
    postal_code = f"{area}{1 + dice % 19} {1 + dice % 9}{'ABDEFGHJ'[dice % 8]}{'LNPQRSTU'[dice // 8 % 8]}"
    return Address(line1=street, city=city, postal_code=postal_code, country_code="GB")
