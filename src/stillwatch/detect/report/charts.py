"""Geometry of the report's pictures: numbers in, SVG paths out; the templates draw them.

Drawn by hand rather than by a plotting library: the same bytes everywhere, colours that follow the
reader's light or dark setting, and a tenth of the size. Coordinates are in SVG user units.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from stillwatch.detect import wording
from stillwatch.detect.results import Evidence, Graph, GrowthPoint

WIDTH: Final = 600.0
LEFT: Final = 44.0
RIGHT: Final = 14.0
WIDEST_DAY: Final = 90.0
ACCOUNTS_TOP, ACCOUNTS_HEIGHT = 18.0, 74.0
EVENTS_TOP, EVENTS_HEIGHT = 124.0, 46.0
HEAT_TOP, HOUR_HEIGHT = 202.0, 6.0
HEAT_HEIGHT: Final = 24 * HOUR_HEIGHT
TIMELINE_HEIGHT: Final = HEAT_TOP + HEAT_HEIGHT + 24.0
LEVELS: Final = 8
MOST_COLUMNS: Final = 92
"""More days than this are drawn as weeks."""
SPARK_WIDTH, SPARK_HEIGHT = 110.0, 22.0
GRAPH_SIZE: Final = 320.0


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """Three panels over one time axis: accounts so far, events, and events by hour of the day."""

    right: float
    accounts_line: str
    accounts_area: str
    accounts_most: int
    events_bars: str
    events_most: int
    heat: tuple[tuple[float, str], ...]
    """Opacity 0..1 and the path of all cells of that level, in columns and hours."""
    column: float
    """Width of one column."""
    hour_most: int
    days: tuple[Tick, ...]
    hours: tuple[Tick, ...]
    unit: str
    description: str


@dataclass(frozen=True)
class Network:
    """The account graph: edges in three weights, nodes as circles (x, y, radius, account)."""

    edges: tuple[tuple[float, str], ...]
    nodes: tuple[tuple[float, float, float, str], ...]
    description: str


def timeline(evidence: Evidence) -> Timeline | None:
    """Growth and activity of one campaign; None where no activity was recorded."""
    rows = evidence.activity
    if not any(map(any, rows)):
        return None
    step = 1 if len(rows) <= MOST_COLUMNS else 7
    columns = [_summed(rows[i : i + step]) for i in range(0, len(rows), step)]
    width = min(WIDEST_DAY, (WIDTH - LEFT - RIGHT) / len(columns))
    totals = [sum(column) for column in columns]
    hour_most = max(map(max, columns))
    line, area = _growth(evidence.growth, evidence.activity_start, width / step)
    return Timeline(
        right=LEFT + width * len(columns),
        accounts_line=line,
        accounts_area=area,
        accounts_most=max((point.accounts for point in evidence.growth), default=0),
        events_bars=_bars(totals, width),
        events_most=max(totals),
        heat=_heat(columns, hour_most),
        column=width,
        hour_most=hour_most,
        days=tuple(_day_ticks(evidence.activity_start, len(columns), step, width)),
        hours=tuple(
            Tick(HEAT_TOP + (h + 0.5) * HOUR_HEIGHT, f"{h:02d}:00") for h in (0, 6, 12, 18)
        ),
        unit="day" if step == 1 else "week",
        description=_describe(evidence, totals, "day" if step == 1 else "week"),
    )


def sparkline(evidence: Evidence, start: datetime, end: datetime) -> str:
    """Events per day as an area over the whole log's time, so that rows can be compared."""
    totals = [sum(row) for row in evidence.activity]
    most = max(totals, default=0)
    if most == 0:
        return ""
    days = max(1.0, (end - start) / timedelta(days=1))
    first = (evidence.activity_start - start) / timedelta(days=1)
    unit = SPARK_WIDTH / max(days, first + len(totals))
    points = [
        f"L{_n((first + i + 0.5) * unit)} {_n(SPARK_HEIGHT * (1 - total / most))}"
        for i, total in enumerate(totals)
    ]
    begin, finish = _n(max(0.0, first) * unit), _n((first + len(totals)) * unit)
    return f"M{begin} {_n(SPARK_HEIGHT)}{''.join(points)}L{finish} {_n(SPARK_HEIGHT)}Z"


