"""`stillwatch signature test`: how right signatures and rules are on a log with labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options, signature_logs, signature_rules
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen, table
from stillwatch.cli.signature_files import by_kind, read_signatures
from stillwatch.cli.signature_labels import read_labels
from stillwatch.cli.signature_logs import Fingerprints
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    from stillwatch.share.signatures.model import Rate, Signature
    from stillwatch.share.signatures.store import SignatureStore
    from stillwatch.share.signatures.trial import Score
    from stillwatch.share.truth import Truth

MISSING = "no signature is under the key of the log: name the forum's --forum-key"


@click.command(
    name="test",
    cls=Command,
    examples=[
        "stillwatch signature test --events logs/ --labels labels.parquet --forum-key forum.key",
        "stillwatch signature test --events forum.parquet --labels labels.csv --record --by Ada",
        "stillwatch signature test rule.yml --events events.parquet --labels labels.parquet",
        "stillwatch signature test --pack --events result --labels labels.parquet --json",
    ],
)
@click.argument("paths", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@signature_rules.pack
@click.option(
    "--events",
    "logs",
    multiple=True,
    required=True,
    metavar="LOGS",
    help="File, folder or glob; can be repeated. For rules also the result of a scan.",
)
@click.option("--labels", type=options.FILE, required=True, help="Parquet or CSV: who is what.")
@signature_logs.forum_key
@click.option("--record", is_flag=True, help="Record as tested those that keep the limit.")
@click.option("--by", default="", metavar="NAME", help="Who tests; for --record.")
@click.option(
    "--most",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.01,
    show_default=True,
    help="Largest upper limit of the rate of false positives, for --record.",
)
@options.log_format
@options.account_from
@options.key_file
@options.lists
@options.as_json
@options.quiet
def command(
    paths: tuple[Path, ...],
    logs: tuple[str, ...],
    labels: Path,
    forum_key: Path | None,
    *,
    pack: bool,
    record: bool,
    by: str,
    most: float,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Score signatures or rules on labelled events.

    FILE is a folder of signatures, a STIX bundle (.json), a Sigma rule (.yml) or a folder of rules,
    of one sort; default: the folder signatures. Precision, recall and false positives per cohort.
    Labels are one row per account: account_id, cohort, and label (attack or benign) or campaign,
    empty where benign.
    """
    files = by_kind(paths or (() if pack else (signature_logs.STORE,)))
    if files.signatures and (files.rules or pack):
        raise click.UsageError("give signatures or rules: their scores have other columns")
    if record and (files.rules or pack):
        raise click.UsageError("--record goes with signatures: rules have no life")
    if record and not by.strip():
        raise click.UsageError("--record needs --by: name who tests")
    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    truth = read_labels(labels)
    if files.rules or pack:
        chosen = signature_rules.chosen(files.rules, shipped=pack)
        from stillwatch.share.sigma.match import measure

        plan, matches = signature_rules.run(logs, chosen, log_format, settings, screen)
        signature_rules.deliver_scores(measure(plan, matches, truth), as_json=as_json)
        return
    if len(files.signatures) > 1:
        raise click.UsageError("give one folder or bundle of signatures at a time")
    log = Fingerprints(
        logs, log_format=log_format, key_file=forum_key, settings=settings, screen=screen
    )
    used, scores = scored(files.signatures[0], log, truth)
    show(scores, screen)
    if record:
        accepted(recorded(files.signatures[0]), used, scores, most=most, by=by, screen=screen)
    if as_json:
        click.echo(msgspec.json.encode(scores).decode())


def scored(
    path: Path, log: Fingerprints, truth: "dict[str, Truth]"
) -> "tuple[list[Signature], list[Score]]":
    """Score signatures of fingerprints.

    Raises:
        InputError: None is under the key of the log.
    """
    from stillwatch.share.signatures.tally import tally
    from stillwatch.share.signatures.trial import trial

    held = read_signatures(path, signature_logs.now()).signatures
    used = [signature for signature in held if signature.key_id == log.key_id]
    if not used:
        raise InputError(MISSING)
    met = tally(used, signature_logs.index_of(used), log())
    return used, trial(used, met.matches(), truth, met.accounts)


def recorded(path: Path) -> "SignatureStore":
    """Return the folder in which a test can be recorded.

    Raises:
        InputError: The signatures are in no folder of their own.
    """
    from stillwatch.share.signatures.store import SignatureStore

    if not path.is_dir():
        raise InputError(f"{path} is no folder of signatures: a test is recorded only in one")
    return SignatureStore(path)


def show(scores: "list[Score]", screen: Screen) -> None:
    """Show all together, each signature, and the cohorts that were hit."""
    rows = [
        (
            (score.signature_id or "signature--all")[11:19],
            _said(score.precision),
            _said(score.recall),
            _said(score.false_positives),
        )
        for score in scores
    ]
    screen.show(table(("signature", "precision", "recall", "false positives"), rows))
    hit = [(name, _said(rate)) for name, rate in scores[0].cohorts.items() if rate.hits]
    screen.show(table(("benign cohort hit", "false positives"), hit or [("none", "")]))


def _said(rate: "Rate") -> str:
    return f"{rate.hits:,} of {rate.accounts:,} ({rate.low:.1%} to {rate.high:.1%})"


def accepted(
    store: "SignatureStore",
    signatures: "list[Signature]",
    scores: "list[Score]",
    *,
    most: float,
    by: str,
    screen: Screen,
) -> None:
    """Record as tested each signature whose false positives keep the limit."""
    from stillwatch.share.signatures.life import Act, Happening

    time = signature_logs.now()
    kept = 0
    for signature, score in zip(signatures, scores[1:], strict=True):
        rate = score.false_positives
        if rate.high > most:
            screen.say(f"{signature.id[11:19]} is not tested: up to {rate.high:.2%} are false")
            continue
        note = f"{rate.hits} of {rate.accounts} benign accounts matched"
        store.record(Happening(signature.id, time, Act.TEST, by, note=note))
        kept += 1
    screen.say(f"recorded {count(kept, 'signature')} as tested")


COMMANDS = (command,)
