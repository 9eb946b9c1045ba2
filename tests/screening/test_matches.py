import csv
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from stillwatch.bench.screening import fit, judge, measure, read_pairs
from stillwatch.bench.screening_folds import at_threshold, left_out
from stillwatch.bench.screening_page import SEED
from stillwatch.detect.screening import model
from stillwatch.detect.screening.compare import compare
from stillwatch.detect.screening.entries import Entry, EntryKind
from stillwatch.detect.screening.matches import Level, Match, screen
from stillwatch.detect.screening.names import parse_name

QUALITY = Path(__file__).parents[2] / "benchmarks/quality"
ENTRY = Entry(
    "List",
    "1",
    "Beijing Tianmu Radar Technology Co., Ltd.",
    aliases=("北京天目雷达科技有限公司",),
    addresses=("12 Jingye Road, Haidian, Beijing",),
    domains=("tianmu-radar.example",),
    countries=("China",),
)


def labelled(name):
    return read_pairs(QUALITY / f"screening_{name}.csv")


def found(entry=ENTRY, **columns):
    row = {"account_id": "a", "org_name": None, "email_domain": None} | columns
    return screen(pa.Table.from_pylist([row]), [entry])


@pytest.mark.parametrize(
    "name",
    [
        "Tianmu Radar Technology",
        "BEIJING TIAN MU RADAR TECH LTD",
        "北京天目雷达",
        "天目雷達科技有限公司",
    ],
)
def test_a_name_matches_however_it_is_written(name):
    (match,) = found(org_name=name)
    assert match.level is Level.MATCH
    assert match.score >= model.MATCH
    assert match.reasons[0].startswith("the name is the listed name")


@pytest.mark.parametrize(
    "name", ["Beijing Radar Technology", "Beijing Tianhe Radar Technology", "Tianmu Tea House"]
)
def test_common_words_do_not_match(name):
    assert [match for match in found(org_name=name) if match.level is Level.MATCH] == []


def test_a_country_neither_matches_nor_adds():
    assert found(org_name="Zhongguo", country="CN") == []
    assert found(org_name="China", country="CN") == []
    plain = found(org_name="Tianmu Radar", country=None)
    assert [m.score for m in found(org_name="Tianmu Radar", country="CN")] == [plain[0].score]
    elsewhere = msgspec.structs.replace(ENTRY, countries=("Norway",))
    assert found(elsewhere, org_name="Tianmu Radar")[0].score == plain[0].score


def test_a_place_that_agrees_adds_nothing():
    asked, listed = parse_name("Beijing Tianmu Radar"), parse_name(ENTRY.name)
    assert compare(asked, listed, {}) == compare(parse_name("Tianmu Radar"), listed, {})


def test_a_domain_matches_and_that_of_a_mail_service_never():
    (match,) = found(org_name="TMR", email_domain="mail.tianmu-radar.example")
    assert match.level is Level.MATCH
    assert match.reasons[0] == "the domain tianmu-radar.example is listed"
    shared = msgspec.structs.replace(ENTRY, domains=("gmail.com",))
    assert found(shared, email_domain="gmail.com") == []


def test_an_address_alone_is_a_near_miss():
    (match,) = found(org_name="Maple Books", org_address="No. 12 Jingye Rd, Haidian, Beijing")
    assert match.level is Level.NEAR_MISS
    assert found(org_name="Maple Books", org_address="Haidian, Beijing") == []


def test_persons_and_vessels_are_not_compared():
    for kind in (EntryKind.PERSON, EntryKind.OTHER):
        assert found(msgspec.structs.replace(ENTRY, kind=kind), org_name=ENTRY.name) == []


def test_a_match_has_no_risk_and_no_verdict():
    assert not {"risk", "verdict", "p_value"} & set(Match.__struct_fields__)


def test_nothing_that_scans_or_judges_imports_screening():
    source = Path(__file__).parents[2] / "src/stillwatch"
    users = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "detect.screening" in path.read_text() and "detect/screening/" not in path.as_posix()
    }
    assert users == {
        "cli/screening.py",
        "cli/doctor.py",  # says how old the lists are; compares nothing
        "bench/screening.py",
        "bench/screening_folds.py",
        "bench/screening_page.py",
        # Who may be behind a campaign: a listing is shown and weighs nothing.
        "cli/attribute.py",
        "share/attribution/claims.py",
        "share/attribution/collect.py",
    }


