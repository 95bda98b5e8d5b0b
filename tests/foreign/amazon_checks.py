"""Checks that schemathesis applies to every response of the Amazon sandbox."""

from __future__ import annotations

import re
from typing import Any

import schemathesis

CODE = re.compile(r"Traceback|\.py\b|gateway_amazon|starlette|object at 0x|NoneType|<class |Internal Server Error")
"""What a response contains that shows the code of the sandbox."""


@schemathesis.check
def check_no_code(_context: Any, response: Any, _case: Any) -> None:
    """A response shows nothing of the code, and has a number."""
    found = CODE.search(response.text)
    assert found is None, f"the response shows {found and found[0]!r}"
    assert "x-amzn-requestid" in response.headers, "the response has no x-amzn-RequestId"


@schemathesis.check
def check_errors(_context: Any, response: Any, _case: Any) -> None:
    """A rejected request gets errors with a code and a message, as in Amazon's models."""
    if response.status_code >= 400:
        errors = response.json()["errors"]
        assert errors and all(error["code"] and error["message"] for error in errors)
