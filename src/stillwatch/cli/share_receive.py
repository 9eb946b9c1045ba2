"""What `stillwatch share import` does with signatures: into a folder, where they can be matched."""

from pathlib import Path
from typing import TYPE_CHECKING

from stillwatch.cli import signature_logs
from stillwatch.cli.keys import read_key
from stillwatch.cli.screen import Screen
from stillwatch.cli.signature_extract import warned
from stillwatch.detect.wording import count
from stillwatch.errors import ConfigError
from stillwatch.settings import Settings

if TYPE_CHECKING:
    from stillwatch.share.signatures.adopt import Adoption
    from stillwatch.share.signatures.model import Signature
    from stillwatch.share.stix.incoming import Incoming


def receive(
    found: "Incoming",
    folder: Path,
    forum_key: Path | None,
    settings: Settings,
    screen: Screen,
    *,
    listed: bool,
) -> "Adoption":
    """Add the signatures of a bundle to a folder; say what was left out.

    Args:
        found: what the bundle says.
        folder: of signatures.
        forum_key: the key that the members share.
        settings: where warning lists are.
        screen: where it is said.
        listed: whether the user named a folder of lists.

    Raises:
        ConfigError: It cannot be known under which key signatures must be.
    """
    from stillwatch.share.signatures.adopt import adopt
    from stillwatch.share.signatures.store import SIGNATURES, SignatureStore

    store = SignatureStore(folder)
    held = store.signatures() if (folder / SIGNATURES).is_file() else []
    now = signature_logs.now()
    key_id = _key_id(forum_key, held)
    made = adopt(
        found.signatures,
        found.revoked,
        store.lives(now) if held else {},
        key_id=key_id,
        now=now,
        warned=warned(settings, key_id, screen, named=listed),
    )
    store.receive(made.new, made.happenings)
    for each in made.left_out:
        screen.say(f"left out {each.signature_id[11:19]}: {each.why}")
    screen.say(
        f"added {count(len(made.new), 'signature')} to {folder}; {made.known:,} known, "
        f"{made.renewed:,} renewed, {made.revoked:,} revoked, {len(made.left_out):,} left out"
    )
    return made


def _key_id(forum_key: Path | None, held: "list[Signature]") -> str:
    """Name the forum's key: as given, or that of the signatures that are there."""
    from stillwatch.events.key import Key

    if forum_key is not None:
        return Key.from_secret(read_key(forum_key)).id
    names = {signature.key_id for signature in held}
    if len(names) != 1:
        raise ConfigError("signatures count under the forum's key alone: name it with --forum-key")
    return names.pop()
