"""What the commands of `stillwatch signature` do: find rules, run them, put results in tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.cli.jobs import compile_kernels, lists_of
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen
from stillwatch.detect.wording import count
from stillwatch.errors import ConfigError, InputError
from stillwatch.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.share.sigma.match import Measured, Planned
    from stillwatch.share.sigma.reading import RuleFile

SIGMA = (".yml", ".yaml")
"""Suffixes of Sigma rules; other signatures have others."""

MEASURES = ("rule", "matched", "precision", "recall", "false positives", "most in")


def measures(each: "Measured") -> tuple[str, ...]:
    """One row of the table of `test`."""
    wrong = sum(matched for matched, _ in each.benign.values())
    benign = sum(size for _, size in each.benign.values())
    worst = max(each.benign.items(), key=lambda item: item[1][0], default=("", (0, 0)))
    return (
        each.rule,
        f"{each.flagged:,}",
        "" if each.precision is None else f"{each.precision:.0%}",
        "" if each.recall is None else f"{each.recall:.1%}",
        f"{wrong:,} of {benign:,}",
        f"{worst[0]} {worst[1][0]} of {worst[1][1]}" if worst[1][0] else "",
    )


def summary(plan: "Sequence[Planned]", matches: "pa.Table") -> list[tuple[str, ...]]:
    """Accounts and events of each rule that matched."""
    found = matches.group_by("rule_id").aggregate([("account_id", "count"), ("events", "sum")])
    rows = {row["rule_id"]: row for row in found.to_pylist()}
    return [
        (
            each.rule.title,
            each.rule.level.name.lower() if each.rule.level else "",
            f"{rows[each.id]['account_id_count']:,}",
            f"{rows[each.id]['events_sum']:,}",
        )
        for each in plan
        if each.id in rows
    ]


def require_extra() -> None:
    """Say which extra is missing, before anything else.

    Raises:
        ConfigError: pySigma or RE2 is not installed.
    """
    try:
        import re2  # noqa: F401
        import sigma.rule  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"Sigma rules need the extra share ({error}): pip install 'stillwatch[share]'"
        ) from error


def rule_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Find the files of rules; the test events beside them are none.

    Raises:
        InputError: There is no such file, it is of no known type, or a folder has none.
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix in SIGMA)
            found = [p for p in inside if "tests" not in p.relative_to(path).parts]
            if not found:
                raise InputError(f"{path} holds no rules: give a folder with .yml files")
            yield from found
        elif not path.is_file():
            raise InputError(f"{path} does not exist: give a file or folder of rules")
        elif path.suffix not in SIGMA:
            raise InputError(f"{path} is no signature of a known type: Sigma rules end with .yml")
        else:
            yield path


def read_file(path: Path) -> "tuple[RuleFile, str]":
    """Read a file of rules, and keep its text."""
    from stillwatch.share.sigma.reading import read_rules

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: save it as such") from error
    return read_rules(text, str(path)), text


def cases_of(path: Path, file: "RuleFile") -> Iterator[str]:
    """Run the test events beside a rule."""
    from stillwatch.share.sigma.cases import read_cases
    from stillwatch.share.sigma.engine import run_case
    from stillwatch.share.sigma.match import plan

    beside = path.parent / "tests" / path.name
    if not beside.is_file():
        yield f"no test events: write {beside}"
        return
    try:
        rules = plan([file])
        for case in read_cases(beside.read_text(encoding="utf-8"), str(beside)):
            if any(run_case(rule, case) for rule in rules) is not case.match:
                yield f"{'does not match' if case.match else 'matches'}: {case.name}"
    except InputError as error:
        yield str(error)


def run(
    logs: tuple[str, ...],
    paths: tuple[Path, ...],
    log_format: str,
    settings: Settings,
    screen: Screen,
) -> "tuple[tuple[Planned, ...], pa.Table]":
    """Run the rules that fit what is given; return those, and the matches."""
    from stillwatch.detect.store import RUN, read_result
    from stillwatch.share.sigma.engine import run_on_profiles
    from stillwatch.share.sigma.fields import Service
    from stillwatch.share.sigma.match import plan
    from stillwatch.share.sigma.pack import pack

    files = [read_file(path)[0] for path in rule_files(paths)] if paths else pack()
    rules = plan(files)
    result = Path(logs[0])
    service = Service.EVENTS
    if len(logs) == 1 and (result / RUN).is_file():
        service = Service.PROFILES
    fitting = tuple(rule for rule in rules if rule.service is service)
    if not fitting:
        raise InputError(f"none of the rules is over {service}: give other logs or other rules")
    if len(fitting) < len(rules):
        skipped = count(len(rules) - len(fitting), "rule")
        screen.say(f"left out {skipped}: not over {service}")
    if service is Service.PROFILES:
        return fitting, run_on_profiles(fitting, read_result(result).profiles)
    return run_on_events(logs, fitting, log_format, settings, screen)


def run_on_events(
    logs: tuple[str, ...],
    rules: "tuple[Planned, ...]",
    log_format: str,
    settings: Settings,
    screen: Screen,
) -> "tuple[tuple[Planned, ...], pa.Table]":
    """Run rules over a log; without text, those that need it are left out and said."""
    from stillwatch.events.key import Key
    from stillwatch.events.lists import NetworkLists
    from stillwatch.events.readers import Rejects, open_log
    from stillwatch.share.sigma.engine import run_on_log

    secret = read_key(settings.key_file) if settings.key_file else None
    key = Key.from_secret(secret) if secret else Key.public()
    lists = lists_of(settings)
    networks = NetworkLists.load(lists) if lists else NetworkLists.empty()
    rejects = Rejects()
    log = open_log(logs, format=log_format, rejects=rejects)
    if log.contract == "fingerprints" and (raw := [rule for rule in rules if rule.raw]):
        rules = tuple(rule for rule in rules if not rule.raw)
        titles = ", ".join(rule.rule.title for rule in raw)
        screen.say(f"left out, for they need events with text or addresses: {titles}")
    if log.contract == "events":
        compile_kernels(key, screen)
    found = run_on_log(rules, log, log.contract, key, networks if networks.on else None)
    if rejects.total:
        screen.say(f"{count(rejects.total, 'row')} could not be read")
    return rules, found


def read_labels(path: Path) -> dict[str, tuple[bool, str]]:
    """Read the truth about accounts.

    Raises:
        InputError: It is no Parquet file, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["account_id", "cohort", "campaign"]
    try:
        rows = pq.read_table(path, columns=names).to_pydict()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} holds no labels: give Parquet with {', '.join(names)}") from error
    if missing := [name for name in names if name not in rows]:
        raise InputError(f"{path} lacks the column {missing[0]!r}: give {', '.join(names)}")
    attacks = [campaign is not None for campaign in rows["campaign"]]
    pairs = zip(attacks, rows["cohort"], strict=True)
    return dict(zip(rows["account_id"], pairs, strict=True))
