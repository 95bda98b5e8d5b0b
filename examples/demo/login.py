"""The demo's issuer of logins, at a path of the control server."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.routing import Mount

from examples.oidc.http_app import create_app
from examples.oidc.issuer import Issuer

LOGIN_PATH = "/login"
STOREFRONT, MOBILE = "storefront", "mobile"
"""Client ids; `gateway.toml` has the same list."""

MOBILE_REDIRECT_URI = "com.example.shop:/login"
HOSTS = ("127.0.0.1", "localhost")


def build_issuer_url(control_port: int) -> str:
    """Build the identifier of the issuer."""
    return f"http://127.0.0.1:{control_port}{LOGIN_PATH}"


def create_login_route(control_port: int) -> Mount:
    """Create the route of the issuer. Its keys are new with every start."""
    issuer = Issuer(build_issuer_url(control_port), lambda: datetime.now(UTC))
    redirect_uris = {f"http://{host}:{control_port}/storefront/login" for host in HOSTS}
    return Mount(LOGIN_PATH, create_app(issuer, {STOREFRONT: redirect_uris, MOBILE: {MOBILE_REDIRECT_URI}}))


def describe_login(control_port: int) -> Mapping[str, str]:
    """Describe the issuer to the storefront. Its endpoints have the same origin as the page."""
    return {
        "issuer": build_issuer_url(control_port),
        "clientId": STOREFRONT,
        "authorizationEndpoint": f"{LOGIN_PATH}/authorize",
        "tokenEndpoint": f"{LOGIN_PATH}/token",
    }
