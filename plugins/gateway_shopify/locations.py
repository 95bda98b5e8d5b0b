"""The shop's locations."""

from __future__ import annotations

from gateway.sdk import ContractError, InvalidValueError, Place, json_access
from gateway_shopify import graphql_values
from gateway_shopify.client import ShopifyClient
from gateway_shopify.nested_pagination import get_connection, get_next_cursor
from gateway_shopify.read_documents import LOCATIONS


async def list_locations(client: ShopifyClient) -> list[Place]:
    """List all active locations."""
    locations: list[Place] = []
    after = None
    while True:
        page = get_connection(await client.call(LOCATIONS, after=after), "locations", LOCATIONS)
        try:
            nodes = json_access.get_objects(page, "nodes")
            locations += [
                Place(graphql_values.get_id(node, "Location"), json_access.get_text(node, "name")) for node in nodes
            ]
        except InvalidValueError as error:
            raise ContractError(f"the response of Locations has invalid locations ({error})") from error
        if (after := get_next_cursor(page, after)) is None:
            return locations
