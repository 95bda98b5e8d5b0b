"""The page that a browser gets at /graphql: a small query editor that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; font: 15px system-ui, sans-serif }
body { margin: 0; display: grid; grid-template: auto 1fr 9rem / 1fr 1fr; gap: .5rem; padding: .5rem; height: 100vh;
  box-sizing: border-box }
header { grid-column: 1 / 3; display: flex; gap: .5rem; align-items: center }
header input { flex: 1; font: inherit; padding: .3rem }
button { font: inherit; padding: .3rem 1rem }
textarea, pre { font: 13px ui-monospace, monospace; margin: 0; padding: .6rem; border: 1px solid #8888; resize: none }
pre { grid-row: 2 / 4; grid-column: 2; overflow: auto; white-space: pre-wrap }
"""

SCRIPT = """
const part = (name) => document.getElementById(name);
async function send() {
  const headers = {"content-type": "application/json", accept: "application/graphql-response+json"};
  const token = part("token").value.trim();
  if (token) headers.authorization = "Bearer " + token;
  try {
    const text = part("variables").value.trim();
    const body = JSON.stringify({query: part("query").value, variables: text ? JSON.parse(text) : {}});
    const answer = await fetch(location.pathname, {method: "POST", headers, body});
    part("answer").textContent = JSON.stringify(await answer.json(), null, 2);
  } catch (error) {
    part("answer").textContent = String(error);
  }
}
part("send").addEventListener("click", send);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
});
"""

PAGE = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Commerce Gateway: query editor</title>
<style>{STYLE}</style>
<header>
  <strong>Commerce Gateway</strong>
  <input id="token" type="password" autocomplete="off" placeholder="token, if you have one" aria-label="token">
  <button id="send" title="Ctrl + Enter">Run</button>
</header>
<textarea id="query" spellcheck="false" aria-label="query">{{
  products(first: 5) {{
    nodes {{ title priceRange {{ min {{ amount currencyCode }} }} availableForSale }}
    sources {{ channel {{ key }} state asOf }}
  }}
}}</textarea>
<textarea id="variables" spellcheck="false" aria-label="variables" placeholder="variables, as JSON"></textarea>
<pre id="answer" aria-live="polite"></pre>
<script>{SCRIPT}</script>
</html>
"""


def _allowed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = {
    "content-security-policy": (
        f"default-src 'none'; connect-src 'self'; style-src {_allowed(STYLE)}; script-src {_allowed(SCRIPT)}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "vary": "Accept",
}
