"""Customers, and what became of those that were merged into another."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

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
    shapes,
)
from gateway_shopify import answers
from gateway_shopify.answers import Node
from gateway_shopify.config import ShopifyConfig
from gateway_shopify.feeds import Shop, ShopFeed
from gateway_shopify.operations import CUSTOMERS, MERGE

Merges = OrderedDict[str, tuple[str, str]]
"""Of customers that are no more: the job that deliveries say has merged them, and into whom.

Shopify has no way to ask an id that is gone where it went; the job it can be asked about, so nothing of a delivery is
believed.
"""


class CustomerFeed(ShopFeed[CustomerRecord]):
    """All customers of the shop."""

    every = timedelta(minutes=15)

    def __init__(self, shop: Shop, merges: Merges) -> None:
        super().__init__(shop, CustomerRecord, "customers", CUSTOMERS, customer_of)
        self._merges = merges

    async def missing(self, ref: Ref) -> Raw | Gone | ChannelError:
        told = self._merges.get(ref.id)
        if told is None:
            return Gone(ref)
        job, kept = told
        try:
            data = await self._client.ask(MERGE, job=job, kept=answers.gid("Customer", kept))
        except (AuthError, ContractError) as error:  # without the scope for this the others are read all the same
            return error
        merge, customer = (shapes.optional_one(data, field) for field in ("customerMergeJobStatus", "customer"))
        done = {"status": "COMPLETED", "resultingCustomerId": answers.gid("Customer", kept)}
        if customer is None or merge != done:
            return Gone(ref)
        return Raw(ref.id, {"merged": {"into": kept, "updatedAt": customer.get("updatedAt")}})


def customer_of(raw: Raw, config: ShopifyConfig) -> CustomerRecord:
    """The customer that this node is."""
    if (merged := shapes.optional_one(raw.data, "merged")) is not None:
        version = shapes.instant(merged, "updatedAt")
        return CustomerRecord(ref=Ref(raw.id), version=version, merged_into=shapes.text(merged, "into"))
    node = shapes.one(raw.data, "node")
    return CustomerRecord(
        ref=Ref(answers.number(node, "Customer")),
        version=shapes.instant(node, "updatedAt"),
        display_name=shapes.optional_text(node, "displayName"),
        given_name=shapes.optional_text(node, "firstName"),
        family_name=shapes.optional_text(node, "lastName"),
        emails=_contact(node, "defaultEmailAddress", "emailAddress", verified=shapes.flag(node, "verifiedEmail")),
        phones=_contact(node, "defaultPhoneNumber", "phoneNumber"),
        addresses=tuple(address_of(one) for one in answers.nodes(node, "addressesV2")),
        tags=shapes.texts(node, "tags"),
        created_at=shapes.instant(node, "createdAt"),
    )


def address_of(node: Node) -> Address:
    """A postal address."""
    return Address(
        name=shapes.optional_text(node, "name"),
        company=shapes.optional_text(node, "company"),
        line1=shapes.optional_text(node, "address1"),
        line2=shapes.optional_text(node, "address2"),
        city=shapes.optional_text(node, "city"),
        region=shapes.optional_text(node, "province"),
        postal_code=shapes.optional_text(node, "zip"),
        country_code=shapes.optional_text(node, "countryCodeV2"),
        phone=shapes.optional_text(node, "phone"),
    )


def _contact(node: Node, field: str, value: str, *, verified: bool = False) -> tuple[ContactPoint, ...]:
    found = shapes.optional_one(node, field)
    return () if found is None else (ContactPoint(value=shapes.text(found, value), verified=verified, primary=True),)
