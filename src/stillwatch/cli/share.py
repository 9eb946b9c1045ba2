"""`stillwatch share`: what leaves this provider, what comes in, and what may."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from stillwatch.cli import options, signature_logs
from stillwatch.cli.examples import Command, Group
from stillwatch.cli.files import check_files, replacing
from stillwatch.cli.jobs import own_secret
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen
from stillwatch.cli.share_receive import receive
from stillwatch.detect.wording import count
from stillwatch.errors import InputError
from stillwatch.settings import load_settings

if TYPE_CHECKING:
    from stillwatch.share.stix.bundle import Stix
    from stillwatch.share.stix.ids import Ids

LEVELS = ("clear", "green", "amber", "amber+strict", "red")
RESPONSES = ("watch", "throttle", "challenge", "degrade", "block")


class Life(click.ParamType[timedelta]):
    """A number of days or hours, as in 90d or 12h."""

    name = "life"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read a life."""
        found = re.fullmatch(r"([1-9][0-9]{0,4})([dh])", str(value))
        if found is None:
            self.fail("give days or hours, as in 90d or 12h", param, ctx)
        number = int(found[1])
        return timedelta(days=number) if found[2] == "d" else timedelta(hours=number)


@click.group(
    name="share",
    cls=Group,
    examples=[
        "stillwatch share export 'result#sw-3fe2b914' --created-by 'Example Labs' --out out.json",
        "stillwatch share check out.json",
        "stillwatch share import theirs.json --out received",
    ],
)
def command() -> None:
    """Share campaigns with other providers as STIX 2.1.

    Only what the allow-list names can leave; docs/sharing.md lists it field by field.
    """


@command.command(
    cls=Command,
    examples=[
        "stillwatch share export 'result#sw-3fe2b914' --created-by 'Example Labs' --out out.json",
        "stillwatch share export 'result#sw-3fe2b914' --created-by us.json --signatures signatures",
        "stillwatch share export 'result#sw-3fe2b914' --created-by us.json --taken block",
        "stillwatch share export 'result#sw-3fe2b914' --created-by 'Example Labs' --format misp",
    ],
)
@click.argument("target", metavar="DIR#CAMPAIGN")
@click.option(
    "--created-by", required=True, metavar="NAME|FILE", help="Who shares: a name or an identity."
)
@click.option(
    "--signatures", type=options.FOLDER, help="Folder of signatures; the published ones leave."
)
@click.option(
    "--rule", "rules", type=options.FILE, multiple=True, help="Sigma rule; can be repeated."
)
@click.option("--key-file", type=options.FILE, help="Secret under which ids are made.")
@click.option(
    "--tlp", type=click.Choice(LEVELS), default="amber", show_default=True, help="TLP 2.0."
)
@click.option("--expires", type=Life(), default="90d", show_default=True, help="How long it holds.")
@click.option(
    "--taken", type=click.Choice(RESPONSES), multiple=True, help="What you did; can be repeated."
)
@click.option(
    "--digits",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="Significant digits of counts.",
)
@click.option(
    "--times",
    type=click.Choice(["hour", "day"]),
    default="hour",
    show_default=True,
    help="What times are rounded to.",
)
@click.option(
    "--update", type=options.FILE, help="Earlier export: what is the same keeps its version."
)
@click.option(
    "--format", "form", type=click.Choice(["stix", "misp"]), default="stix", show_default=True,
    help="STIX 2.1 bundle or MISP event.",
)  # fmt: skip
@click.option("--out", type=options.FILE, help="File to write; stdout where not given.")
@options.quiet
def export(
    target: str,
    *,
    created_by: str,
    signatures: Path | None,
    rules: tuple[Path, ...],
    key_file: Path | None,
    tlp: str,
    expires: timedelta,
    taken: tuple[str, ...],
    digits: int,
    times: str,
    update: Path | None,
    form: str,
    out: Path | None,
    quiet: bool,
) -> None:
    """Write what others may know of a campaign.

    DIR is the result of a scan. Counts and times are rounded; accounts, prompts, addresses and
    prices have no field that they could be in. Ids are made with your key: the same at every
    export, and no one can guess from them what they stand for.
    """
    from stillwatch.detect.store import read_judgements, read_result
    from stillwatch.events.contracts import Verdict
    from stillwatch.share.signatures.model import Tlp
    from stillwatch.share.stix import allowlist, campaign, sigma, store
    from stillwatch.share.stix import bundle as bundles
    from stillwatch.share.stix.coarse import Coarseness, Step
    from stillwatch.share.stix.disclosure import disclose
    from stillwatch.share.stix.indicators import coarsened, indicator, rule_indicator

    folder, _, name = target.partition("#")
    if not folder or not name:
        raise click.BadParameter("give the folder and the campaign, as in result#sw-3fe2b914")
    check_files(out)
    screen = Screen(quiet=quiet)
    ids = _ids(key_file, screen)
    result = read_result(Path(folder))
    found = result.campaign(name)
    now = datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read
    rounding = Coarseness(digits, Step(times))
    producer = store.producer(created_by, ids)
    disclosed = disclose(
        found,
        result.evidence[name],
        read_judgements(Path(folder)),
        producer=producer,
        ids=ids,
        now=now,
        life=expires,
        tlp=Tlp(tlp),
        responses=[Verdict(one) for one in taken],
        coarseness=rounding,
    )
    given = store.read_signatures(signatures, now) if signatures else []
    ready = [
        indicator(coarsened(one, producer, rounding, ids, Tlp(tlp)), ids, now, confidence)
        for one, confidence in given
    ]
    for path in rules:
        documents = store.read_rule(path)
        source = str(documents[-1]["id"])
        pattern = sigma.leaving(documents, ids.of("rule", source).partition("--")[2])
        ready.append(rule_indicator(pattern, source, ids, disclosed))
    things = campaign.objects(disclosed, ready, ids)
    if update is not None:
        things = bundles.revise(bundles.objects_of(store.read_bundle(update)), things)
    whole = campaign.bundle_of(things, ids)
    allowlist.check(whole)
    _deliver(_bytes_of(whole, form), out)
    screen.say(f"{count(len(things), 'object')} of {name}, {count(len(ready), 'indicator')}")


