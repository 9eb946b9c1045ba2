"""`stillwatch signature test`: how right signatures are on a log with labels."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command
from stillwatch.cli.screen import Screen, table
from stillwatch.cli.signature_logs import Fingerprints
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    from stillwatch.share.signatures.model import Rate, Signature
    from stillwatch.share.signatures.store import SignatureStore
    from stillwatch.share.signatures.trial import Score, Truth

NEEDED = ("account_id", "label", "cohort")
"""Columns of labels; `campaign` may be there too. `label` is `attack` or `benign`."""


@click.command(
    name="test",
    cls=Command,
    examples=[
        "stillwatch signature test events.parquet --labels labels.parquet --forum-key forum.key",
        "stillwatch signature test forum.parquet --labels labels.csv --record --by Ada",
    ],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOGS...")
@click.option("--labels", type=options.FILE, required=True, help="Parquet or CSV: who is what.")
@signature_logs.forum_key
@signature_logs.store
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
@options.as_json
@options.quiet
def command(
    logs: tuple[str, ...],
    labels: Path,
    forum_key: Path | None,
    signatures: Path,
    *,
    record: bool,
    by: str,
    most: float,
    log_format: str,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Score signatures on labelled events.

    Precision, recall and false positives per cohort, all together and each alone. Labels are one
    row per account: account_id, label (attack or benign), cohort and, if known, campaign.
    """
    from stillwatch.share.signatures.index import PlainIndex
    from stillwatch.share.signatures.store import SignatureStore
    from stillwatch.share.signatures.tally import tally
    from stillwatch.share.signatures.trial import trial

    if record and not by.strip():
        raise click.UsageError("--record needs --by: name who tests")
    settings = load_settings().with_options(**given)
    screen = Screen(quiet=quiet)
    truth = read_labels(labels)
    store = SignatureStore(signatures)
    log = Fingerprints(
        logs, log_format=log_format, key_file=forum_key, settings=settings, screen=screen
    )
    used = [s for s in store.signatures() if s.key_id == log.key_id]
    if not used:
        raise InputError("no signature is under the key of the log: name the forum's --forum-key")
    met = tally(used, PlainIndex(used), log())
    scores = trial(used, met.matches(), truth, met.accounts)
    show(scores, screen)
    if record:
        accepted(store, used, scores, most=most, by=by, screen=screen)
    if as_json:
        click.echo(msgspec.json.encode(scores).decode())


def read_labels(path: Path) -> "dict[str, Truth]":
    """Read who is what.

    Raises:
        InputError: The file cannot be read or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    from stillwatch.share.signatures.trial import Truth

    try:
        read = csv.read_csv(path) if path.suffix == ".csv" else pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} cannot be read as Parquet or CSV: give another file") from error
    missing = [name for name in NEEDED if name not in read.schema.names]
    if missing:
        raise InputError(f"{path} has no column {missing[0]}: labels need {', '.join(NEEDED)}")
    campaigns = read["campaign"] if "campaign" in read.schema.names else pa.nulls(len(read))
    columns = [read[name].to_pylist() for name in NEEDED] + [campaigns.to_pylist()]
    return {
        str(account): Truth(label == "attack", str(cohort), campaign)
        for account, label, cohort, campaign in zip(*columns, strict=True)
    }


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
