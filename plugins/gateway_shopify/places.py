"""The shop's locations."""

from __future__ import annotations

from gateway.sdk import ContractError, InvalidValueError, Place, shapes
from gateway_shopify import answers
from gateway_shopify.client import Client
from gateway_shopify.following import connection_of, following
from gateway_shopify.operations import PLACES


async def places(client: Client) -> list[Place]:
    """All of them."""
    found: list[Place] = []
    after = None
    while True:
        page = connection_of(await client.ask(PLACES, after=after), "locations", PLACES)
        try:
            named = shapes.several(page, "nodes")
            found += [Place(answers.number(one, "Location"), shapes.text(one, "name")) for one in named]
        except InvalidValueError as error:
            raise ContractError(f"Locations answered with something else than locations ({error})") from error
        if (after := following(page, after)) is None:
            return found