@command.command(
    cls=Command,
    examples=["stillwatch share check out.json", "stillwatch share check theirs.json --json"],
)
@click.argument("file", type=options.FILE)
@options.as_json
@options.quiet
def check(file: Path, *, as_json: bool, quiet: bool) -> None:
    """Hold a bundle against the allow-list.

    Exit status 1 where anything in it may not leave; each such field is named, its content never
    shown.
    """
    from stillwatch.share.stix import allowlist, store

    found = allowlist.refusals(store.read_bundle(file))
    if as_json:
        click.echo(msgspec.json.encode({"may_leave": not found, "refused": found}).decode())
    elif found:
        for line in found:
            click.echo(line)
    if found:
        raise InputError(f"{count(len(found), 'field')} may not leave: take out what is named")
    Screen(quiet=quiet).say("all of it may leave")


@command.command(
    name="import",
    cls=Command,
    examples=[
        "stillwatch share import theirs.json --out received",
        "stillwatch share import theirs.json --signatures signatures --forum-key forum.key",
        "stillwatch share import theirs.json --json",
    ],
)
@click.argument("file", type=options.FILE)
@click.option("--out", type=options.FOLDER, help="New folder for what came and what was read.")
@click.option(
    "--signatures", type=options.FOLDER, help="Folder of signatures to add those that came to."
)
@signature_logs.forum_key
@options.lists
@options.as_json
@options.quiet
def import_(
    file: Path,
    *,
    out: Path | None,
    signatures: Path | None,
    forum_key: Path | None,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Read a bundle of another provider or tool.

    Campaigns and signatures that are understood enter at verdict watch. All other objects are
    kept as they came, unknown properties included. With --signatures, those that are sound and
    under the forum's key can be matched, until they end or their member revokes them in a later
    bundle; a warning list in --lists keeps public prompts out.
    """
    from stillwatch.share.stix import bundle as bundles
    from stillwatch.share.stix import store
    from stillwatch.share.stix.incoming import understand

    bundle = store.read_bundle(file)
    canonical = b""
    if out is not None:
        store.check_import(out)
        canonical = bundles.write(bundle)
    found = understand(bundle, datetime.now(UTC))  # noqa: TID251 - the edge where the clock is read
    screen = Screen(quiet=quiet)
    made = None
    if signatures is not None:
        settings = load_settings().with_options(**given)
        listed = given["lists"] is not None
        made = receive(found, signatures, forum_key, settings, screen, listed=listed)
    if out is not None:
        store.write_import(out, canonical, found)
    if as_json:
        shown = msgspec.to_builtins(found) | ({"adopted": made} if made else {})
        click.echo(msgspec.json.encode(shown, order="deterministic").decode())
    campaigns = count(len(found.campaigns), "campaign")
    understood = count(len(found.signatures), "signature")
    kept = count(sum(found.kept.values()), "object")
    screen.say(f"{campaigns} and {understood} understood, at verdict {found.verdict}; {kept} kept")


def _ids(key_file: Path | None, screen: Screen) -> "Ids":
    from stillwatch.share.stix.ids import Ids

    secret = read_key(key_file) if key_file else own_secret(load_settings(), screen)
    return Ids.from_secret(secret)


def _bytes_of(bundle: "Stix", form: str) -> bytes:
    from stillwatch.share.stix import bundle as bundles
    from stillwatch.share.stix import misp

    return misp.event(bundle) if form == "misp" else bundles.write(bundle)


def _deliver(data: bytes, out: Path | None) -> None:
    if out is None:
        click.echo(data.decode())
        return
    with replacing(out) as temporary:
        temporary.write_bytes(data + b"\n")
