"""The golden record of a customer: each field is taken from one of its identities (rule C6). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from gateway.model.customers.golden_record import CustomerField, FieldSource, SurvivorshipRule
from gateway.model.customers.profiles import GUEST
from gateway.model.validation import fold
from gateway.storage.sql.bulk import load_json
from gateway.storage.tables import EPOCH
from gateway.storage.writes.customers.edits import AddressRow, EditRow
from gateway.storage.writes.customers.identities import IdentityRow

NAME, EMAIL, PHONE, LOCALE, TAGS = "NAME", "EMAIL", "PHONE", "LOCALE", "TAGS"
"""Fields that can be entered here. A name is entered and taken whole, never mixed."""

Point = list[Any]
"""A contact point as it is stored: value, verified, primary, channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRecord:
    """What is known of a customer over all channels.

    Attributes:
        emails, phones: distinct contact points, the preferred one first.
        addresses: distinct addresses, as JSON values.
        sources: the identity of each field.
    """

    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None
    emails: Sequence[Point] = ()
    phones: Sequence[Point] = ()
    addresses: Sequence[Mapping[str, Any]] = ()
    tags: Sequence[str] = ()
    sources: Sequence[FieldSource] = ()


@dataclass(frozen=True, slots=True)
class SurvivorshipRules:
    """What survivorship depends on.

    Attributes:
        priority: rank of every channel; lower is preferred, and a channel without one comes last.
        lending: channels that only lend personal data, which survives nowhere.
    """

    priority: Mapping[str, int] = field(default_factory=dict)
    lending: frozenset[str] = frozenset()


class _Candidate(NamedTuple):
    """A value of an identity. The smallest is preferred."""

    is_not_chosen: bool
    edited: float
    is_unverified: bool
    rank: int
    age: float
    identity_id: str
    value: Any
    observed_at: datetime | None


def build_golden_record(
    identities: Sequence[IdentityRow],
    edits: Sequence[EditRow],
    addresses: Sequence[AddressRow],
    rules: SurvivorshipRules,
) -> GoldenRecord:
    """Build the golden record of identities, in whatever order they are."""
    rows = sorted((row for row in identities if is_known(row, rules)), key=lambda row: row.id)
    names = _rank(rows, edits, rules, NAME, _get_name)
    emails = _rank(rows, edits, rules, EMAIL, lambda row: _get_primary(row.emails))
    phones = _rank(rows, edits, rules, PHONE, lambda row: _get_primary(row.phones))
    homes = _rank(rows, (), rules, "", lambda row: (next(iter(load_json(row.addresses)), None), False))
    locales = _rank(rows, edits, rules, LOCALE, lambda row: (row.locale, False))
    display, given, family = names[0].value if names else (None, None, None)
    return GoldenRecord(
        display_name=display,
        given_name=given,
        family_name=family,
        locale=locales[0].value if locales else None,
        emails=_merge_points(emails, [row.emails for row in rows]),
        phones=_merge_points(phones, [row.phones for row in rows]),
        addresses=_merge_addresses(homes, rows, addresses),
        tags=_merge_tags(rows, edits),
        sources=tuple(_list_sources(names, emails, phones, homes, locales)),
    )


def is_known(row: IdentityRow, rules: SurvivorshipRules) -> bool:
    """Whether the fields of an identity are shown: it is neither gone nor erased, nor are they only lent."""
    return not row.gone and row.erased_at is None and row.channel.removeprefix(GUEST) not in rules.lending


def _get_name(row: IdentityRow) -> tuple[Any, bool]:
    whole = " ".join(part for part in (row.given_name, row.family_name) if part)
    name = (row.display_name or whole or None, row.given_name, row.family_name)
    return (name if any(name) else None), False


def _get_primary(points: str) -> tuple[Any, bool]:
    """Return the preferred contact point of an identity, and whether it is verified."""
    listed: list[Point] = sorted(load_json(points), key=lambda point: (not point[1], not point[2]))
    return (listed[0][0], bool(listed[0][1])) if listed else (None, False)


def _rank(
    rows: Sequence[IdentityRow],
    edits: Iterable[EditRow],
    rules: SurvivorshipRules,
    name: str,
    read: Callable[[IdentityRow], tuple[Any, bool]],
) -> list[_Candidate]:
    """List the values that identities have, and those that were entered, the preferred one first."""
    entered = [
        _Candidate(False, -edit.edited_at.timestamp(), False, 0, 0, edit.identity_id, value, edit.edited_at)
        for edit in edits
        if edit.field == name and (value := _read_edit(edit)) is not None
    ]
    stored = [
        _Candidate(True, 0, not verified, _get_rank(row, rules), -_get_age(row), row.id, value, row.changed_at)
        for row in rows
        if (value := read(row)[0]) is not None
        for verified in (read(row)[1],)
    ]
    return sorted([*entered, *stored], key=lambda candidate: candidate[:6])


