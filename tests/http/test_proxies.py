"""The proxies of SECURITY.md in front of the gateway, as the documentation sets them up."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.http.rate_limit.limiter import REQUEST_COST
from tests.graphql.world import open_small_world
from tests.http.raw_client import ANSWER, GRAPHQL, QUERY
from tests.http.server import serve

ROOT = Path(__file__).parents[2]
PROXIES = ROOT / "docs" / "proxies"
NAME = "api.example.com"
REQUESTS = 6
"""Requests of one address that its quota allows."""

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def database_kind() -> str:
    return "sqlite"


def create_certificate(folder: Path) -> tuple[Path, Path]:
    """Create a certificate of the proxy's name, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "proxy.pem", folder / "proxy.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files[1].write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))
    return files


def replace_all(text: str, **changes: tuple[str, str]) -> str:
    """Replace what differs between the documentation and this machine; all of it must be there."""
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return text


def write_nginx(folder: Path, port: int, gateway_port: int, certificate: tuple[Path, Path]) -> list[str]:
    """Write the configuration of nginx, and return the command."""
    site = replace_all(
        (PROXIES / "nginx.conf").read_text(encoding="utf-8"),
        upstream=("127.0.0.1:8000", f"127.0.0.1:{gateway_port}"),
        listen=("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        certificate=("/etc/ssl/api.example.com.pem", str(certificate[0])),
        key=("/etc/ssl/api.example.com.key", str(certificate[1])),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    config = folder / "main.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder / 'nginx.pid'}; error_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}\n{site}\n}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(config)]


def write_caddy(folder: Path, port: int, gateway_port: int, certificate: tuple[Path, Path]) -> list[str]:
    """Write the configuration of Caddy, and return the command."""
    site = replace_all(
        (PROXIES / "Caddyfile").read_text(encoding="utf-8"),
        upstream=("127.0.0.1:8000", f"127.0.0.1:{gateway_port}"),
        listen=("api.example.com {", f"https://:{port} {{\n\tbind 127.0.0.1\n\ttls {certificate[0]} {certificate[1]}"),
    )
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{site}")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]


WRITERS = {"nginx": write_nginx, "caddy": write_caddy}


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def run_proxy(command: list[str], port: int, folder: Path) -> AsyncIterator[None]:
    """Run a proxy that keeps its files in a folder until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
    )
    try:
        async with asyncio.timeout(10):
            while not await _is_open(port):
                assert process.returncode is None, await process.communicate()
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(0.02)
        return False
    writer.close()
    return True


@pytest.fixture(params=WRITERS)
def proxy_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


@pytest.fixture
async def proxied(proxy_name: str, database_url: str, tmp_path: Path) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """The port of the proxy in front of a gateway, and what trusts its certificate."""
    limits: dict[str, Any] = {
        "trusted_proxies": ["127.0.0.1/32"],
        "anonymous": {"rate": (REQUEST_COST + 100) * REQUESTS},
    }
    certificate, port = create_certificate(tmp_path), find_free_port()
    async with open_small_world(database_url, limits=limits) as world, serve(world.gateway) as server:
        command = WRITERS[proxy_name](tmp_path, port, server.port, certificate)
        async with run_proxy(command, port, tmp_path):
            yield port, ssl.create_default_context(cafile=certificate[0])


def connect(proxied: tuple[int, ssl.SSLContext], address: str = "127.0.0.1") -> httpx2.AsyncClient:
    """Connect a client with this address to the proxy."""
    port, context = proxied
    transport = httpx2.AsyncHTTPTransport(verify=context, local_address=address)
    return httpx2.AsyncClient(
        transport=transport, base_url=f"https://127.0.0.1:{port}", headers={"host": NAME, "accept": GRAPHQL}
    )


async def test_the_gateway_answers_through_the_proxy(proxied: tuple[int, ssl.SSLContext]) -> None:
    async with connect(proxied) as client:
        response = await client.post("/graphql", json=QUERY)
        assert (response.status_code, response.json()) == (200, ANSWER)
        assert response.headers["strict-transport-security"] == "max-age=31536000"
        assert (await client.get("/health/ready")).status_code in (403, 404)
        too_large = await client.post(
            "/graphql", content=b" " * 2_000_000, headers={"content-type": "application/json"}
        )
        assert too_large.status_code in (413, 502)  # Caddy 2.6 reports a body that it cut off as 502


async def test_a_client_behind_the_proxy_has_its_own_address_and_no_other(
    proxied: tuple[int, ssl.SSLContext],
) -> None:
    async with connect(proxied, "127.0.0.2") as client, connect(proxied, "127.0.0.3") as other:
        statuses = []
        for number in range(REQUESTS + 4):
            invented = {"x-forwarded-for": f"203.0.113.{number}"}
            statuses.append((await client.post("/graphql", json=QUERY, headers=invented)).status_code)
        assert statuses[0] == 200 and statuses[-1] == 429
        assert (await other.post("/graphql", json=QUERY)).status_code == 200


def test_the_documentation_shows_the_files_that_are_tried() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for name in ("nginx.conf", "Caddyfile"):
        assert (PROXIES / name).read_text(encoding="utf-8") in text
