from datetime import UTC, datetime

import pyarrow as pa
import pytest

from stillwatch.detect.exemptions import active_exemptions, load_exemptions
from stillwatch.errors import ConfigError, InputError
from stillwatch.events.contracts import Exemption
from stillwatch.simulate import simulate, write_traffic

TOML = """
[[exemption]]
org_id = "org-7"
reason = "contract 14"
expires = 2027-01-31

[[exemption]]
account_id = "acct-1"
reason = "registered evaluator"
expires = 2027-06-01T12:00:00+02:00
"""
JSON = """[
  {"org_id": "org-7", "reason": "contract 14", "expires": "2027-01-31"},
  {"account_id": "acct-1", "reason": "registered evaluator", "expires": "2027-06-01T10:00:00Z"}
]"""
CSV = """\
account_id,org_id,reason,expires
,org-7,contract 14,2027-01-31
acct-1,,registered evaluator,2027-06-01T12:00:00+02:00
"""
ACCOUNTS = pa.table(
    {
        "account_id": ["acct-1", "acct-2", "acct-3", "acct-4"],
        "org_id": ["org-7", "org-7", "x", None],
    }
)


@pytest.mark.parametrize(("name", "text"), [("e.toml", TOML), ("e.csv", CSV), ("e.json", JSON)])
def test_all_formats_say_the_same(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert load_exemptions(tmp_path / name) == (
        Exemption(org_id="org-7", reason="contract 14", expires=datetime(2027, 2, 1, tzinfo=UTC)),
        Exemption(
            account_id="acct-1",
            reason="registered evaluator",
            expires=datetime(2027, 6, 1, 10, tzinfo=UTC),
        ),
    )


def test_the_simulators_register_is_read_and_null_is_absent(tmp_path):
    traffic = simulate("mixed", seed=1)
    write_traffic(traffic, tmp_path)
    path = tmp_path / "exemptions.json"
    assert traffic.exemptions
    assert b"null" not in path.read_bytes()
    assert load_exemptions(path) == tuple(traffic.exemptions)
    path.write_text(JSON.replace('"org_id"', '"account_id": null, "org_id"'))
    assert [e.org_id for e in load_exemptions(path)] == ["org-7", None]


def test_organisations_cover_their_accounts_until_they_expire(tmp_path):
    (tmp_path / "e.toml").write_text(TOML)
    exemptions = load_exemptions(tmp_path / "e.toml")
    during = active_exemptions(exemptions, ACCOUNTS, datetime(2027, 1, 31, 23, tzinfo=UTC))
    assert during == {"acct-1": "registered evaluator", "acct-2": "contract 14"}
    after = active_exemptions(exemptions, ACCOUNTS, datetime(2027, 2, 1, tzinfo=UTC))
    assert after == {"acct-1": "registered evaluator"}
    assert active_exemptions(exemptions, None, datetime(2028, 1, 1, tzinfo=UTC)) == {}


def test_without_an_account_table_only_account_entries_hold(tmp_path):
    (tmp_path / "e.toml").write_text(TOML)
    exemptions = load_exemptions(tmp_path / "e.toml")
    at = datetime(2027, 1, 1, tzinfo=UTC)
    assert active_exemptions(exemptions, None, at) == {"acct-1": "registered evaluator"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[exemption]]\nreason = "r"\nexpires = 2027-01-01', "entry 1 must name exactly one"),
        (
            '[[exemption]]\naccount_id = "a"\norg_id = "o"\nreason = "r"\nexpires = 2027-01-01',
            "must name exactly one",
        ),
        ('[[exemption]]\naccount_id = "a"\nexpires = 2027-01-01', "reason must be a text"),
        ('[[exemption]]\naccount_id = "a"\nreason = "r"', "expires must be a date"),
        ('[[exemption]]\naccount_id = "a"\nreason = "r"\nexpires = "soon"', "expires must be"),
        (
            '[[exemption]]\naccount_id = "a"\nreason = "r"\nexpires = 2027-01-01T00:00:00',
            "a time with a zone",
        ),
        ('[[exemption]]\nacount_id = "a"\nreason = "r"\nexpires = 2027-01-01', "unknown key"),
        ('exempt = "a"', "exemption.. tables and nothing else"),
        ("exemption = 3", "exemption.. tables and nothing else"),
        (
            2 * '[[exemption]]\naccount_id = "a"\nreason = "r"\nexpires = 2027-01-01\n',
            "a is listed twice",
        ),
    ],
)
def test_what_is_incomplete_or_ambiguous_is_refused(tmp_path, text, message):
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_exemptions(tmp_path / "e.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account,reason,expires\na,r,2027-01-01\n", "unknown column 'account'"),
        ("account_id,reason,expires\na,r\n", "line 2 has not 3 fields"),
        ("account_id,reason,expires\na,r,2027-01-01,x\n", "line 2 has not 3 fields"),
        ("account_id,reason,expires\na,r,31/01/2027\n", "line 2: expires"),
    ],
)
def test_csv_errors_name_the_line(tmp_path, text, message):
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        load_exemptions(tmp_path / "e.csv")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        load_exemptions(tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="neither TOML"):
        load_exemptions(tmp_path / "binary.csv")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(InputError, match="no JSON array of exemptions"):
        load_exemptions(tmp_path / "bad.json")
    (tmp_path / "bad.toml").write_text("= 1")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_exemptions(tmp_path / "bad.toml")