DEVELOPMENT = ("dev", "spent", "spent_2")
REPORT = QUALITY / "screening_report.csv"


def development():
    return [pair for name in DEVELOPMENT for pair in labelled(name)]


def test_the_weights_are_those_of_the_development_sets():
    fitted = fit(development())
    assert fitted.intercept == pytest.approx(model.FITTED.intercept, abs=0.1)
    used = msgspec.structs.astuple(model.FITTED.weights)
    assert msgspec.structs.astuple(fitted.weights) == pytest.approx(used, abs=0.3)


@pytest.mark.skipif(not REPORT.exists(), reason="there is no report set at present")
def test_the_report_set_is_large_and_apart():
    report = labelled("report")
    assert len(report) >= 200
    assert not {pair.listed for pair in development()} & {pair.listed for pair in report}


def test_each_fold_is_scored_without_its_entities():
    pairs = development()[:120]
    scored = left_out(pairs, np.random.default_rng(3), folds=4)
    judged = judge(pairs)
    assert sorted((j.row, j.listed) for j in scored) == sorted((j.row, j.listed) for j in judged)
    assert {j.probability for j in scored} != {j.probability for j in judged}
    strict, loose = (at_threshold(pairs, scored, threshold) for threshold in (0.95, 0.5))
    assert strict[1] <= loose[1]


def test_quality_does_not_fall_behind_what_was_measured():
    pairs = labelled("report") if REPORT.exists() else development()
    judged = judge(pairs) if REPORT.exists() else left_out(pairs, np.random.default_rng(SEED))
    (quality,) = measure(pairs, judged, lambda _: "all")
    lines = (QUALITY / "screening.md").read_text().splitlines()
    row = next(line for line in reversed(lines) if line.startswith(f"| all | {len(pairs)}"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert [quality.found, quality.reported - quality.right] == [int(cells[3]), int(cells[5])]


def test_the_labelled_sets_have_three_tiers():
    for name in (*DEVELOPMENT, *(["report"] if REPORT.exists() else [])):
        with (QUALITY / f"screening_{name}.csv").open(encoding="utf-8", newline="") as file:
            assert {row["tier"] for row in csv.DictReader(file)} == {
                "exact",
                "variant",
                "look-alike",
            }


@pytest.mark.parametrize("text", ["Plant №5", "Plant No.5", "PLANT # 5", "Plant nº5", "Завод №5"])
def test_a_number_is_read_whatever_sign_stands_before_it(text):
    name = parse_name(text)
    assert (name.numbers, name.fields, name.core) == ({5}, {"factory"}, ())


@pytest.mark.parametrize("form", ["S. A. R. L.", "A/S", "Sh.P.K.", "PJSC", "K.K.", "ՓԲԸ", "შპს"])
def test_legal_forms_say_nothing(form):
    assert [token.own for token in parse_name(f"Zoravek {form}").core] == ["zoravek"]


def test_an_abbreviation_before_a_full_stop_is_no_telling_word():
    # "Sav." and "Ind." may each be short for several trades: they say nothing, and add no word.
    for text in ("Zoravek Sav. San.", "Zoravek Ind. Tech.", "Zoravek Comm."):
        assert [token.own for token in parse_name(text).core] == ["zoravek"]


def test_other_characters_of_one_sound_are_another_name_where_the_list_has_them():
    entry = Entry(
        "List", "1", "Jingguang Optics", EntryKind.ORGANISATION, aliases=("晶光光学有限公司",)
    )
    names = ["晶光光学有限公司", "景光光学有限公司", "Jingguang Optics"]
    accounts = pa.table({"account_id": names, "org_name": names})
    found = {m.account_id for m in screen(accounts, [entry]) if m.level is Level.MATCH}
    assert found == {"晶光光学有限公司", "Jingguang Optics"}
