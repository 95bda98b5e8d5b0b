"""The query page and its files: complete, small, from the gateway alone, and only where the page is shown."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
import zstandard

from gateway.http.graphql.playground import DEFAULT_QUERY, FOLDER, POLICY
from gateway.settings.loading import load
from tests.graphql.world import PRODUCTION, open_small_world
from tests.test_settings import ENVIRONMENT

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-encoding": "identity"}
FILES = sorted(path.name for path in FOLDER.iterdir() if path.name != "index.html")
HOSTILE = "# </script><script>alert(1)</script>\nquery Own { __typename }"
MAX_SIZE = 2_000_000
MAIN = next(name for name in FILES if re.fullmatch(r"page-\w+\.js", name))


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


class PageReader(HTMLParser):
    """Reads the addresses that a page names, and the text of its one script that is data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value and value != "data:,"]
        self._in_script = tag == "script"

    def handle_data(self, data: str) -> None:
        if self._in_script and data.strip():
            self.scripts.append(data)
            self._in_script = False


async def fetch_page(http: httpx2.AsyncClient) -> PageReader:
    return PageReader((await http.get("/graphql", headers=BROWSER)).text)


async def test_the_page_names_files_that_the_gateway_has(http: httpx2.AsyncClient) -> None:
    page = await fetch_page(http)
    assert [address.rpartition(".")[2] for address in page.addresses] == ["css", "js"]
    for address in page.addresses:
        assert (await http.get(f"/{address}")).status_code == 200
    assert json.loads(page.scripts[0]) == [{"query": DEFAULT_QUERY}]


@pytest.mark.parametrize("name", FILES)
async def test_a_file_arrives_as_it_is_and_may_be_kept(http: httpx2.AsyncClient, name: str) -> None:
    for encoding in ("identity", "gzip", "zstd"):
        response = await http.get(f"/graphql/{name}", headers={"accept-encoding": encoding})
        content = zstandard.decompress(response.content) if encoding == "zstd" else response.content
        assert content == (FOLDER / name).read_bytes()
        assert response.headers.get("content-encoding", "identity") == encoding
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-security-policy"] == POLICY, "that of a worker's file is the worker's"


@pytest.mark.parametrize("name", ["index.html", "playground.py", "..%2fplayground.py", "%2e%2e", MAIN + "%0a", "x.js"])
async def test_nothing_else_is_served(http: httpx2.AsyncClient, name: str) -> None:
    assert (await http.get(f"/graphql/{name}")).status_code == 404


@pytest.mark.parametrize("tables", [{"server": {"graphiql": False}}, PRODUCTION])
async def test_without_the_page_there_are_no_files(database_url: str, tables: Mapping[str, Any]) -> None:
    async with open_small_world(database_url, **tables) as world:
        assert (await world.client.http.get("/graphql", headers={"accept": "text/html"})).status_code == 406
        assert {(await world.client.http.get(f"/graphql/{name}")).status_code for name in FILES} == {404}


async def test_no_query_of_the_configuration_can_become_a_script(database_url: str) -> None:
    async with open_small_world(database_url, server={"graphiql_queries": [HOSTILE]}) as world:
        page = await fetch_page(world.client.http)
        assert [json.loads(text) for text in page.scripts] == [[{"query": HOSTILE}]]


def test_the_policy_allows_no_eval_no_inline_script_and_nothing_from_elsewhere() -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["worker-src"] == rules["connect-src"] == "'self'"
    assert "unsafe-eval" not in POLICY and "//" not in POLICY and "*" not in POLICY


def test_the_page_is_small() -> None:
    sizes = [len(gzip.compress((FOLDER / name).read_bytes(), 6)) for name in FILES if not name.endswith(".txt")]
    assert MAX_SIZE / 2 < sum(sizes) <= MAX_SIZE


def test_what_is_committed_comes_with_its_licenses_and_exact_versions() -> None:
    licenses = (FOLDER / "LICENSES.txt").read_text(encoding="utf-8")
    package = json.loads((ROOT / "playground" / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "playground" / "package-lock.json").read_text(encoding="utf-8"))
    for name, version in package["dependencies"].items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
        assert f"\n{name} {version} (MIT)\n" in licenses
    assert not any("resolved" in entry for entry in lock["packages"].values())


def test_the_queries_of_the_demo_are_tabs(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "demo" / "gateway.toml").read_text(encoding="utf-8")
    copy = tmp_path / "gateway.toml"
    copy.write_text(re.sub(r'"\$\{DEMO_PORT\}"', "8000", text), encoding="utf-8")
    names = re.findall(r"\$\{(\w+)\}", text)
    settings = load(copy, {**ENVIRONMENT, **{name: f"https://{name.lower()}.example.com/" for name in names}})
    assert [re.findall(r"^query (\w+)", query, re.MULTILINE) for query in settings.server.graphiql_queries] == [
        ["Product"],
        ["LatestOrders"],
        ["Catalog"],
    ]
