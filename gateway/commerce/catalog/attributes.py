"""Attributes of products: those that the configuration declares, with values of their types."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from gateway.model.attributes.definitions import AttributeDefinition, AttributeType
from gateway.model.attributes.values import MAX_VALUES, build_reference, compute_micros, is_canonical, normalize_value
from gateway.model.validation import InvalidValueError
from gateway.sdk.html import sanitize_html
from gateway.sdk.record_fields import RecordWarning, put
from gateway.sdk.records import ProductRecord, VariantRecord
from gateway.storage.sql.bulk import dump_json
from gateway.storage.writes.product_attributes import AttributeRow

Definitions = Mapping[str, AttributeDefinition]
Values = dict[str, list[str]]


def select_declared(record: ProductRecord, channel: str, definitions: Definitions) -> None:
    """Replace the attributes of a product and its variants by those that are declared, with canonical values. Values of
    another type are dropped with a warning.
    """
    declared = {key: it for key, it in definitions.items() if channel in it.sources}
    warnings: list[RecordWarning] = []
    owners: list[ProductRecord | VariantRecord] = [record, *record.variants]
    for owner in owners:
        put(owner, "attributes", _normalize_attributes(owner, channel, declared, warnings))
    put(record, "warnings", (*record.warnings, *warnings))


def _normalize_attributes(
    owner: ProductRecord | VariantRecord, channel: str, declared: Definitions, warnings: list[RecordWarning]
) -> Values:
    found = ((key, it, owner.attributes.get(it.sources[channel], ())) for key, it in declared.items())
    qualified = ((key, it, _build_references(it, channel, texts)) for key, it, texts in found if texts)
    normalized = {key: _normalize_values(it, texts, warnings) for key, it, texts in qualified}
    return {key: values for key, values in normalized.items() if values}


def _build_references(definition: AttributeDefinition, channel: str, texts: Sequence[str]) -> Sequence[str]:
    """Add the channel to the IDs of products, which differ between channels."""
    if definition.type is not AttributeType.PRODUCT:
        return texts
    return [build_reference(channel, text) for text in texts if text.strip()]


def _normalize_values(
    definition: AttributeDefinition, texts: Sequence[str], warnings: list[RecordWarning]
) -> list[str]:
    values: dict[str, None] = {}
    for text in texts:
        try:
            value = normalize_value(definition, text)
            if definition.type is AttributeType.HTML:
                value = sanitize_html(f"attributes.{definition.key}", value)
            values |= {value: None} if value else {}
        except InvalidValueError as error:
            warnings.append(RecordWarning(f"attributes.{definition.key}", error.reason))
    most = MAX_VALUES if definition.list else 1
    if len(values) > most:
        reason = f"has {len(values)} values; the first {most} are stored"
        warnings.append(RecordWarning(f"attributes.{definition.key}", reason))
    return list(values)[:most]


def compute_digest(channel: str, definitions: Definitions) -> str:
    """Compute a digest of how attributes of a channel are read and filtered by; empty: none is read."""
    read = [
        [key, it.type.value, it.unit, it.list, it.facet, it.range, it.sources[channel]]
        for key, it in sorted(definitions.items())
        if channel in it.sources
    ]
    return hashlib.blake2b(dump_json(read).encode(), digest_size=8).hexdigest() if read else ""


def dump_attributes(attributes: Mapping[str, Sequence[str]]) -> str | None:
    """Encode canonical values by key."""
    return dump_json({key: list(values) for key, values in attributes.items()}) if attributes else None


def merge_attributes(texts: Iterable[str | None]) -> str | None:
    """Merge encoded attributes: of each key, the values of the first that has it."""
    merged: Values = {}
    for text in texts:
        for key, values in json.loads(text).items() if text else ():
            merged.setdefault(key, values)
    return dump_attributes(merged)


def build_rows(product_id: str, texts: Iterable[str | None], definitions: Definitions) -> list[AttributeRow]:
    """Build the rows by which products are filtered: the values of a product and its variants."""
    pairs = {
        (key, value)
        for text in texts
        if text
        for key, values in json.loads(text).items()
        if key in definitions and (definitions[key].facet or definitions[key].range)
        for value in values
        if is_canonical(definitions[key], value)  # not of a type that another listing was synced with
    }
    return [
        AttributeRow(product_id, key, value, compute_micros(definitions[key], value)) for key, value in sorted(pairs)
    ]
