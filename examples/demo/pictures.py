"""Pictures of the products: drawings by product group and color, the same on every machine.

The name of a picture says everything that is drawn, such as `mug-b3262e-210-1`: motif, color, background, view. So the
pictures need no files and no memory. As an image server, it has them in the size that a query asks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

NAME = re.compile(r"([a-z]{3,10})-([0-9a-f]{6})-(\d{1,3})-([123])")
FOREVER = {"cache-control": "public, max-age=86400", "x-content-type-options": "nosniff"}
MOTIFS = Path(__file__).with_name("motifs")
"""Drawings in the color of the text, one file each."""

VIEWS = {"1": ((0, 0, 1),), "2": ((-720, -520, 1.9),), "3": ((-60, 190, 0.72), (560, 310, 0.6))}
"""Positions and scales: the whole product, a detail, and two of them."""

WIDTH, HEIGHT = 1600, 1200
CROPS: Mapping[str, str] = MappingProxyType(
    {
        "center": "xMidYMid slice",
        "top": "xMidYMin slice",
        "bottom": "xMidYMax slice",
        "left": "xMinYMid slice",
        "right": "xMaxYMid slice",
    }
)
"""The part of the picture that fills another proportion, by the name of the part."""


def render_picture(name: str, query: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """Render a picture as SVG; None: no picture has this name. `query`: `width`, `height`, the part to `crop` to."""
    match = NAME.fullmatch(name)
    if match is None or (drawing := read_motif(match[1])) is None:
        return None
    _, color, hue, view = match.groups()
    drawn = "".join(f'<g transform="translate({x} {y}) scale({scale})">{drawing}</g>' for x, y, scale in VIEWS[view])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {format_size(query)}>'
        f'<rect width="1600" height="1200" fill="hsl({hue} 34% 90%)"/>'
        f'<ellipse cx="800" cy="930" rx="520" ry="60" fill="hsl({hue} 30% 80%)"/>'
        f'<g color="#{color}">{drawn}</g></svg>'
    )


def format_size(query: Mapping[str, str]) -> str:
    """Format the attributes of the size: without `crop`, the largest of the same proportion that fits."""
    width, height = parse_side(query.get("width"), WIDTH), parse_side(query.get("height"), HEIGHT)
    if query.get("crop") in CROPS:
        return f'width="{width}" height="{height}" preserveAspectRatio="{CROPS[query["crop"]]}"'
    width = min(width, height * WIDTH // HEIGHT)
    return f'width="{width}" height="{width * HEIGHT // WIDTH}"'


def parse_side(text: str | None, most: int) -> int:
    """Parse a side in pixels; that of the drawing if it is no number, or larger."""
    return min(int(text), most) if text is not None and re.fullmatch("[1-9][0-9]{0,4}", text) else most


@cache
def read_motif(name: str) -> str | None:
    """Read a drawing; None: there is none with this name."""
    path = MOTIFS / f"{name}.svg"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def create_picture_route() -> Route:
    """Create the route of the pictures."""

    async def serve_picture(request: Request) -> Response:
        picture = render_picture(request.path_params["name"], request.query_params)
        if picture is None:
            return Response("there is no such picture", 404, media_type="text/plain")
        return Response(picture, media_type="image/svg+xml", headers=FOREVER)

    return Route("/pictures/{name}.svg", serve_picture, methods=["GET"])
