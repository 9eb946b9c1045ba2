"""What the signature commands do with Sigma rules: find them, run them, put results in tables."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from stillwatch.cli.files import write_table
from stillwatch.cli.jobs import compile_kernels, lists_of
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen, show, table
from stillwatch.cli.signature_files import by_kind, rule_paths
from stillwatch.detect.wording import count
from stillwatch.errors import ConfigError, InputError
from stillwatch.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from stillwatch.share.sigma.match import Measured, Planned
    from stillwatch.share.sigma.reading import RuleFile

pack = click.option("--pack", is_flag=True, help="Use the Sigma rules that ship with Stillwatch.")
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
        InputError: A path does not exist, is of another type, or a folder has none.
    """
    for path in paths:
        if by_kind([path]).signatures:
            raise InputError(f"{path} holds no rules: give Sigma rules, .yml files or folders")
        yield from rule_paths(path) if path.is_dir() else [path]


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


def chosen(paths: Sequence[Path], *, shipped: bool) -> "tuple[Planned, ...]":
    """Read rules, and those that ship where they are asked for.

    Raises:
        ConfigError: The extra is missing.
        InputError: A rule cannot run here.
    """
    require_extra()
    from stillwatch.share.sigma.match import plan
    from stillwatch.share.sigma.pack import pack as shipped_rules

    files = [read_file(path)[0] for path in rule_files(paths)]
    return plan([*files, *(shipped_rules() if shipped else ())])


def run(
    logs: tuple[str, ...],
    rules: "tuple[Planned, ...]",
    log_format: str,
    settings: Settings,
    screen: Screen,
) -> "tuple[tuple[Planned, ...], pa.Table]":
    """Run the rules that fit what is given; return them, and the matches.

    Args:
        logs: files, folders or globs of events or fingerprints, or the result of a scan.
        rules: as `chosen` returned them.
        log_format: of the logs.
        settings: keys and lists.
        screen: where it is said what was left out.

    Raises:
        InputError: No rule fits.
    """
    from stillwatch.detect.store import RUN, read_result
    from stillwatch.share.sigma.engine import run_on_profiles
    from stillwatch.share.sigma.fields import Service

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


def deliver_matches(
    plan: "Sequence[Planned]", matches: "pa.Table", out: Path | None, screen: Screen, *,
    as_json: bool,
) -> None:  # fmt: skip
    """Write, print or show what rules matched."""
    if out is not None:
        write_table(matches, out)
    if as_json:
        click.echo(msgspec.json.encode(matches.to_pylist()).decode())
    elif matches.num_rows:
        show(table(("rule", "level", "accounts", "events"), summary(plan, matches)), sys.stdout)
    accounts = len(set(matches["account_id"].to_pylist()))
    screen.say(f"{count(len(plan), 'rule')}, {count(accounts, 'account')} matched")


def deliver_scores(measured: "Sequence[Measured]", *, as_json: bool) -> None:
    """Print or show how right rules are."""
    if as_json:
        rows = [
            msgspec.to_builtins(each) | {"precision": each.precision, "recall": each.recall}
            for each in measured
        ]
        click.echo(msgspec.json.encode(rows).decode())
    else:
        show(table(MEASURES, [measures(each) for each in measured]), sys.stdout)
