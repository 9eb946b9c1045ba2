import re
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from stillwatch.detect.report import charts
from stillwatch.detect.results import Graph, GraphNode
from tests.report.build import START, build_result

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def evidence():
    return build_result(scale=0.2).evidence["c001"]


def with_activity(evidence, activity):
    return msgspec.structs.replace(evidence, activity=np.asarray(activity).tolist())


def test_no_activity_no_picture(evidence):
    assert charts.timeline(with_activity(evidence, np.zeros((3, 24), int))) is None
    assert charts.timeline(with_activity(evidence, np.zeros((0, 24), int))) is None
    assert charts.sparkline(with_activity(evidence, np.zeros((0, 24), int)), START, START) == ""
    assert charts.network(Graph(nodes=[], edges=[], sampled_from=0)) is None


def test_heat_covers_exactly_the_hours_with_events(evidence):
    activity = np.zeros((2, 24), int)
    activity[0, 5] = 80
    activity[1, 7:9] = 10
    timeline = charts.timeline(with_activity(evidence, activity))
    assert [opacity for opacity, _ in timeline.heat] == [0.12, 1.0]
    (faint, full) = (path for _, path in timeline.heat)
    assert full == "M0 5h1v1h-1z"
    assert faint == "M1 7h1v2h-1z", "two neighbouring hours of one shade are one rectangle"


def test_timeline_stays_inside_its_frame(evidence):
    for days in (1, 25, 92, 93, 400):
        timeline = charts.timeline(with_activity(evidence, np.ones((days, 24), int)))
        assert timeline.right <= charts.WIDTH
        assert timeline.unit == ("day" if days <= 92 else "week")
        assert all(tick.at < charts.WIDTH for tick in timeline.days)
        gaps = np.diff([tick.at for tick in timeline.days])
        assert (gaps >= 45).all()
        assert len(timeline.heat) == 1 + (days > 92), "the last week is cut short"


def test_weeks_keep_every_event(evidence):
    timeline = charts.timeline(with_activity(evidence, np.full((100, 24), 2)))
    assert timeline.events_most == 7 * 48
    assert timeline.hour_most == 14


def test_growth_never_falls_and_ends_at_the_top(evidence):
    timeline = charts.timeline(evidence)
    heights = [float(n) for n in NUMBER.findall(timeline.accounts_line)][1::2]
    assert heights == sorted(heights, reverse=True)
    assert heights[-1] == charts.ACCOUNTS_TOP
    assert timeline.accounts_most == evidence.growth[-1].accounts


def test_growth_is_optional(evidence):
    timeline = charts.timeline(msgspec.structs.replace(evidence, growth=[]))
    assert (timeline.accounts_line, timeline.accounts_most) == ("", 0)
    assert timeline.description.startswith("busiest day")


def test_sparkline_lies_where_the_campaign_does(evidence):
    end = evidence.activity_start + timedelta(days=200)
    start = evidence.activity_start - timedelta(days=200)
    across = [float(n) for n in NUMBER.findall(charts.sparkline(evidence, start, end))][::2]
    assert min(across) == pytest.approx(charts.SPARK_WIDTH / 2, abs=0.5)
    assert max(across) <= charts.SPARK_WIDTH


def test_network_places_and_weights():
    nodes = [GraphNode("a", -1, -1, 0), GraphNode("b", 1, 1, 100), GraphNode("c", 0, 0, 25)]
    network = charts.network(Graph(nodes=nodes, edges=[(0, 1, 9.0), (1, 2, 1.0)], sampled_from=50))
    assert network.nodes[0][:3] == (12.0, 308.0, 2.5)
    assert network.nodes[1][:3] == (308.0, 12.0, 7.5)
    assert [path for _, path in network.edges] == ["M308 12L160 160", "M12 308L308 12"]
    assert network.description.startswith("3 of 50 accounts and the 2 strongest links")
