import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from stillwatch.detect.compare import compare
from stillwatch.detect.report import render
from stillwatch.detect.results import Alternative, Enrichment, Share
from stillwatch.events.contracts import Kind
from tests.report.build import (
    HOSTILE_ID,
    assemble,
    build_campaign,
    build_empty,
    build_evidence,
    build_result,
)

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Reads a page strictly: every element that opens closes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def result():
    return build_result()


@pytest.fixture(scope="module")
def html(result):
    return render(result, compare(result, build_result(scale=0.5)))


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_top_says_what_was_found_how_sure_who_and_since_when(page):
    top = page.text[: page.text.index("What changed")]
    for fact in (
        "1 extraction campaign and 1 relay pool found",
        "580",
        "2.9 % of all",
        "c001",
        "reasoning",
        "412",
        "6 Mar 2026",
        "very strong q 2 × 10⁻⁷",
        "extraction not asserted",
        "USD",
        "Also coordinated, with no claim of extraction: 1 evaluation, 1 shared application and",
    ):
        assert fact in top
    assert "q 0.012" not in page.text


def test_each_campaign_keeps_observation_inference_and_confidence_apart(page):
    for part in ("Observed", "Inferred", "How sure", "Not sure of"):
        assert page.words.count(part) >= 2
    for fact in (
        "412 accounts acted as one operation to harvest reasoning",
        "it is not a shared application, a relay pool or an evaluation",
        "An organisation: not ruled out (p 0.09). What speaks most against it: 22 members share",
        "Of that kind: very strong , q 2 × 10⁻⁷",
        "Extraction is not asserted.",
        "38 members joined after the test, by matching its features: not tested.",
        "tests the group",
        "formed the group",
        "block 335",
        "12 of 412, highest risk first",
        "117M out",
    ):
        assert fact in page.text


def test_limits_and_settings_are_stated(page):
    for fact in (
        "6 of 8 signals took part",
        "no list was given",
        "214 rows could not be read",
        "time is not a timestamp: 181",
        "24 accounts on the register of exemptions",
        "on the traffic at hand",
        "5.0 % are assumed to be attack",
        "never a signal",
        "logs/2026-03/*.jsonl.zst",
        "Stillwatch 0.1.0",
    ):
        assert fact in page.text


