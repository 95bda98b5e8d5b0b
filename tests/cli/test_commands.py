"""The command line: output and exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx2
import pytest

from gateway.cli import main
from gateway.model.token_secrets import hash_secret

PLUGIN = """
from gateway.sdk import Registry, hookimpl
from gateway.sdk.testing import record_builders
from gateway.sdk.testing.memory_channel import MemoryPlugin, MemoryStore

store = MemoryStore()
for number in range(3):
    store.put("products", record_builders.build_product(str(number), sku=f"SKU-{number}"))
store.put("products", record_builders.build_product("bad", price="-1.00"))

@hookimpl
def gateway_register(registry: Registry) -> None:
    MemoryPlugin(store, name="corner").gateway_register(registry)
"""

CONFIG = """
database = "sqlite:///gateway.db"

[channels.till]
plugin = "corner"
sells_to = "anyone"

[tokens.staff]
token = "secret"
scopes = ["stock:read"]
"""

Gateway = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a configuration and an installed third-party plugin."""
    installed = tmp_path / "installed"
    (installed / "corner-1.0.dist-info").mkdir(parents=True)
    (installed / "corner-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: corner\nVersion: 1.0\n")
    (installed / "corner-1.0.dist-info" / "entry_points.txt").write_text(
        "[commerce_gateway.channels]\ncorner = corner_plugin\n"
    )
    (installed / "corner_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.delitem(sys.modules, "corner_plugin", raising=False)
    importlib.invalidate_caches()
    (tmp_path / "gateway.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")
    return tmp_path


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """Runs a command and returns its exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["gateway", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


def test_a_configuration_without_problems_is_ok(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("check-config") == 0
    assert capsys.readouterr().out == "gateway.toml: OK: 1 channel, 0 locations, 1 token\n"


def test_each_problem_of_a_configuration_is_a_line(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.toml").write_text(
        """
        database = "oracle://x"
        [catalogue]
        prices = "cheapest"
        [channels.till]
        plugin = "corner"
        required = true
        [channels.till.config]
        page_size = 0
        [channels.web]
        plugin = "corner"
        colour = "red"
        """
    )
    assert gateway("check-config", "--config", "bad.toml") == 1
    assert capsys.readouterr().out.splitlines() == [
        "database: begins with oracle; expected sqlite:///FILE or postgresql://USER@HOST/NAME",
        "catalogue.prices: there is no policy cheapest; expected one of priority",
        "channels.till.config.page_size: Input should be greater than or equal to 1",
        "channels.web.colour: unknown key",
    ]


def test_the_plugins_that_are_installed_are_listed_with_those_that_cannot_be_used(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("plugins") == 0
    assert ["corner", "1", "POS", ">=1,<2", "no"] in [line.split() for line in capsys.readouterr().out.splitlines()]
    with (folder / "installed" / "corner-1.0.dist-info" / "entry_points.txt").open("a") as points:
        points.write("broken = no_such_module\n")
    assert gateway("plugins") == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        "plugin broken: failed on import: ModuleNotFoundError: No module named 'no_such_module'"
    )


@pytest.mark.parametrize(("options", "shown"), [((), False), (("--verbose",), True)])
def test_the_traceback_of_a_plugin_is_shown_when_it_is_asked_for(
    folder: Path, options: tuple[str, ...], shown: bool
) -> None:
    (folder / "installed" / "corner_plugin.py").write_text("import no_such_driver")
    command = [sys.executable, "-c", "from gateway.cli import main; main()", *options, "plugins"]
    environment = os.environ | {"PYTHONPATH": str(folder / "installed")}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert ("Traceback" in said.stderr) is shown
    assert "plugin corner: failed on import: ModuleNotFoundError" in said.stdout


def test_a_sync_shows_how_far_it_is_and_what_was_rejected_can_be_listed_and_replayed(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("sync", "till") == 0
    assert "till products" in (said := capsys.readouterr().err)
    assert "4 records" in said
    assert gateway("rejects", "list") == 0
    listed = capsys.readouterr().out
    assert "price: -1.00 is negative" in listed
    (reject,) = [line.split()[0] for line in listed.splitlines() if "price" in line]
    assert gateway("rejects", "replay", reject) == 1
    assert capsys.readouterr().out == "1 still rejected\n"
    sys.modules["corner_plugin"].store.change("products", "bad", variants=[{"id": "bad", "title": ""}])
    assert gateway("rejects", "replay", "--all") == 0
    assert capsys.readouterr().out == "all records are accepted now\n"


def test_a_channel_that_cannot_be_read_is_reported_with_its_exit_code(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("migrate") == 0
    from gateway.sdk import UnavailableError
    from gateway.sdk.testing.fault_injection import raise_error

    assert gateway("plugins") == 0
    sys.modules["corner_plugin"].store.apply(raise_error(UnavailableError("the line is down")), feed="stock")
    assert gateway("sync") == 1
    assert "channel till, feed stock: UNAVAILABLE: the line is down" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("sync", "web"), "error: there is no channel web; expected one of till"),
        (("rejects", "replay"), "error: expected ids of rejects, or --all"),
        (("rejects", "replay", "nope"), "error: there is no reject nope; see `gateway rejects list`"),
        (("sandbox", "corner"), "error: the plugin corner has no sandbox"),
        (("serve", "-c", "none.toml"), "error: none.toml: cannot be read"),
        (("migrate", "-c", "locked.toml"), "error: database: unable to open database file"),
        (("migrate", "-c", "away.toml"), "error: database: cannot be reached ("),
        (("sync", "-c", "nameless.toml"), "error: database: cannot be reached ("),
    ],
)
def test_what_goes_wrong_is_one_line_on_stderr(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    (folder / "locked.toml").write_text('database = "sqlite:////nowhere/at/all.db"')
    (folder / "away.toml").write_text('database = "postgresql://gateway:hidden@127.0.0.1:1/gateway"')
    (folder / "nameless.toml").write_text('database = "postgresql://gateway:hidden@unknown.invalid/gateway"')
    assert gateway(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(line)
    assert said.err.count("\n") == 1
    assert "hidden" not in said.err


def test_the_schema_is_printed(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("schema") == 0
    assert "type Query {" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    ["serve", "sync", "migrate", "check-config", "plugins", "sandbox", "schema", "rejects list", "token new", "audit"],
)
def test_every_command_explains_itself(gateway: Gateway, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert gateway(*command.split(), "--help") == 0
    assert f"gateway {command}" in capsys.readouterr().out


def test_help_waits_for_no_heavy_import() -> None:
    source = "import sys, gateway.cli; print([m for m in ('sqlalchemy', 'strawberry', 'uvicorn') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", source], capture_output=True, check=True).stdout == b"[]\n"


@contextmanager
def run_server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the server. Yields its process and its address."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(folder / "installed")}
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE) as server:
        read_log(server, b"listening")
        try:
            yield server, f"http://127.0.0.1:{port}/graphql"
        finally:
            server.kill()


def read_log(server: subprocess.Popen[bytes], words: bytes) -> bytes:
    """Wait for a line of the server's log with these words."""
    assert server.stderr is not None
    while words not in (line := server.stderr.readline()):
        assert line and server.poll() is None
    return line


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_until_a_signal_ends_it_in_order(folder: Path, end: signal.Signals) -> None:
    with run_server(folder) as (server, url):
        answer = httpx2.post(url, json={"query": "{ channels { key state } }"})
        server.send_signal(end)
        assert server.wait(20) == 0
        assert server.stderr is not None
        assert b"MB (1), plans" in server.stderr.read().rpartition(b"caches: ")[2]
    assert answer.json() == {"data": {"channels": [{"key": "till", "state": "ENABLED"}]}}


def test_a_hangup_loads_the_tokens_again(folder: Path) -> None:
    def ask(url: str, secret: str) -> int:
        headers = {"authorization": f"Bearer {secret}", "accept": "application/graphql-response+json"}
        return httpx2.post(url, json={"query": "{ viewer { name } }"}, headers=headers).status_code

    path = folder / "gateway.toml"
    before = path.read_text(encoding="utf-8")
    with run_server(folder) as (server, url):
        assert (ask(url, "secret"), ask(url, "another")) == (200, 401)
        path.write_text(before.replace('token = "secret"', 'token = "another"'), encoding="utf-8")
        server.send_signal(signal.SIGHUP)
        read_log(server, b"loaded 1 tokens")
        assert (ask(url, "secret"), ask(url, "another")) == (401, 200)
        path.write_text("nonsense", encoding="utf-8")
        server.send_signal(signal.SIGHUP)
        assert b"not TOML" in read_log(server, b"were not loaded again")
        assert ask(url, "another") == 200


def test_a_new_token_is_printed_once_with_its_hash(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("token", "new", "till-3") == 0
    said = capsys.readouterr().out
    secret = said.split("shown once: ")[1].split("\n")[0]
    assert f'[tokens.till-3]\ntoken = "{hash_secret(secret)}"' in said
    assert gateway("token", "hash", "staff") == 0
    assert capsys.readouterr().out == f'token = "{hash_secret("secret")}"\n'
    assert gateway("token", "hash", "unknown") == 2
    assert "there is no token" in capsys.readouterr().err
    assert gateway("token", "new", "No Name") == 2


def test_the_audit_trail_is_listed(folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    assert gateway("audit") == 0
    assert capsys.readouterr().out == "no entries\n"
    assert gateway("audit", "--anonymous") == 0
    assert capsys.readouterr().out == "no refusals\n"
