"""Address books of customers."""

from __future__ import annotations

from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import load_channels_of_sales
from gateway.graphql.scopes import PERSONAL_DATA_OR_SELF
from gateway.graphql.types.channels import Channel
from gateway.graphql.types.node import Node
from gateway.graphql.types.values import Address
from gateway.model.customers import address_book


@output(address_book.CustomerAddress, "An address of a customer.", scopes=PERSONAL_DATA_OR_SELF)
class CustomerAddress(Node):
    id: strawberry.ID = declare_global_id("CustomerAddress", "id")
    address: Address = attribute("The address.")
    default_shipping: bool = attribute("Whether forms show it first as shipping address.")
    default_billing: bool = attribute("Whether forms show it first as billing address.")
    editable: bool = attribute("Whether it was entered here, and can be changed. Those of channels cannot.")
    channel: Channel | None = load(
        "The channel that has it. Null: it was entered here.", load_channels_of_sales, key=attrgetter("channel_key")
    )