def test_nothing_is_fetched_and_nothing_runs(html, page):
    assert page.named("script") == page.named("link") == page.named("iframe") == []
    assert all(link["href"].startswith("#") for link in page.named("a"))
    for _, attributes in page.elements:
        assert not {"src", "srcset", "action"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_an_account_id_cannot_run(html, page):
    assert HOSTILE_ID not in html
    assert "<script" not in html.lower()
    assert HOSTILE_ID in page.text


def test_labels_reasons_and_settings_cannot_run():
    hostile = "</title></style><img src=x onerror=alert(1)>"
    result = build_result(scale=0.05)
    campaign = msgspec.structs.replace(
        result.campaigns[0],
        campaign_id=hostile,
        objective=hostile,
        reasons=[hostile],
        carries=[Share(hostile, 1.0)],
        indicators=[msgspec.structs.replace(result.campaigns[0].indicators[0], value=hostile)],
    )
    evidence = msgspec.structs.replace(
        result.evidence["c001"],
        campaign_id=hostile,
        enrichments=[Enrichment(hostile, hostile, 1.0, 0.0, -5.0, True)],
        alternatives=[
            Alternative(hostile, 0.5, rejected, hostile, what)
            for rejected in (False, True)
            for what in (hostile, "")
        ],
        doubts=[hostile],
        languages=[Share(hostile, 1.0)],
    )
    summary = msgspec.structs.replace(
        result.summary,
        inputs=[hostile],
        notes=[hostile],
        settings={hostile: hostile},
        rejected_reasons={hostile: 1},
        version=hostile,
    )
    html = render(
        replace(result, campaigns=(campaign,), evidence={hostile: evidence}, summary=summary)
    )
    assert "<img" not in html
    assert html.count("</title>") == 1 + html.count("<title id=") + html.count("<circle")
    assert Page(html).named("img") == []


def test_structure_is_semantic(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert page.named("html") == [{"lang": "en"}]
    assert all("scope" in heading for heading in page.named("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.named("a")} <= set(ids)
    for _, attributes in page.elements:
        assert set((attributes.get("aria-labelledby") or "").split()) <= set(ids)


def test_every_picture_has_words(page):
    for svg in page.named("svg"):
        assert svg.keys() & {"aria-labelledby", "aria-label", "aria-hidden"}


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_colours_have_contrast_in_light_dark_and_print(html):
    schemes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))
        for block in re.findall(r":root \{(.*?)\}", html, re.DOTALL)
    ]
    assert len(schemes) == 3
    for scheme in schemes:
        colours = {
            name: value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:])
            for name, value in scheme.items()
        }
        for text in ("ink", "muted", "grave", "calm", "good", "warn"):
            for ground in ("page", "card"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        assert contrast(colours["grave"], colours["grave-wash"]) >= 4.5
        assert contrast(colours["calm"], colours["calm-wash"]) >= 4.5
        assert contrast(colours["member"], colours["card"]) >= 3
        assert contrast(colours["others"], colours["card"]) >= 3


def test_an_empty_result_says_what_that_means():
    page = Page(render(build_empty()))
    assert "No extraction campaign or relay pool found" in page.text
    assert "0 candidate groups were tested" in page.text
    assert "That is not proof that there is none" in page.text
    assert "one by one" not in page.text


def unknown(unusual_p):
    """A page with one group of unknown kind, of which next to nothing is known."""
    result = build_result(scale=0.05)
    campaign = msgspec.structs.replace(
        result.campaigns[0], kind=Kind.UNKNOWN, value=None, objective=None, carries=[]
    )
    evidence = msgspec.structs.replace(
        result.evidence["c001"],
        enrichments=[],
        alternatives=[],
        growth=[],
        activity=[],
        doubts=[],
        unusual_p=unusual_p,
    )
    return Page(render(replace(result, campaigns=(campaign,), evidence={"c001": evidence})))


def test_what_is_unknown_is_said():
    page = unknown(0.05)
    text = page.text
    assert {"class": "three"} in page.named("div")
    assert "No extraction campaign or relay pool found" in text
    assert "Also 1 coordinated group of unknown kind." in text
    assert "act together; what for is not established" in text
    assert "No kind is named" in text
    assert "no price of its models was given (--prices FILE)" in text
    assert "Extraction is not asserted." in text
    assert "Also coordinated" not in text


def test_an_unknown_group_of_ordinary_members_is_shown_compactly():
    page = unknown(0.051)
    assert "Also 1 coordinated group of unknown kind." in page.text
    assert "Also coordinated" in page.text
    assert "act together; what for is not established" in page.text
    assert "taken one by one, its members behave like others" in page.text
    assert "so no kind is named" not in page.text
    assert {"class": "three"} not in page.named("div")
    assert "No group of accounts looks like a campaign" in page.text


def test_explanations_are_named_in_words():
    result = build_result(scale=0.05)
    people, jobs = "independent people who use one app", "fixed jobs that repeat their requests"
    evidence = msgspec.structs.replace(
        result.evidence["c001"],
        alternatives=[
            Alternative("shared-app", 0.3, False, "even hours", people),
            Alternative("shared-app", 1e-4, True, "requests differ", jobs),
        ],
    )
    text = Page(render(replace(result, evidence={**result.evidence, "c001": evidence}))).text
    assert (
        f"{people.capitalize()}: not ruled out (p 0.3). What speaks most against it: even hours."
        in text
    )
    assert f"{people.capitalize()} ? still possible 0.3 even hours" in text
    assert f"{jobs.capitalize()} ✓ ruled out 1 × 10⁻⁴ requests differ" in text
    assert f"it is not {jobs}." in text


def test_comparison_is_shown(page):
    assert "What changed since the previous scan" in page.text
    assert "3 new, 1 grown, 1 shrunk and 3 gone" in page.text


def test_rendering_is_deterministic(result, html):
    assert render(result, compare(result, build_result(scale=0.5))) == html


def test_thirty_large_campaigns_stay_under_two_megabytes():
    rng = np.random.default_rng(3)
    campaigns = tuple(
        build_campaign(
            f"c{n:03d}", Kind.EXTRACTION, [f"account-{n:02d}-{i:06d}" for i in range(2000)], rng
        )
        for n in range(30)
    )
    evidence = {c.campaign_id: build_evidence(c, rng) for c in campaigns}
    long = {
        name: msgspec.structs.replace(e, activity=rng.poisson(40, (90, 24)).tolist())
        for name, e in evidence.items()
    }
    html = render(assemble(campaigns, long, 61_000, rng))
    assert len(html.encode()) < 2_000_000


def test_hundreds_of_benign_groups_become_rows_of_a_table():
    rng = np.random.default_rng(4)
    campaigns = tuple(
        build_campaign(
            f"g{n:03d}", Kind.SHARED_APP, [f"a-{n:03d}-{i}" for i in range(400 - n)], rng
        )
        for n in range(300)
    )
    evidence = {c.campaign_id: build_evidence(c, rng) for c in campaigns}
    html = render(assemble(campaigns, evidence, 61_000, rng))
    page = Page(html)
    assert "270 smaller groups" in page.text
    assert all(campaign.campaign_id in page.text for campaign in campaigns)
    cards = [a["id"] for a in page.named("details") if "campaign" in a.get("class", "").split()]
    assert len(cards) == 30
    assert page.text.index("g029") < page.text.index("270 smaller groups") < page.text.index("g030")
    assert len(html.encode()) < 1_000_000