def network(graph: Graph) -> Network | None:
    """The account graph scaled into a square; None where there is nothing to show."""
    if not graph.nodes:
        return None
    half = GRAPH_SIZE / 2
    places = [(half + n.x * (half - 12), half - n.y * (half - 12)) for n in graph.nodes]
    busiest = max((node.events for node in graph.nodes), default=1) or 1
    heaviest = max((weight for _, _, weight in graph.edges), default=1.0) or 1.0
    levels: dict[int, list[str]] = {}
    for first, second, weight in graph.edges:
        (x1, y1), (x2, y2) = places[first], places[second]
        level = min(2, max(0, int(3 * weight / heaviest)))
        levels.setdefault(level, []).append(f"M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}")
    return Network(
        edges=tuple((0.22 + 0.26 * level, "".join(levels[level])) for level in sorted(levels)),
        nodes=tuple(
            (
                round(x, 1),
                round(y, 1),
                round(2.5 + 5 * math.sqrt(n.events / busiest), 1),
                n.account_id,
            )
            for (x, y), n in zip(places, graph.nodes, strict=True)
        ),
        description=(
            f"{len(graph.nodes):,} of {graph.sampled_from:,} accounts and the"
            f" {wording.count(len(graph.edges), 'strongest link')} between them."
        ),
    )


def _summed(rows: Sequence[Sequence[int]]) -> list[int]:
    return [sum(hour) for hour in zip(*rows, strict=True)]


def _growth(points: Sequence[GrowthPoint], start: datetime, per_day: float) -> tuple[str, str]:
    """The line of accounts so far and the area under it."""
    most = max((point.accounts for point in points), default=0)
    if most == 0:
        return "", ""
    base = ACCOUNTS_TOP + ACCOUNTS_HEIGHT
    places = [
        (
            LEFT + max(0.0, (point.time - start) / timedelta(days=1)) * per_day,
            base - ACCOUNTS_HEIGHT * point.accounts / most,
        )
        for point in points
    ]
    line = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in places)
    area = f"{line}L{_n(places[-1][0])} {_n(base)}L{_n(places[0][0])} {_n(base)}Z"
    return line, area


def _bars(totals: Sequence[int], width: float) -> str:
    most = max(totals)
    gap = min(2.0, width * 0.2)
    return "".join(
        f"M{_n(LEFT + i * width + gap / 2)} {_n(EVENTS_TOP + EVENTS_HEIGHT)}"
        f"v{_n(-EVENTS_HEIGHT * total / most)}h{_n(width - gap)}"
        f"v{_n(EVENTS_HEIGHT * total / most)}z"
        for i, total in enumerate(totals)
        if total
    )


def _heat(columns: Sequence[Sequence[int]], most: int) -> tuple[tuple[float, str], ...]:
    """One path per shade; neighbouring hours of one shade are one rectangle."""
    paths: dict[int, list[str]] = {}
    for i, column in enumerate(columns):
        levels = [math.ceil(LEVELS * value / most) for value in column]
        begin = 0
        for hour in range(1, 25):
            if hour < 24 and levels[hour] == levels[begin]:
                continue
            if levels[begin]:
                paths.setdefault(levels[begin], []).append(f"M{i} {begin}h1v{hour - begin}h-1z")
            begin = hour
    return tuple((round(level / LEVELS, 2), "".join(paths[level])) for level in sorted(paths))


def _day_ticks(start: datetime, columns: int, step: int, width: float) -> Iterable[Tick]:
    """Dates under the columns, at most one every 70 units and always on the first."""
    every = max(1, math.ceil(70 / width))
    for i in range(0, columns, every):
        if i == 0 or LEFT + i * width < WIDTH - 40:
            moment = start + timedelta(days=i * step)
            yield Tick(LEFT + i * width, f"{moment.day} {moment:%b}")


def _describe(evidence: Evidence, totals: Sequence[int], unit: str) -> str:
    peak = max(range(len(totals)), key=totals.__getitem__)
    moment = evidence.activity_start + timedelta(days=peak * (7 if unit == "week" else 1))
    by_hour = _summed(evidence.activity)
    busiest, quietest = max(by_hour), min(by_hour)
    grown = ""
    if evidence.growth:
        last = evidence.growth[-1]
        until = wording.day(last.time - timedelta(seconds=1))  # a point is the end of its day
        grown = f"{wording.count(last.accounts, 'account')} by {until}; "
    return (
        f"{grown}busiest {unit} {wording.day(moment)} with {wording.count(totals[peak], 'event')};"
        f" over the hours of the day from {quietest:,} events at {by_hour.index(quietest):02d}:00"
        f" to {busiest:,} at {by_hour.index(busiest):02d}:00 UTC."
    )


def _n(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")
