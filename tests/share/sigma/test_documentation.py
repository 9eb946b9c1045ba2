"""docs/sigma.md says what the tables of the code say."""

from pathlib import Path

from stillwatch.share.sigma.fields import EVENT_FIELDS, FIELDS, MARKERS, ORIGINS, Service, Sort
from stillwatch.share.sigma.lint import MOST_CHARACTERS, MOST_VALUES, MOST_WORDS
from stillwatch.share.sigma.pack import pack

PAGE = (Path(__file__).parents[3] / "docs/sigma.md").read_text()


def test_every_field_has_its_row():
    rows = [
        f"| `{f.name}` | {f.sort} | {f.meaning} | {'no' if f.raw else 'yes'} |"
        for f in EVENT_FIELDS
    ]
    start = PAGE.index("| field | sort |")
    table = PAGE[start : PAGE.index("\n\n", start)].splitlines()
    assert table[2:] == rows


def test_every_sort_marker_and_rule_is_there():
    assert all(f"\n| {sort} |" in PAGE for sort in Sort)
    assert all(f"`{name}`" in PAGE for name in MARKERS)
    assert all(file.main[0].title in PAGE for file in pack())
    limits = f"at most {MOST_WORDS} words and {MOST_CHARACTERS} characters"
    assert limits in PAGE
    assert f"at most {MOST_VALUES} such values" in PAGE


def test_no_field_tells_origin():
    for service in Service:
        names = [name.removeprefix("s_").removeprefix("p_") for name in FIELDS[service]]
        told = [
            name for name in names if any(name == word or f"{word}_" in name for word in ORIGINS)
        ]
        assert told == []
