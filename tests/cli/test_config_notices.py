"""What a configuration may have, but should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.config_check import find_notices, find_topology_changes
from gateway.model.ids import GlobalId
from gateway.settings.loading import load_text, parse
from tests.databases import create_sqlite_database

CHANNELS = '[channels.till]\nplugin = "memory"\n[channels.web]\nplugin = "memory"\n'


@pytest.mark.parametrize(
    ("access", "is_noticed"),
    [('[access.anonymous]\nchannels = ["web"]', True), ('[access.anonymous]\nchannels = ["till"]', False), ("", False)],
)
def test_a_hidden_channel_that_leads_the_priority_is_noticed(access: str, is_noticed: bool) -> None:
    notices = find_notices(load_text(f'{CHANNELS}[catalogue]\npriority = ["till", "web"]\n{access}\n'))
    expected = "catalogue.priority: texts and handles of products are those of till, which access.anonymous hides"
    assert (expected in notices) is is_noticed


@pytest.mark.anyio
async def test_a_category_of_a_collection_that_does_not_exist_is_noticed(tmp_path: Path) -> None:
    table = {"titles": {"en": "Mugs"}, "filter": {"category_ids": [str(GlobalId("Category", ("0" * 32,)))]}}
    url = create_sqlite_database(tmp_path / "gateway.db")
    settings = parse({"database": url, "collections": {"mugs": table}}, {})
    assert await find_topology_changes(settings) == [
        "collections.mugs.filter.category_ids.0: there is no such category; nothing matches it"
    ]
