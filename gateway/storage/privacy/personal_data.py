"""Which columns hold personal data, and of whom: what an export contains and an erase clears (rules C11, C13).

Every column of every table is declared here, and a test fails on one that is not. A personal column belongs to an
identity, directly or over an order, an account or a decision; or it is derived from such columns; or nothing says whose
it is, and a time limits how long it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Owner(Enum):
    """What the key of a table with personal data refers to.

    Attributes:
        IDENTITY: an identity.
        HOME: the customer ID that was minted with an identity.
        ORDER: an order of an identity.
        ACCOUNT: the loyalty account of an identity.
        DECISION: a decision about identities.
        REVIEW: a review of identities.
        AUDIT: an entry of the audit trail about any of these.
    """

    IDENTITY = "IDENTITY"
    HOME = "HOME"
    ORDER = "ORDER"
    ACCOUNT = "ACCOUNT"
    DECISION = "DECISION"
    REVIEW = "REVIEW"
    AUDIT = "AUDIT"


@dataclass(frozen=True, slots=True)
class PersonalColumns:
    """The personal columns of a table.

    Attributes:
        key: the column by which rows are found.
        erased: the value of each column after an erase; None: the rows are deleted.
        columns: the columns.
    """

    owner: Owner
    key: str
    columns: tuple[str, ...]
    erased: Mapping[str, object] | None


def _clear(owner: Owner, key: str, /, **erased: object) -> PersonalColumns:
    return PersonalColumns(owner, key, tuple(erased), MappingProxyType(erased))


def _delete(owner: Owner, key: str, /, *columns: str) -> PersonalColumns:
    return PersonalColumns(owner, key, columns, None)


PERSONAL: Mapping[str, PersonalColumns] = MappingProxyType(
    {
        "identities": _clear(
            Owner.IDENTITY,
            "id",
            display_name=None,
            given_name=None,
            family_name=None,
            locale=None,
            emails="[]",
            phones="[]",
            addresses="[]",
            tags="[]",
            loyalty_number=None,
            loyalty_points=None,
            loyalty_tier=None,
            evidence="[]",
            links="[]",
            policy_key=None,
            external_references=None,
            contact_key=None,
            has_login=False,
        ),
        "customer_edits": _delete(Owner.IDENTITY, "identity_id", "value"),
        "customer_addresses": _delete(Owner.IDENTITY, "identity_id", "address"),
        "interactions": _delete(Owner.IDENTITY, "identity_id", "summary", "source_key"),
        "consent_facts": _delete(Owner.IDENTITY, "identity_id", "address", "wording"),
        "consent_pushes": _delete(Owner.IDENTITY, "identity_id", "address"),
        "customer_decisions": _clear(Owner.DECISION, "id", note=None, undone_note=None),
        "customer_reviews": _clear(Owner.REVIEW, "id", evidence="[]"),
        "orders": _clear(
            Owner.ORDER,
            "id",
            contact=None,
            shipping_address=None,
            billing_address=None,
            client_key=None,
            network_key=None,
        ),
        "fulfillments": _clear(Owner.ORDER, "order_id", identification=None),
        "order_events": _clear(Owner.ORDER, "order_id", message=""),
        "order_tasks": _clear(Owner.ORDER, "order_id", note=""),
        "carts": _clear(
            Owner.HOME, "customer_id", customer_id=None, loyalty_home=None, loyalty_points=None, client_key=None
        ),
        "loyalty_accounts": _clear(Owner.ACCOUNT, "id", number=None),
        "loyalty_facts": _clear(Owner.ACCOUNT, "account_id", reason=None),
        "loyalty_entries": _clear(Owner.ACCOUNT, "account_id", reason=""),
        "audit_values": _clear(Owner.AUDIT, "entry_id", before=None, after=None),
    }
)
"""Columns that belong to somebody, by table."""

EXPORTED_WITH: Mapping[str, tuple[Owner, str]] = MappingProxyType(
    {"order_lines": (Owner.ORDER, "order_id"), "payments": (Owner.ORDER, "order_id")}
)
"""Tables without personal columns whose rows an export has, too: the owner, and the column that names it."""

DERIVED: Mapping[str, str] = MappingProxyType(
    {
        "customers": "display_name given_name family_name emails phones addresses tags sort_name words locale",
        "contacts": "value",
        "identity_evidence": "key given_name holder",
        "evidence_keys": "key",
        "evidence_names": "name_key",
        "words": "word",
    }
)
"""Columns that are computed anew from those of the identities, by table."""

BOUNDED: Mapping[str, str] = MappingProxyType(
    {
        "inbox": "headers body",
        "idempotency": "answer client_key",
        "outbox": "payload",
        "rejects": "payload detail",
        "refusal_counts": "client",
        "attempts": "subject",
        "data_requests": "file",
        "retained_invoices": "content",
    }
)
"""Columns that do not say whose they are. `[retention]` and the request itself limit how long they are stored."""

PUBLISHED: Mapping[str, str] = MappingProxyType(
    {
        "product_reviews": "author title body reply",
    }
)
"""Columns that a channel publishes, as long as it does."""

OTHER: Mapping[str, str] = MappingProxyType(
    {
        "api_tokens": (
            "id name kind prefix secret_hash former_hash rotates_at scopes channel channels locations created_by "
            "created_at expires_at revoked_at last_used_at"
        ),
        "app_documents": "app version name document_id",
        "app_versions": "app version owner pushed_at",
        "attempts": "kind failures since",
        "audit_entries": (
            "id occurred_at actor_kind actor_name token_id action subject_type subject_id channel location "
            "refused request_id"
        ),
        "audit_values": "entry_id number field personal",
        "bought_together": "product_id channel other_id orders",
        "budgets": "channel name level at capacity per_second",
        "cart_changes": (
            "cart_id version number kind line_id title price_before price_after quantity_before quantity_after"
        ),
        "cart_lines": "id cart_id position listing_id title quantity unit_price unit_price_micros",
        "carts": "id rotation version status channel currency order_id created_at expires_at updated_at",
        "categories": "id path handle title parent_id sort_title used",
        "category_channels": "category_id channel",
        "category_path_channels": "category_id channel",
        "changes": "id pos kind subjects at",
        "channel_currencies": "channel currency",
        "channel_orders": (
            "id order_id channel location client_reference external_id state attempts fault_code fault_message "
            "fault_retryable fault_at lines total read_total updated_at"
        ),
        "channel_products": (
            "id channel external_id grouped title description brand tags status images category created_at gone "
            "media locale html seo_title seo_description texts_digest attributes handle rating rating_count "
            "first_seen_at"
        ),
        "channels": (
            "key paused first_synced_at last_success_at retry_at fault_code fault_message fault_retryable "
            "fault_at failures armed_at push_fault"
        ),
        "collection_members": "collection_id external_id channel position",
        "collection_products": "collection_id product_id position",
        "collections": (
            "id source_id channel external_id generation gone handle handle_claim title sort_title texts image "
            "version updated_at"
        ),
        "consent_facts": (
            "id identity_id purpose granted earliest latest confirmed source decided_at received_at channel"
        ),
        "consent_pushes": "key identity_id purpose source decided_at state is_shown shown_at created_at",
        "contacts": "kind customer_id",
        "counters": "name value",
        "customer_addresses": "id identity_id default_shipping default_billing created_at updated_at",
        "customer_consents": "customer_id purpose",
        "customer_decision_members": "identity_id decision_id",
        "customer_decisions": (
            "id number merge_id kind left_ids right_ids proved rule actor review_id decided_at undone_at undone_by"
        ),
        "customer_edits": "identity_id field by_customer edited_at",
        "customer_review_members": "identity_id review_id",
        "customer_reviews": "id key state reason merge_id created_at decided_at decided_by",
        "customers": (
            "id version visible last_order_at created_at updated_at has_login order_count store_order_count "
            "first_order_at channels channels_version"
        ),
        "data_request_members": "identity_id request_id cleared_at",
        "data_request_parts": (
            "request_id channel state attempts fault_code fault_message fault_retryable fault_at proof kept "
            "completed_at"
        ),
        "data_requests": (
            "id kind state home proved requested_by requested_at executes_at due_at restricted_at completed_at "
            "file_until"
        ),
        "document_names": "name document_id",
        "document_policies": ("document_id blocked reason max_age_seconds max_per_minute deadline_ms set_by set_at"),
        "documents": "id text first_used_at last_used_at uses",
        "evidence_keys": "holders given_names",
        "evidence_names": "holders",
        "facts": "name value",
        "former_collection_handles": "channel handle collection_id replaced_at",
        "former_handles": "handle product_id replaced_at",
        "fulfillments": (
            "id version order_id channel channel_order_id method status location transfer_from lines tracking "
            "wrong_codes code_rotation closed_until ready_at collect_by shipped_at estimated_delivery_at "
            "delivered_at created_at updated_at"
        ),
        "id_namespaces": "channel namespace",
        "idempotency": "principal key fingerprint run until expires_at claimed_at cart_id",
        "identities": (
            "id customer_id channel external_id merged_into gone linked_at home proved_id twin_id "
            "record_created_at changed_at erased_at pending_since"
        ),
        "identity_evidence": "identity_id verified",
        "inbox": "id channel delivery_id received_at processed_at problem",
        "interactions": "id identity_id kind occurred_at channel location public actor created_at",
        "leases": "name holder fence expires_at",
        "links": "channel external_id to_channel to_external_id units_per_listing decided_at",
        "listings": (
            "id channel external_id generation current gone channel_product_id position variant_id product_id "
            "matched_by sku sku_key gtin match_key condition title options option_texts image unit_of_measure "
            "price price_micros compare_at_price currency price_includes_tax units_per_listing tracked "
            "inventory_item status url note updated_at media attributes prices price_since net_content "
            "first_seen_at"
        ),
        "location_authorities": "location channel place accepted_at",
        "log_head": "one pos",
        "log_readers": "name pos read_at",
        "loyalty_accounts": (
            "id key identity_id balance pending held next_at periods tier unshown tier_until created_at updated_at"
        ),
        "loyalty_entries": (
            "id account_id key expiry number kind points channel location order_id occurred_at pending_until "
            "expires_at posted_at"
        ),
        "loyalty_facts": (
            "key source kind account_id identity_id origin order_id channel location occurred_at minor currency "
            "rate multiplier points entry_kind state expires_at created_at"
        ),
        "match_reviews": "id listing_id reason candidates created_at",
        "notices": ("id endpoint kind subject version ids state attempts due_at sender fault created_at updated_at"),
        "offers": "product_id channel price_min price_max currency discount",
        "order_events": "id order_id number kind channel location occurred_at actor_kind actor_name actor_token",
        "order_lines": (
            "id order_id external_id position channel place variant generation title sku sku_key quantity "
            "unit_price unit_price_micros total currency fulfilled_quantity returned_quantity restocked_quantity "
            "locations discount restocked_locations"
        ),
        "order_tasks": "order_id kind opened_at due_at",
        "orders": (
            "id version channel external_id number client_reference place customer customer_channel reverses "
            "status fulfillment_status payment_status return_status currency subtotal discount_total tax_total "
            "tax_included tax_lines shipping_total other_charges total refunded_total stock_posted attached_to "
            "followed unplaced words placed_at cancelled_at pay_by expired_at test withheld updated_at"
        ),
        "outbox": (
            "id key channel operation subject about lane state sent attempts due_at not_after sender held_by "
            "ticket fault_code fault_message fault_retryable fault_at created_at updated_at"
        ),
        "passes": (
            "channel feed kind resource later_resource mark token reached begin begun_at completed_at "
            "complete_as_of due_at taken accept_absent pages fault_code fault_message fault_retryable fault_at "
            "version"
        ),
        "payments": "id order_id kind provider reference amount currency status channel occurred_at receipt",
        "price_history": "listing_id currency seen_from seen_until price compare_at_price",
        "product_attributes": "product_id key value micros",
        "product_reviews": (
            "id source_id channel external_id external_product_id external_variant_id rating verified_purchase "
            "locale written_at gone"
        ),
        "product_tags": "product_id tag",
        "product_texts": "channel_product_id locale title description html seo_title seo_description",
        "product_words": "word rank product_id",
        "products": (
            "id handle version title description brand category_id tags status images options option_texts "
            "visible sort_title words created_at updated_at media media_channel texts_digest attributes "
            "handle_claim handle_channel handle_external_id rating rating_count search_index first_seen_at "
            "field_sources"
        ),
        "pushes": (
            "channel listing_id place location dirty state wanted sent sent_at confirmed confirmed_at command "
            "due_at failures queued_at accepted_at fault_code fault_message fault_retryable fault_at"
        ),
        "rankings": "id fingerprint ids created_at",
        "redirects": "old_id new_id",
        "refusal_counts": "minute action code count",
        "rejects": "id channel resource external_id feed reason field rejected_at severity",
        "reservations": (
            "id channel item place location listing_id quantity state reason owner order_channel order_ref "
            "line_ref turn command follows acknowledged_count acknowledged_at ask_at expires_at created_at "
            "updated_at"
        ),
        "retained_invoices": "order_id placed_at delete_at",
        "sold_units": "product_id channel units",
        "sources": (
            "id channel resource external_id feed note version digest begin end generation dirty_at gone rejected "
            "absent_at observed_at"
        ),
        "spendings": "customer_id currency total",
        "stock": "id channel item place on_hand committed incoming held version known counted_at updated_at",
        "suppressions": "digest kind key_id erased_at",
        "variants": (
            "id product_id version position sku gtin title image options option_texts unit_of_measure visible "
            "updated_at media media_channel attributes"
        ),
        "webhook_endpoints": "name failing_since paused_at fault",
        "word_edits": "edit word",
        "words": "kind subject_id",
    }
)
"""Columns without personal data, by table."""
