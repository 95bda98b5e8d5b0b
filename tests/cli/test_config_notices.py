"""What a configuration may have, but should not."""

from __future__ import annotations

import pytest

from gateway.cli.config_check import find_notices
from gateway.settings.loading import load_text

CHANNELS = '[channels.till]\nplugin = "memory"\n[channels.web]\nplugin = "memory"\n'


@pytest.mark.parametrize(
    ("access", "is_noticed"),
    [('[access.anonymous]\nchannels = ["web"]', True), ('[access.anonymous]\nchannels = ["till"]', False), ("", False)],
)
def test_a_hidden_channel_that_leads_the_priority_is_noticed(access: str, is_noticed: bool) -> None:
    notices = find_notices(load_text(f'{CHANNELS}[catalogue]\npriority = ["till", "web"]\n{access}\n'))
    expected = "catalogue.priority: texts and handles of products are those of till, which access.anonymous hides"
    assert (expected in notices) is is_noticed
