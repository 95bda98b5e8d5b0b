"""A population whose truth is known: people in households, and their records in six channels, with what goes wrong.

The shares are assumptions, not measurements of a retailer. What recognition promises, it promises about them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from bench.recognition.names import SHORT_FORMS, NameList, build_syllable_names
from gateway.commerce.customers.recognition.given_names import normalize_given_name
from gateway.model.customers.recognition import Evidence, EvidenceKind, IdentityFacts

LOGINS = frozenset(("web", "shop2", "app"))
"""Channels whose records have a login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The assumptions."""

    household_sizes: tuple[float, ...] = (0.70, 0.14, 0.09, 0.07)
    shared_mailbox: float = 0.04  # of households of several people
    one_name: float = 0.01  # of the second ones of a household: father and son of one name
    other_family_name: float = 0.10
    recycled_number: float = 0.02
    recycled_mailbox: float = 0.002
    landline: float = 0.35  # of the numbers that people of a household give
    name_missing_at_till: float = 0.08
    short_form: float = 0.03
    initial: float = 0.02
    misspelled_name: float = 0.015
    married: float = 0.02
    mistyped_address: float = 0.03  # where somebody else types it
    typo_hits_somebody: float = 0.10
    card: float = 0.55
    wrong_card: float = 0.01  # in the web store
    attackers: int = 50  # accounts with the name and the address of a customer, which is not verified
    office_number: float = 0.10  # of all records: clerks enter the number of the shop


@dataclass(frozen=True, slots=True)
class Person:
    """A person, with the values that the person has."""

    number: int
    given: str
    family: str
    mobile: str | None
    landline: str
    email: str | None
    card: str
    has_family: bool


@dataclass(slots=True)
class RecordDraft:
    """A record before it is written. `person`: whose it is."""

    person: int
    channel: str
    given: str | None
    family: str
    email: tuple[str, bool] | None = None
    phone: tuple[str, bool] | None = None
    card: str | None = None
    reference: int | None = None


@dataclass(slots=True)
class Population:
    """Records, and the person of each, by ID. `attackers`: IDs of the accounts of attackers."""

    identities: list[IdentityFacts] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    attackers: list[str] = field(default_factory=list)


class PopulationGenerator:
    """Generates records of people until there are enough."""

    def __init__(self, records: int, seed: int, shares: Shares, names: NameList | None = None) -> None:
        self._records = records
        self._source = Random(seed)
        self._shares = shares
        self._names = names or build_syllable_names(self._source)
        self._people: list[Person] = []
        self._drafts: list[RecordDraft] = []
        self._count = 0

    def generate(self) -> Population:
        while len(self._drafts) < self._records * 7 // 8:
            for person in self._generate_household():
                self._add_records(person)
        attackers = range(len(self._drafts), len(self._drafts) + self._shares.attackers)
        self._add_attackers()
        self._add_walk_ins()
        self._enter_dummy_values()
        return _build_population(self._drafts, attackers)

    def _has(self, share: float) -> bool:
        return self._source.random() < share

    def _generate_household(self) -> list[Person]:
        size = self._source.choices((1, 2, 3, 4), self._shares.household_sizes)[0]
        family, landline = self._names.pick_family(self._source), self._number_phone("+4420")
        mailbox = f"{family}{self._count}@mail.example" if size > 1 and self._has(self._shares.shared_mailbox) else None
        members: list[Person] = []
        for position in range(size):
            namesake = members[0] if position == 1 and self._has(self._shares.one_name) else None
            members.append(self._generate_person(family, landline, mailbox, namesake, has_family=size > 1))
        return members

    def _generate_person(
        self, family: str, landline: str, mailbox: str | None, namesake: Person | None, *, has_family: bool
    ) -> Person:
        shares, source, number = self._shares, self._source, len(self._people)
        given = namesake.given if namesake else self._names.pick_given(source)
        other = self._names.pick_family(source) if self._has(shares.other_family_name) else family
        own_family = namesake.family if namesake else other
        mobile = self._number_phone("+447") if self._has(0.9) else None
        if mobile and self._people and self._has(shares.recycled_number):
            mobile = source.choice(self._people).mobile or mobile
        email = mailbox or (f"{given}.{own_family}{number}@mail.example".replace(" ", "") if self._has(0.95) else None)
        if email and self._people and self._has(shares.recycled_mailbox):
            email = source.choice(self._people).email or email
        person = Person(number, given, own_family, mobile, landline, email, f"L{number:07}", has_family)
        self._people.append(person)
        return person

    def _number_phone(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count:08}"

    def _add_records(self, person: Person) -> None:
        """Add a person's records: a card at the till, accounts, guests' orders, a marketplace."""
        shares, source = self._shares, self._source
        has_card = self._has(shares.card)
        if has_card:
            for _ in range(1 + self._has(0.1)):
                email = self._write_email(person.email) if self._has(0.6) else None
                card = person.card if self._has(0.9) else None
                self._add(
                    "till", person, shares.name_missing_at_till, (email, False), self._pick_phone(person, 0.7), card
                )
        account = self._add_account(person, has_card=has_card) if self._has(0.6) else None
        if self._has(0.25):
            for _ in range(source.choice((1, 1, 2, 3))):
                self._add(
                    "guest", person, 0.01, (self._write_email(person.email), False), self._pick_phone(person, 0.7)
                )
        if self._has(0.15):
            self._add("shop2", person, 0.01, (person.email, self._has(0.85)), self._pick_phone(person, 0.5))
        if self._has(0.25):
            draft = self._add("market", person, 0.05, (None, False), None)
            draft.reference = account if self._has(0.05) else None
        if self._has(0.15):
            card = person.card if has_card and self._has(0.6) else None
            email = person.email if self._has(0.5) else None
            self._add("app", person, 0.02, (email, False), person.mobile, card, phone_verified=True)

    def _add_account(self, person: Person, *, has_card: bool) -> int:
        card = person.card if has_card and self._has(0.35) else None
        if card and self._has(self._shares.wrong_card):
            card = self._source.choice(self._people).card
        self._add("web", person, 0.01, (person.email, True), self._pick_phone(person, 0.6), card)
        return len(self._drafts) - 1

    def _add(
        self,
        channel: str,
        person: Person,
        missing: float,
        email: tuple[str | None, bool],
        phone: str | None,
        card: str | None = None,
        *,
        phone_verified: bool = False,
    ) -> RecordDraft:
        draft = RecordDraft(person.number, channel, *self._write_name(person, missing), card=card)
        draft.email = None if email[0] is None else (email[0], email[1])
        draft.phone = None if phone is None else (phone, phone_verified)
        self._drafts.append(draft)
        return draft

    def _write_name(self, person: Person, missing: float) -> tuple[str | None, str]:
        shares = self._shares
        married = self._has(shares.married)
        return self._write_given_name(person.given, missing), (
            self._names.pick_family(self._source) if married else person.family
        )

    def _write_given_name(self, given: str, missing: float) -> str | None:
        shares, roll = self._shares, self._source.random() - missing
        if roll < 0:
            return None
        if roll < shares.short_form:
            return SHORT_FORMS.get(given, given)
        if roll < shares.short_form + shares.initial:
            return given[0]
        if roll < shares.short_form + shares.initial + shares.misspelled_name and len(given) > 4:
            at = self._source.randrange(1, len(given))
            return given[:at] + self._source.choice("aeiou") + given[at + 1 :]
        return given

    def _pick_phone(self, person: Person, share: float) -> str | None:
        if not self._has(share):
            return None
        return person.landline if person.has_family and self._has(self._shares.landline) else person.mobile

    def _write_email(self, email: str | None) -> str | None:
        if email is None or not self._has(self._shares.mistyped_address):
            return email
        if self._has(self._shares.typo_hits_somebody):
            return self._source.choice(self._people).email
        at = self._source.randrange(len(email) - 8)
        return email[:at] + email[at + 1 :]

    def _add_attackers(self) -> None:
        victims = [draft for draft in self._drafts if draft.channel in LOGINS and draft.email is not None]
        for number in range(self._shares.attackers):
            victim = self._source.choice(victims)
            address = None if victim.email is None else (victim.email[0], False)
            self._drafts.append(
                RecordDraft(len(self._people) + number, "web", victim.given, victim.family, email=address)
            )

    def _add_walk_ins(self) -> None:
        """Add people whom clerks entered once, with the number of the shop."""
        first = len(self._people) + self._shares.attackers
        for number in range(self._records - len(self._drafts)):
            given, family = self._names.pick_given(self._source), self._names.pick_family(self._source)
            self._drafts.append(RecordDraft(first + number, "till", given, family))

    def _enter_dummy_values(self) -> None:
        """Enter the numbers of the shop and of offices, and addresses that mean none, in records of the till."""
        records = [draft for draft in self._drafts if draft.channel == "till"]
        self._source.shuffle(records)
        offices = [("+442000000001", int(self._records * self._shares.office_number))]
        offices += [(f"+44200000{90 + number:04}", self._records * (1 + number) // 2_000) for number in range(10)]
        for at, (number, _) in enumerate(offices):
            start = sum(count for _, count in offices[:at])
            for draft in records[start : start + offices[at][1]]:
                draft.phone = (number, False)
        self._source.shuffle(records)
        some = self._records * 15 // 1_000
        for draft in records[:some]:
            draft.email = ("none@none.example", False)
        for draft in records[some : some + self._records * 4 // 1_000]:
            draft.email = ("sales@retailer.example", False)


def _build_population(drafts: list[RecordDraft], attackers: range) -> Population:
    population = Population(attackers=[_format_id(number) for number in attackers])
    for number, draft in enumerate(drafts):
        facts = _build_facts(_format_id(number), draft)
        population.identities.append(facts)
        population.people[facts.id] = draft.person
    return population


def _format_id(number: int) -> str:
    return f"{number:07}"


def _build_facts(id_: str, draft: RecordDraft) -> IdentityFacts:
    return IdentityFacts(
        id=id_,
        channel=draft.channel,
        given_name=normalize_given_name(draft.given),
        family_name=draft.family,
        has_login=draft.channel in LOGINS,
        evidence=(*_list_evidence(draft), *_list_references(id_, draft)),
    )


def _list_references(id_: str, draft: RecordDraft) -> Iterator[Evidence]:
    """List the account that a record names, and an account's own ID."""
    if draft.reference is not None:
        yield Evidence(EvidenceKind.REFERENCE, _format_id(draft.reference))
    if draft.channel in LOGINS:
        yield Evidence(EvidenceKind.REFERENCE, id_, verified=True)


def _list_evidence(draft: RecordDraft) -> Iterator[Evidence]:
    if draft.email is not None:
        yield Evidence(EvidenceKind.EMAIL, *draft.email)
    if draft.phone is not None:
        is_mobile = draft.phone[0].startswith("+447")
        yield Evidence(EvidenceKind.MOBILE if is_mobile else EvidenceKind.LANDLINE, *draft.phone)
    if draft.card is not None:
        yield Evidence(EvidenceKind.LOYALTY_NUMBER, draft.card)
