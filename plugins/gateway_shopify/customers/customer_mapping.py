"""Customers, and the resolution of merged customers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from gateway.sdk import (
    Address,
    AuthError,
    ChannelError,
    ContactPoint,
    ContractError,
    CustomerRecord,
    Gone,
    Raw,
    Ref,
    json_access,
)
from gateway_shopify import graphql_values
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.customers.consent_mapping import map_consents
from gateway_shopify.feeds import ConnectionFeed, ShopContext
from gateway_shopify.graphql_values import Node
from gateway_shopify.products.metafield_mapping import check_names
from gateway_shopify.read_documents import MERGE, METAFIELDS, build_customer_queries

CustomerMerges = OrderedDict[str, tuple[str, str]]
"""Merged customers: the merge job named by a webhook, and the ID of the remaining customer, by the ID of the deleted
one.

Shopify cannot resolve the ID of a merged customer, but reports the result of the job. The content of the webhook is
therefore verified, not trusted.
"""


class CustomerFeed(ConnectionFeed[CustomerRecord]):
    """All customers of the shop."""

    every = timedelta(minutes=15)

    def __init__(self, shop: ShopContext, merges: CustomerMerges) -> None:
        references = dict(sorted(shop.context.references.items()))
        check_names(references.values())
        queries = build_customer_queries([*references.values()])
        super().__init__(shop, CustomerRecord, "customers", queries, partial(map_customer, references=[*references]))
        self._merges = merges

    async def resolve_missing(self, ref: Ref) -> Raw | Gone | ChannelError:
        entry = self._merges.get(ref.id)
        if entry is None:
            return Gone(ref)
        job, remaining = entry
        try:
            data = await self._client.call(MERGE, job=job, kept=graphql_values.build_gid("Customer", remaining))
        except (AuthError, ContractError) as error:  # without the scope for merges, the other customers are still read
            return error
        merge, customer = (
            json_access.get_optional_object(data, field) for field in ("customerMergeJobStatus", "customer")
        )
        done = {"status": "COMPLETED", "resultingCustomerId": graphql_values.build_gid("Customer", remaining)}
        if customer is None or merge != done:
            return Gone(ref)
        return Raw(ref.id, {"merged": {"into": remaining, "updatedAt": customer.get("updatedAt")}})


def map_customer(raw: Raw, config: ShopifyConfig, references: Sequence[str] = ()) -> CustomerRecord:
    """Map a customer, or a merged one. `references`: the channel or system that each requested metafield names."""
    if (merged := json_access.get_optional_object(raw.data, "merged")) is not None:
        version = json_access.get_instant(merged, "updatedAt")
        return CustomerRecord(ref=Ref(raw.id), version=version, merged_into=json_access.get_text(merged, "into"))
    node = json_access.get_object(raw.data, "node")
    return CustomerRecord(
        ref=Ref(graphql_values.get_id(node, "Customer")),
        version=json_access.get_instant(node, "updatedAt"),
        display_name=json_access.get_optional_text(node, "displayName"),
        given_name=json_access.get_optional_text(node, "firstName"),
        family_name=json_access.get_optional_text(node, "lastName"),
        emails=_map_contact_points(
            node, "defaultEmailAddress", "emailAddress", verified=json_access.get_flag(node, "verifiedEmail")
        ),
        phones=_map_contact_points(node, "defaultPhoneNumber", "phoneNumber"),
        addresses=tuple(map_address(address) for address in graphql_values.get_nodes(node, "addressesV2")),
        tags=json_access.get_texts(node, "tags"),
        created_at=json_access.get_instant(node, "createdAt"),
        consents=tuple(map_consents(node)),
        references=dict(_map_references(node, references)),
    )


def _map_references(node: Node, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Map the metafields with the IDs of a customer elsewhere; an empty one has none."""
    for position, name in enumerate(names):
        metafield = json_access.get_optional_object(node, f"{METAFIELDS}{position}")
        if metafield is not None and (value := json_access.get_text(metafield, "value").strip()):
            yield name, value


def map_address(node: Node) -> Address:
    """Map a postal address."""
    return Address(
        name=json_access.get_optional_text(node, "name"),
        company=json_access.get_optional_text(node, "company"),
        line1=json_access.get_optional_text(node, "address1"),
        line2=json_access.get_optional_text(node, "address2"),
        city=json_access.get_optional_text(node, "city"),
        region=json_access.get_optional_text(node, "province"),
        postal_code=json_access.get_optional_text(node, "zip"),
        country_code=json_access.get_optional_text(node, "countryCodeV2"),
        phone=json_access.get_optional_text(node, "phone"),
    )


def _map_contact_points(node: Node, field: str, value: str, *, verified: bool = False) -> tuple[ContactPoint, ...]:
    contact = json_access.get_optional_object(node, field)
    return (
        ()
        if contact is None
        else (ContactPoint(value=json_access.get_text(contact, value), verified=verified, primary=True),)
    )
