"""Runs the issuer: ``python -m examples.oidc [PORT]``. It prints the table for the gateway's configuration."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import uvicorn

from examples.oidc.http_app import create_app
from examples.oidc.issuer import Issuer

PORT = 8002
CLIENT_ID = "storefront"
REDIRECT_URIS = {f"http://{host}:8001/storefront/login" for host in ("127.0.0.1", "localhost")}
"""Where the storefront of the demo is."""

TABLE = """
[login.demo]
issuer = "{url}"
audiences = ["{client}"]
jwks_url = "{url}/jwks.json"
algorithms = ["ES256"]
asserts_email = true
private_addresses = true
"""


def get_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def main(port: int) -> None:
    """Run the issuer on this port."""
    url = f"http://127.0.0.1:{port}"
    print(TABLE.format(url=url, client=CLIENT_ID))
    uvicorn.run(create_app(Issuer(url, get_now), {CLIENT_ID: REDIRECT_URIS}), host="127.0.0.1", port=port)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT)