def _read_edit(edit: EditRow) -> Any:
    value = load_json(edit.value)
    return tuple(value) if isinstance(value, list) and edit.field == NAME else value


def _get_rank(row: IdentityRow, rules: SurvivorshipRules) -> int:
    return rules.priority.get(row.channel, len(rules.priority))


def _get_age(row: IdentityRow) -> float:
    return ((row.changed_at or EPOCH) - EPOCH).total_seconds()


def _list_sources(
    names: Sequence[_Candidate],
    emails: Sequence[_Candidate],
    phones: Sequence[_Candidate],
    addresses: Sequence[_Candidate],
    locales: Sequence[_Candidate],
) -> Iterable[FieldSource]:
    for position, name in enumerate((CustomerField.DISPLAY_NAME, CustomerField.GIVEN_NAME, CustomerField.FAMILY_NAME)):
        if names and names[0].value[position] is not None:
            yield _build_source(name, [(candidate, candidate.value[position]) for candidate in names])
    others = ((CustomerField.EMAIL, emails), (CustomerField.PHONE, phones))
    for other, candidates in (*others, (CustomerField.ADDRESS, addresses), (CustomerField.LOCALE, locales)):
        if candidates:
            yield _build_source(other, [(candidate, candidate.value) for candidate in candidates])


def _build_source(name: CustomerField, candidates: Sequence[tuple[_Candidate, Any]]) -> FieldSource:
    chosen, value = candidates[0]
    alternatives = {repr(other) for _, other in candidates if other is not None} - {repr(value)}
    rivals = [candidate for candidate, other in candidates[1:] if other is not None]
    rule = SurvivorshipRule.CHOSEN if not chosen.is_not_chosen else _find_rule(chosen, rivals)
    return FieldSource(
        field=name,
        identity_id=chosen.identity_id,
        rule=rule,
        observed_at=chosen.observed_at,
        alternatives=len(alternatives),
    )


def _find_rule(chosen: _Candidate, rivals: Sequence[_Candidate]) -> SurvivorshipRule:
    """Find the rule by which a value was preferred to the next one."""
    if not rivals:
        return SurvivorshipRule.ONLY_ONE
    if chosen.is_unverified != rivals[0].is_unverified:
        return SurvivorshipRule.VERIFIED
    return SurvivorshipRule.CHANNEL_PRIORITY if chosen.rank != rivals[0].rank else SurvivorshipRule.NEWEST


def _merge_points(ranked: Sequence[_Candidate], stored: Iterable[str]) -> list[Point]:
    """Merge contact points that are equal but for case, the preferred one first: it alone is primary."""
    merged: dict[str, Point] = {}
    if ranked:
        merged[fold(ranked[0].value)] = [ranked[0].value, False, True, []]
    for value, verified, _, channels in (point for text in stored for point in load_json(text)):
        point = merged.setdefault(fold(value), [value, False, False, []])
        point[1] = point[1] or verified
        point[3] = [*point[3], *(key for key in channels if key not in point[3])]
    return list(merged.values())


def _merge_addresses(
    ranked: Sequence[_Candidate], rows: Sequence[IdentityRow], entered: Sequence[AddressRow]
) -> list[Mapping[str, Any]]:
    """Merge addresses: those that were entered here, the default one first, then those of channels."""
    own = sorted(entered, key=lambda row: not row.default_shipping)
    listed = [load_json(row.address) for row in own]
    listed += [ranked[0].value] if ranked else []
    listed += [address for row in rows for address in load_json(row.addresses)]
    distinct: dict[str, Mapping[str, Any]] = {}
    for address in listed:
        distinct.setdefault(repr(sorted(address.items())), address)
    return list(distinct.values())


def _merge_tags(rows: Sequence[IdentityRow], edits: Iterable[EditRow]) -> list[str]:
    """Merge tags of all channels, unless staff have entered them here."""
    entered = sorted(
        (edit for edit in edits if edit.field == TAGS), key=lambda edit: (edit.edited_at, edit.identity_id)
    )
    if entered:
        return list(load_json(entered[-1].value))
    return list(dict.fromkeys(tag for row in rows for tag in load_json(row.tags)))
