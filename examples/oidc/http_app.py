"""The issuer over HTTP: discovery, keys, a login page, and the token endpoint."""

from __future__ import annotations

from html import escape
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from examples.oidc.issuer import PEOPLE, Issuer

REQUIRED = {"response_type": "code", "code_challenge_method": "S256"}
"""Parameters of the login page that have one accepted value."""

LOGIN = """<!doctype html>
<meta charset="utf-8"><title>Log in</title>
<h1>Log in as</h1>
<form>%s%s</form>
"""


class IssuerRoutes:
    """The routes of an issuer. `clients`: their redirect URIs by client id."""

    def __init__(self, issuer: Issuer, clients: dict[str, set[str]]) -> None:
        self._issuer = issuer
        self._clients = clients

    async def describe(self, _: Request) -> Response:
        """Return the metadata of the issuer."""
        url = self._issuer.url
        return JSONResponse(
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "jwks_uri": f"{url}/jwks.json",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "code_challenge_methods_supported": ["S256"],
                "id_token_signing_alg_values_supported": sorted({name for name, _ in self._issuer.keys}),
            }
        )

    async def list_keys(self, _: Request) -> Response:
        """Return the keys of the issuer."""
        return JSONResponse(self._issuer.build_key_set())

    async def authorize(self, request: Request) -> Response:
        """Show who can log in, and redirect the one who does back to the client."""
        given = request.query_params
        client_id, redirect_uri = given.get("client_id", ""), given.get("redirect_uri", "")
        if redirect_uri not in self._clients.get(client_id, ()):  # never redirect to an address that is not listed
            return JSONResponse({"error": "invalid_request"}, 400)
        if any(given.get(name) != value for name, value in REQUIRED.items()) or not given.get("code_challenge"):
            return _redirect(redirect_uri, {"error": "invalid_request", "state": given.get("state", "")})
        subject = given.get("login_as")
        if subject is None or subject not in PEOPLE:
            return HTMLResponse(_build_page(dict(given)))
        code = self._issuer.create_code(subject, client_id, redirect_uri, given["code_challenge"], given.get("nonce"))
        return _redirect(redirect_uri, {"code": code, "state": given.get("state", "")})

    async def issue_tokens(self, request: Request) -> Response:
        """Exchange a code for tokens."""
        form = dict(parse_qsl((await request.body()).decode()))
        given = [form.get(name, "") for name in ("code", "client_id", "redirect_uri", "code_verifier")]
        token = self._issuer.accept_code(*given)
        if token is None:
            return JSONResponse({"error": "invalid_grant"}, 400, {"cache-control": "no-store"})
        seconds = int(self._issuer.lifetime.total_seconds())
        answer = {"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": seconds}
        return JSONResponse(answer, headers={"cache-control": "no-store"})


def create_app(issuer: Issuer, clients: dict[str, set[str]]) -> Starlette:
    """Create the application of an issuer. `clients`: their redirect URIs by client id."""
    routes = IssuerRoutes(issuer, clients)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", routes.describe),
            Route("/jwks.json", routes.list_keys),
            Route("/authorize", routes.authorize),
            Route("/token", routes.issue_tokens, methods=["POST"]),
        ],
        middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])],
    )


def _redirect(uri: str, parameters: dict[str, str]) -> Response:
    return RedirectResponse(f"{uri}{'&' if '?' in uri else '?'}{urlencode(parameters)}", 303)


def _build_page(given: dict[str, str]) -> str:
    hidden = (
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in given.items()
        if name != "login_as"
    )
    buttons = (
        f'<p><button name="login_as" value="{escape(subject)}">{escape(claims["given_name"])}</button></p>'
        for subject, claims in PEOPLE.items()
    )
    return LOGIN % ("".join(hidden), "".join(buttons))
