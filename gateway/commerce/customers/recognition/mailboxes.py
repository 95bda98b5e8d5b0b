"""Mailboxes: providers that deliver several spellings of an address to one mailbox (rule C2)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailProvider:
    """What a provider ignores in the part before the @: dots, and what follows a plus.

    Attributes:
        domain: The domain that stands for all of the provider's domains with the same mailboxes.
    """

    domain: str
    ignores_dots: bool = False


_PROVIDERS = (
    (MailProvider("gmail.com", ignores_dots=True), ("gmail.com", "googlemail.com")),
    (MailProvider("proton.me", ignores_dots=True), ("proton.me", "protonmail.com", "pm.me")),
    (MailProvider("icloud.com"), ("icloud.com", "me.com", "mac.com")),
    *((MailProvider(domain), (domain,)) for domain in ("outlook.com", "hotmail.com", "live.com", "fastmail.com")),
)
_BY_DOMAIN = {domain: provider for provider, domains in _PROVIDERS for domain in domains}


def normalize_mailbox(local: str, domain: str) -> str:
    """Return the one spelling of a mailbox. Other providers may deliver each spelling to somebody else."""
    provider = _BY_DOMAIN.get(domain)
    if provider is None:
        return f"{local}@{domain}"
    mailbox = local.partition("+")[0]
    if provider.ignores_dots:
        mailbox = mailbox.replace(".", "")
    return f"{mailbox or local}@{provider.domain}"
