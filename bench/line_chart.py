"""Line charts as SVG, with logarithmic axes. They have no background, and colors that are readable on white and on
black, because the documentation has both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 226, 48, 52
LABEL_HEIGHT = 16
COLORS = ("#3b82c4", "#d9732e", "#3a9a57", "#b5529f", "#a8881f", "#6c6fd0", "#c9485b")
TEXT, GRID = "#858c96", "#858c9640"

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. `width_name` and `height_name`: what its axes show."""

    title: str
    width_name: str
    height_name: str
    lines: Sequence[Line]

    def render(self) -> str:
        """Render the chart as SVG."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'font-family="system-ui, sans-serif" font-size="13" fill="{TEXT}">'
        )
        return "\n".join([head, f"<title>{escape(self.title)}</title>", *self._render_parts(), "</svg>", ""])

    def _render_parts(self) -> Iterator[str]:
        yield _render_text(LEFT, 20, self.title, weight=600)
        yield _render_text(LEFT, TOP - 10, self.height_name)
        yield _render_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, self.width_name, anchor="middle")
        widths, heights = self._measure_axes()
        for value in sorted({point[0] for line in self.lines for point in line.points}):
            x = widths.locate(value)
            yield _render_rule(x, TOP, x, HEIGHT - BOTTOM)
            yield _render_text(x, HEIGHT - BOTTOM + 18, _format(value), anchor="middle")
        for value in heights.list_ticks():
            y = heights.locate(value)
            yield _render_rule(LEFT, y, WIDTH - RIGHT, y)
            yield _render_text(LEFT - 8, y + 4, _format(value), anchor="end")
        yield from self._render_lines(widths, heights)

    def _measure_axes(self) -> tuple[Axis, Axis]:
        points = [point for line in self.lines for point in line.points]
        widths, heights = zip(*points, strict=True)
        return (
            Axis(min(widths), max(widths), LEFT, WIDTH - RIGHT),
            Axis(_round_down(min(heights)), _round_up(max(heights)), HEIGHT - BOTTOM, TOP),
        )

    def _render_lines(self, widths: Axis, heights: Axis) -> Iterator[str]:
        ends = _spread([heights.locate(line.points[-1][1]) for line in self.lines])
        for number, (line, end) in enumerate(zip(self.lines, ends, strict=True)):
            color = COLORS[number % len(COLORS)]
            found = [(widths.locate(x), heights.locate(y)) for x, y in line.points]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in found)
            yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
            for (x, y), (_, value) in zip(found, line.points, strict=True):
                shown = escape(f"{line.name}: {value:.3g}")
                yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"><title>{shown}</title></circle>'
            yield _render_text(WIDTH - RIGHT + 12, end + 4, line.name, color=color)


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis between two values, which are at these positions."""

    least: float
    most: float
    begin: float
    end: float

    def locate(self, value: float) -> float:
        """Return the position of a value."""
        share = math.log(value / self.least) / math.log(self.most / self.least)
        return self.begin + share * (self.end - self.begin)

    def list_ticks(self) -> list[float]:
        """List the values 1, 2 and 5 of each power of ten; over several powers, only 1."""
        powers = range(math.floor(math.log10(self.least)), math.ceil(math.log10(self.most)) + 1)
        steps = (1, 2, 5) if self.most / self.least <= 100 else (1,)
        values = [step * 10.0**power for power in powers for step in steps]
        return [value for value in values if self.least * 0.999 <= value <= self.most * 1.001]


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value * 1.001)


def _round_up(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.999)


def _spread(positions: Sequence[float]) -> list[float]:
    """Move labels down where they would overlap, and all of them up if the last leaves the chart."""
    ordered = sorted(range(len(positions)), key=lambda index: positions[index])
    found, free = dict[int, float](), -math.inf
    for index in ordered:
        found[index] = max(positions[index], free)
        free = found[index] + LABEL_HEIGHT
    excess = max(0.0, free - LABEL_HEIGHT - (HEIGHT - BOTTOM))
    return [found[index] - excess for index in range(len(positions))]


def _render_text(x: float, y: float, text: str, *, anchor: str = "start", color: str = TEXT, weight: int = 400) -> str:
    attributes = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}" font-weight="{weight}"'
    return f"<text {attributes}>{escape(text)}</text>"


def _render_rule(left: float, top: float, right: float, bottom: float) -> str:
    return f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}" stroke="{GRID}"/>'


def _format(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"
