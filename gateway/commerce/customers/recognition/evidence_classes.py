"""Classes of evidence, strongest first, and the cells that each of them joins (rule C3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from gateway.commerce.customers.recognition.block_evidence import BlockEvidence, Holder
from gateway.commerce.customers.recognition.cells import (
    Cell,
    count_given_names,
    split_by_full_name,
    split_by_given_name,
    split_with_incomplete,
)
from gateway.model.customers.profiles import IdentityRule
from gateway.model.customers.recognition import EvidenceKind

CLASSES = (
    IdentityRule.CHANNEL_MERGE,
    IdentityRule.EXTERNAL_REFERENCE,
    IdentityRule.PLUGIN,
    IdentityRule.VERIFIED_EMAIL,
    IdentityRule.LOYALTY_NUMBER,
    IdentityRule.VERIFIED_PHONE,
    IdentityRule.EMAIL_AND_NAME,
    IdentityRule.PHONE_AND_NAME,
    IdentityRule.EMAIL_AND_PHONE,
)
"""The rules that compare evidence, strongest first. What decisions state is stronger than all of them."""

NAME_CLASSES = frozenset((IdentityRule.EMAIL_AND_NAME, IdentityRule.PHONE_AND_NAME))
"""Rules that are reviews if `by_name` is off."""

PROVING_CLASSES = (
    IdentityRule.CHANNEL_MERGE,
    IdentityRule.EXTERNAL_REFERENCE,
    IdentityRule.VERIFIED_EMAIL,
    IdentityRule.VERIFIED_PHONE,
)
"""Rules that show a customer the records that they join (rule C7)."""


def list_cells(rule: IdentityRule, block: BlockEvidence) -> list[Cell]:
    """List what a rule joins in a block, if nothing stands against it. Sorted by value, then by ID."""
    return sorted(_BUILDERS[rule](block), key=_get_order)


def _get_order(cell: Cell) -> tuple[str, tuple[str, ...]]:
    return cell.value or "", cell.ids


def _list_channel_merges(block: BlockEvidence) -> list[Cell]:
    return [
        _pair(IdentityRule.CHANNEL_MERGE, facts.id, facts.merged_into)
        for facts in block.identities
        if facts.merged_into is not None and facts.merged_into in block.ids and facts.merged_into != facts.id
    ]


def _pair(rule: IdentityRule, one: str, other: str) -> Cell:
    return Cell(rule, (min(one, other), max(one, other)))


def _list_references(block: BlockEvidence) -> list[Cell]:
    """References of configured fields, and accounts of a channel: equal relay addresses.

    What no record has as its own ID refers to nothing: it may be what a channel enters for a missing value.
    """
    joined = {key: list_referring(block.holders[key]) for key in block.list_keys(EvidenceKind.REFERENCE)}
    references = [
        Cell(IdentityRule.EXTERNAL_REFERENCE, tuple(holder.id for holder in holders), key[1])
        for key, holders in joined.items()
        if len(holders) > 1 and any(holder.verified for holder in holders)
    ]
    return [*references, *_list_accounts(block)]


def list_referring(holders: Sequence[Holder]) -> list[Holder]:
    """List the holders of a reference that it can join: of each channel one, or several with one given name. What a
    channel has for other people too is no ID of any.
    """
    by_channel: dict[str, list[Holder]] = defaultdict(list)
    for holder in holders:
        by_channel[holder.facts.channel].append(holder)
    single = {channel for channel, found in by_channel.items() if len(found) == 1 or _are_namesakes(found)}
    return [holder for holder in holders if holder.facts.channel in single]


def _are_namesakes(holders: Sequence[Holder]) -> bool:
    names = {holder.given_name for holder in holders}
    return len(names) == 1 and None not in names


def _list_accounts(block: BlockEvidence) -> list[Cell]:
    accounts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key in block.list_keys(EvidenceKind.RELAY_ADDRESS):
        for holder in block.holders[key]:
            accounts[holder.facts.channel, key[1]].append(holder.id)
    return [
        Cell(IdentityRule.EXTERNAL_REFERENCE, tuple(ids), value) for (_, value), ids in accounts.items() if len(ids) > 1
    ]


def list_guest_contacts(block: BlockEvidence) -> list[Cell]:
    """List the guests of one channel that have one contact, which are one for recognition."""
    guests: dict[tuple[str, str], list[str]] = defaultdict(list)
    for facts in block.identities:
        if facts.contact is not None:
            guests[facts.channel, facts.contact].append(facts.id)
    return [Cell(IdentityRule.EMAIL_AND_PHONE, tuple(ids)) for _, ids in sorted(guests.items()) if len(ids) > 1]


def _list_policy_keys(block: BlockEvidence) -> list[Cell]:
    return [
        cell
        for key in block.list_keys(EvidenceKind.POLICY_KEY)
        for cell in split_with_incomplete(IdentityRule.PLUGIN, key[1], block.holders[key])
    ]


def _list_loyalty_numbers(block: BlockEvidence) -> list[Cell]:
    return [
        cell
        for key in block.list_keys(EvidenceKind.LOYALTY_NUMBER)
        for cell in split_by_given_name(IdentityRule.LOYALTY_NUMBER, key[1], block.holders[key])
    ]


def _list_verified(rule: IdentityRule, kind: EvidenceKind) -> Callable[[BlockEvidence], list[Cell]]:
    def list_verified(block: BlockEvidence) -> list[Cell]:
        return [
            cell
            for key in block.list_keys(kind)
            for cell in split_by_given_name(rule, key[1], [one for one in block.holders[key] if one.verified])
        ]

    return list_verified


def _list_emails_with_name(block: BlockEvidence) -> list[Cell]:
    return [
        cell
        for key in block.list_keys(EvidenceKind.EMAIL)
        if not is_shared_mailbox(block.holders[key])
        for cell in split_by_full_name(IdentityRule.EMAIL_AND_NAME, key[1], _list_admissible(block.holders[key]))
    ]


def is_shared_mailbox(holders: Sequence[Holder]) -> bool:
    """Report whether a mailbox is that of several people: its holders have several given names."""
    return count_given_names(holders) > 1


def _list_phones_with_name(block: BlockEvidence) -> list[Cell]:
    return [
        cell
        for key in block.list_keys(EvidenceKind.MOBILE)
        for cell in split_by_full_name(IdentityRule.PHONE_AND_NAME, key[1], _list_admissible(block.holders[key]))
    ]


def _list_admissible(holders: Sequence[Holder]) -> list[Holder]:
    return [holder for holder in holders if holder.is_admissible]


def _list_emails_with_phone(block: BlockEvidence) -> list[Cell]:
    """Equal in email address and mobile number, of which one must be admissible."""
    cells: list[Cell] = []
    phones = _index_phones(block)
    for email in block.list_keys(EvidenceKind.EMAIL):
        pairs: dict[str, list[Holder]] = defaultdict(list)
        for holder in block.holders[email]:
            for number, by_phone in phones.get(holder.id, {}).items():
                if holder.is_admissible or by_phone.is_admissible:
                    pairs[number].append(holder)
        for number, holders in pairs.items():
            if len(holders) > 1:
                cells += split_with_incomplete(IdentityRule.EMAIL_AND_PHONE, f"{email[1]} {number}", holders)
    return cells


def _index_phones(block: BlockEvidence) -> Mapping[str, Mapping[str, Holder]]:
    """Return the mobile numbers that others have too, by the ID of the identity."""
    phones: dict[str, dict[str, Holder]] = defaultdict(dict)
    for key in block.list_keys(EvidenceKind.MOBILE):
        for holder in block.holders[key]:
            phones[holder.id][key[1]] = holder
    return phones


_BUILDERS: Mapping[IdentityRule, Callable[[BlockEvidence], list[Cell]]] = {
    IdentityRule.CHANNEL_MERGE: _list_channel_merges,
    IdentityRule.EXTERNAL_REFERENCE: _list_references,
    IdentityRule.PLUGIN: _list_policy_keys,
    IdentityRule.VERIFIED_EMAIL: _list_verified(IdentityRule.VERIFIED_EMAIL, EvidenceKind.EMAIL),
    IdentityRule.LOYALTY_NUMBER: _list_loyalty_numbers,
    IdentityRule.VERIFIED_PHONE: _list_verified(IdentityRule.VERIFIED_PHONE, EvidenceKind.MOBILE),
    IdentityRule.EMAIL_AND_NAME: _list_emails_with_name,
    IdentityRule.PHONE_AND_NAME: _list_phones_with_name,
    IdentityRule.EMAIL_AND_PHONE: _list_emails_with_phone,
}
