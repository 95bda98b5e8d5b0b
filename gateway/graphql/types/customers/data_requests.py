"""Types of requests for exports and erases."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter

import strawberry

from gateway.execution.fields import attribute, load
from gateway.execution.object_types import output
from gateway.graphql.global_ids import declare_global_id
from gateway.graphql.loaders.channels import load_channels_of_sales
from gateway.graphql.loaders.customers.data_requests import load_data_requests, load_download_urls
from gateway.graphql.loaders.customers.profiles import load_customers
from gateway.graphql.scopes import DATA_REQUESTS
from gateway.graphql.types.channels import Channel, ChannelFault
from gateway.graphql.types.customers.profiles import Customer
from gateway.graphql.types.node import Node
from gateway.graphql.types.outcomes import ERRORS, UserError
from gateway.model import mutation_result
from gateway.model.customers import data_requests


@output(data_requests.DataRequestPart, "What a request does in a channel, or in the gateway.")
class DataRequestPart:
    channel: Channel | None = load(
        "The channel. Null: the gateway.", load_channels_of_sales, key=attrgetter("channel_key")
    )
    state: data_requests.DataPartState = attribute("State of the part.")
    attempts: int = attribute("How often the channel was asked.")
    fault: ChannelFault | None = attribute("Why the last attempt failed. Null: it did not.")
    proof: str | None = attribute("What shows that it is done: a receipt, and when it was read. Null: nothing yet.")
    kept: list[str] = attribute("What stays, and why.", size=20)
    completed_at: datetime | None = attribute("When it was done. Null: it is not.")


@output(
    data_requests.DataRequest,
    "A request for an export or an erase of a customer's data.",
    scopes=DATA_REQUESTS,
)
class DataRequest(Node):
    id: strawberry.ID = declare_global_id("DataRequest", "id")
    kind: data_requests.DataRequestKind = attribute("What is requested.")
    state: data_requests.DataRequestState = attribute("State of the request.")
    customer: Customer | None = load(
        "The customer. Null: it is erased, or a channel has requested the erase of orders without a customer.",
        load_customers,
        key=attrgetter("customer_id"),
    )
    parts: list[DataRequestPart] = attribute("What it does in the gateway, and in each channel.", size=20)
    download_url: str | None = load(
        "Address of the file of an export; it needs no token. Relative to the gateway unless the configuration has a "
        "public address. Null: there is no file.",
        load_download_urls,
        key=lambda request: request,
        volatile=True,
    )
    download_until: datetime | None = attribute(
        "Time until which the file can be downloaded. Null: there is no file.", path="file_until"
    )
    requested_by: str = attribute("Name of the token of who requested it. Empty: the customer.")
    requested_at: datetime = attribute("When it was requested.")
    executes_at: datetime = attribute("When it begins. An erase can be canceled until then.")
    due_at: datetime = attribute("Legal deadline.")
    completed_at: datetime | None = attribute("When it was done or canceled. Null: it is not.")


@output(mutation_result.MutationResult, "Result of a change of a request for an export or an erase.")
class DataRequestPayload:
    request: DataRequest | None = load(
        "The request in its current state. Null: there is none.", load_data_requests, key=attrgetter("subject")
    )
    user_errors: list[UserError] = attribute(ERRORS)
