"""Hooks of the documentation site: links to files of the repository are checked, and shown as paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")


class BrokenLinkError(Exception):
    """A page links to a file that does not exist."""


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Replace links that leave the documentation by the path of the file in the repository."""
    source = (ROOT / "docs" / page.file.src_uri).parent

    def replace(match: re.Match[str]) -> str:
        target = (source / match[2]).resolve()
        if not target.exists():
            raise BrokenLinkError(f"docs/{page.file.src_uri}: {match[2]} does not exist")
        if target.is_relative_to(ROOT / "docs"):
            return match[0]
        return f"{match[1]} (`{target.relative_to(ROOT).as_posix()}`)"

    return LINK.sub(replace, markdown)
