"""The command line, as a person types it: what it says, and its exit code."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from gateway.cli import main

PLUGIN = """
from gateway.sdk import Registry, hookimpl
from gateway.sdk.testing import rows
from gateway.sdk.testing.memory import MemoryPlugin, MemoryStore

store = MemoryStore()
for number in range(3):
    store.put("products", rows.product(str(number), sku=f"SKU-{number}"))
store.put("products", rows.product("bad", price="-1.00"))

@hookimpl
def gateway_register(registry: Registry) -> None:
    MemoryPlugin(store, name="corner").gateway_register(registry)
"""

CONFIG = """
database = "sqlite:///gateway.db"

[channels.till]
plugin = "corner"

[tokens.staff]
token = "secret"
scopes = ["stock:read"]
"""

Gateway = Callable[..., int]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, and a partner's plugin that is installed."""
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
    """Runs a command; its exit code."""

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
    assert capsys.readouterr().out == "all of them are good now\n"


def test_a_channel_that_cannot_be_read_is_said_and_the_exit_code_tells(
    folder: Path, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gateway("migrate") == 0
    from gateway.sdk import UnavailableError
    from gateway.sdk.testing.faults import raising

    assert gateway("plugins") == 0
    sys.modules["corner_plugin"].store.apply(raising(UnavailableError("the line is down")), feed="stock")
    assert gateway("sync") == 1
    assert "channel till, feed stock: UNAVAILABLE: the line is down" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("sync", "web"), "error: there is no channel web; expected one of till"),
        (("rejects", "replay"), "error: name the rejects to replay, or give --all"),
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
    (folder / "nameless.toml").write_text('database = "postgresql://gateway:hidden@nobody.invalid/gateway"')
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
    "command", ["serve", "sync", "migrate", "check-config", "plugins", "sandbox", "schema", "rejects list"]
)
def test_every_command_explains_itself(gateway: Gateway, capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert gateway(*command.split(), "--help") == 0
    assert f"gateway {command}" in capsys.readouterr().out


def test_help_waits_for_no_heavy_import() -> None:
    source = "import sys, gateway.cli; print([m for m in ('sqlalchemy', 'strawberry', 'uvicorn') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", source], capture_output=True, check=True).stdout == b"[]\n"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_until_a_signal_ends_it_in_order(folder: Path, end: signal.Signals) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    environment = os.environ | {"PYTHONPATH": str(folder / "installed")}
    command = [sys.executable, "-c", "from gateway.cli import main; main()", "serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        while b"listening" not in server.stderr.readline():
            assert server.poll() is None
        answer = httpx2.post(f"http://127.0.0.1:{port}/graphql", json={"query": "{ channels { key state } }"})
        server.send_signal(end)
        assert server.wait(20) == 0
    assert answer.json() == {"data": {"channels": [{"key": "till", "state": "ENABLED"}]}}
