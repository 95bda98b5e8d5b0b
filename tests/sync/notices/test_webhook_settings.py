"""`[webhooks.NAME]` takes URLs of the public internet and secrets that sign."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings.loading import parse
from gateway.settings.problems import SettingsError
from tests.sync.notices.receiver import KEY, SECRET

KINDS = ["consent.confirmation_requested"]


def load(**changes: Any) -> Any:
    table = {"url": "https://mailer.example/hook", "secrets": SECRET, "kinds": KINDS, **changes}
    return parse({"webhooks": {"mailer": table}}, {}).webhooks["mailer"]


def test_a_webhook_has_a_url_a_secret_and_kinds() -> None:
    assert load().signing_keys == (KEY,)
    assert len(load(secrets=[SECRET, SECRET[:-4] + "bGw="]).signing_keys) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://mailer.example/"},
        {"url": "https://ada:secret@mailer.example/"},
        {"url": "https://mailer.example:8443/"},
        {"url": "ftp://mailer.example/"},
        {"secrets": []},
        {"secrets": [SECRET] * 3},
        {"secrets": SECRET.removeprefix("whsec_")},
        {"secrets": "whsec_c2hvcnQ="},
        {"secrets": ""},
        {"kinds": []},
        {"kinds": ["order.placed"]},
    ],
)
def test_a_wrong_webhook_is_refused_without_its_secret(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**changes)
    assert "whsec_a" not in str(caught.value)


def test_another_port_is_listed_and_a_private_host_is_allowed() -> None:
    assert load(url="https://mailer.example:8443/", ports=[8443]).ports == (8443,)
    assert load(url="http://127.0.0.1:8025/", private_addresses=True).private_addresses
