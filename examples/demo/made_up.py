"""What the data does not have. Everything follows from the codes themselves, so it is the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

from gateway.sdk import Address
from gateway.sdk.testing.sandbox import WorldCustomer, WorldPlace

T = TypeVar("T")

LONDON, MANCHESTER = "london", "manchester"
SHOPS = (
    WorldPlace(id=LONDON, name="London", address=Address(line1="12 Marylebone Lane", city="London")),
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
    "Mill Lane",
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


def chance(*parts: str) -> int:
    """A large number that these parts always give."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest(), "big")


def picked(choices: Sequence[T], *parts: str) -> T:
    """One of these."""
    return choices[chance(*parts) % len(choices)]


def shop(number: str, customer: str | None) -> str:
    """Where a receipt was rung up: most customers have a shop that they go to."""
    home = LONDON if chance("home", customer or number) % 5 < 3 else MANCHESTER
    strays = chance("strays", number) % 8 == 0
    return (MANCHESTER if home == LONDON else LONDON) if strays else home


def barcode(code: str) -> str:
    """An EAN-13; one in ten has a prefix that is for a shop's own codes."""
    prefix = "20" if chance("own code", code) % 10 == 0 else "50"
    digits = f"{prefix}{chance('barcode', code) % 10**10:010}"
    return digits + check_digit(digits)


def check_digit(digits: str) -> str:
    """The last digit of a barcode or a card (GS1)."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits.zfill(12)[-12:]))
    return str(-total % 10)


def category(title: str) -> tuple[str, ...]:
    """Where a product would be filed, by the words of its title."""
    found = (path for words, path in _CATEGORIES if any(word in title.upper() for word in words))
    return next(found, ("Other gifts",))


def counted(code: str, place: str) -> int | None:
    """How many are in a shop; None: nobody has ever counted it there."""
    dice = chance("stock", code, place) % 100
    if dice < 3:
        return None
    if dice < 5:
        return -(dice - 1)
    return 0 if dice < 12 else 1 + chance("count", code, place) % 120


def warehoused(code: str) -> int:
    """How many are in the warehouse."""
    dice = chance("warehouse", code) % 100
    return 0 if dice < 8 else 1 + chance("pallet", code) % 400


def customer(number: str) -> WorldCustomer:
    """A person for a customer number. The phone numbers are among those kept for fiction."""
    given, family = picked(_GIVEN.split(), "given", number), picked(_FAMILY.split(), "family", number)
    card = f"98{int(number):010}" if number.isdigit() else f"98{chance('card', number) % 10**10:010}"
    return WorldCustomer(
        number=number,
        name=f"{given} {family}",
        given_name=given,
        family_name=family,
        email=f"{given}.{family}.{number}@example.com".lower(),
        phone=f"020 7946 0{chance('phone', number) % 1000:03}",
        card=card + check_digit(card),
        address=_address(number),
    )


def _address(number: str) -> Address:
    city, area = picked((("London", "N"), ("London", "SE"), ("Manchester", "M"), ("Leeds", "LS")), "city", number)
    dice = chance("address", number)
    street = f"{1 + dice % 140} {picked(_STREETS, 'street', number)}"
    postal_code = f"{area}{1 + dice % 19} {1 + dice % 9}{'ABDEFGHJ'[dice % 8]}{'LNPQRSTU'[dice // 8 % 8]}"
    return Address(line1=street, city=city, postal_code=postal_code, country_code="GB")
