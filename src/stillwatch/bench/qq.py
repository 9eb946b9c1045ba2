"""A QQ plot of p-values as SVG, drawn by hand: the same bytes everywhere, and no plotting library.

Both axes are minus the logarithm to base 10. Points above the line are p-values that are too small.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

SIZE: Final = 420.0
LEFT: Final = 56.0
TOP: Final = 16.0
BOTTOM: Final = 48.0
KEY: Final = 230.0
"""Width beside the plot, for the names of the series."""
DECADES: Final = 5
_COLOURS: Final = ("#2563a8", "#b4530a", "#2f7d4f", "#7a4fa3")
_STYLE: Final = """
    text { font: 13px system-ui, sans-serif; fill: #333 }
    .axis { stroke: #888 } .grid { stroke: #ddd } .line { stroke: #555; stroke-dasharray: 4 3 }
    @media (prefers-color-scheme: dark) {
      text { fill: #ddd } .grid { stroke: #444 } .line { stroke: #bbb }
    }"""


@dataclass(frozen=True)
class Point:
    """One quantile: the p-value found there, and the share of p-values at or below it.

    Attributes:
        found: P-value, 0..1.
        expected: Share, 0..1, which the p-value should be.
        low: Lower end of the share's interval.
        high: Upper end.
    """

    found: float
    expected: float
    low: float
    high: float


@dataclass(frozen=True)
class Series:
    """A named row of points."""

    name: str
    points: Sequence[Point]


def qq_plot(series: Sequence[Series]) -> str:
    """Draw series of quantiles against the line on which a calibrated p-value lies.

    Args:
        series: At most four.
    """
    parts = [*_frame()]
    for number, (one, colour) in enumerate(zip(series, _COLOURS, strict=False)):
        parts += _drawn(one, colour)
        y = TOP + 20 + 22 * number
        parts.append(f'<circle cx="{LEFT + SIZE + 20:g}" cy="{y - 4:g}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + SIZE + 32:g}" y="{y:g}">{escape(one.name)}</text>')
    width, height = LEFT + SIZE + KEY, TOP + SIZE + BOTTOM
    names = ", ".join(one.name for one in series)
    title = f"QQ plot of p-values: {names}; points above the line are too small"
    body = "\n  ".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">\n'
        f"  <title>{escape(title)}</title>\n  <style>{_STYLE}\n  </style>\n  {body}\n</svg>\n"
    )


def _frame() -> list[str]:
    parts = []
    for decade in range(DECADES + 1):
        x, y = _x(10.0**-decade), _y(10.0**-decade)
        label = "1" if decade == 0 else f"1e-{decade}"
        parts += [
            f'<path class="grid" d="M{_n(x)} {_n(TOP)}V{_n(TOP + SIZE)}"/>',
            f'<path class="grid" d="M{_n(LEFT)} {_n(y)}H{_n(LEFT + SIZE)}"/>',
            f'<text x="{_n(x)}" y="{_n(TOP + SIZE + 18)}" text-anchor="middle">{label}</text>',
            f'<text x="{_n(LEFT - 8)}" y="{_n(y + 4)}" text-anchor="end">{label}</text>',
        ]
    along, down = _n(LEFT + SIZE / 2), _n(TOP + SIZE / 2)
    below = _n(TOP + SIZE + 40)
    return [
        *parts,
        f'<path class="axis" fill="none" d="M{_n(LEFT)} {_n(TOP)}V{_n(TOP + SIZE)}h{_n(SIZE)}"/>',
        f'<path class="line" d="M{_n(_x(1))} {_n(_y(1))}L{_n(_x(1e-5))} {_n(_y(1e-5))}"/>',
        f'<text x="{along}" y="{below}" text-anchor="middle">share of p-values at or below</text>',
        f'<text transform="translate(14 {down}) rotate(-90)" text-anchor="middle">p-value</text>',
    ]


def _drawn(series: Series, colour: str) -> list[str]:
    parts = []
    for point in series.points:
        y = _n(_y(point.found))
        bar = f"M{_n(_x(point.high))} {y}H{_n(_x(point.low))}"
        parts.append(f'<path stroke="{colour}" stroke-opacity="0.5" d="{bar}"/>')
        parts.append(f'<circle cx="{_n(_x(point.expected))}" cy="{y}" r="3" fill="{colour}"/>')
    return parts


def _x(share: float) -> float:
    return LEFT + SIZE * _scaled(share)


def _y(p_value: float) -> float:
    return TOP + SIZE * (1.0 - _scaled(p_value))


def _scaled(value: float) -> float:
    """Place on an axis, 0..1; what is beyond the last decade lies on its edge."""
    return min(1.0, -math.log10(max(value, 10.0**-DECADES)) / DECADES)


def _n(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")
