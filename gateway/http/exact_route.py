"""Routes that match their path exactly."""

from __future__ import annotations

import re
from typing import Any

from starlette.routing import Route


class ExactRoute(Route):
    """A route that does not match a path with a line break at its end. Starlette's own route does (`$` in a regex)."""

    def __init__(self, path: str, *args: Any, **options: Any) -> None:
        super().__init__(path, *args, **options)
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"(?<!\n)\Z")
