"""Customers, and what became of those that were merged into another."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from gateway.sdk import Address, AuthError, ChannelError, ContactPoint, ContractError, CustomerRecord, Gone, Raw, Ref
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
        merge, customer = (answers.optional(data, field) for field in ("customerMergeJobStatus", "customer"))
        done = {"status": "COMPLETED", "resultingCustomerId": answers.gid("Customer", kept)}
        if customer is None or merge != done:
            return Gone(ref)
        return Raw(ref.id, {"merged": {"into": kept, "updatedAt": customer.get("updatedAt")}})


def customer_of(raw: Raw, config: ShopifyConfig) -> CustomerRecord:
    """The customer that this node is."""
    if (merged := answers.optional(raw.data, "merged")) is not None:
        version = answers.moment(merged, "updatedAt")
        return CustomerRecord(ref=Ref(raw.id), version=version, merged_into=answers.text(merged, "into"))
    node = answers.one(raw.data, "node")
    return CustomerRecord(
        ref=Ref(answers.number(node, "Customer")),
        version=answers.moment(node, "updatedAt"),
        display_name=answers.optional_text(node, "displayName"),
        given_name=answers.optional_text(node, "firstName"),
        family_name=answers.optional_text(node, "lastName"),
        emails=_contact(node, "defaultEmailAddress", "emailAddress", verified=answers.flag(node, "verifiedEmail")),
        phones=_contact(node, "defaultPhoneNumber", "phoneNumber"),
        addresses=tuple(address_of(one) for one in answers.nodes(node, "addressesV2")),
        tags=answers.texts(node, "tags"),
        created_at=answers.moment(node, "createdAt"),
    )


def address_of(node: Node) -> Address:
    """A postal address."""
    return Address(
        name=answers.optional_text(node, "name"),
        company=answers.optional_text(node, "company"),
        line1=answers.optional_text(node, "address1"),
        line2=answers.optional_text(node, "address2"),
        city=answers.optional_text(node, "city"),
        region=answers.optional_text(node, "province"),
        postal_code=answers.optional_text(node, "zip"),
        country_code=answers.optional_text(node, "countryCodeV2"),
        phone=answers.optional_text(node, "phone"),
    )


def _contact(node: Node, field: str, value: str, *, verified: bool = False) -> tuple[ContactPoint, ...]:
    found = answers.optional(node, field)
    return () if found is None else (ContactPoint(value=answers.text(found, value), verified=verified, primary=True),)
