"""What a log says of itself at one size: C2SP tlog-checkpoint, and tlog-cosignature by witnesses.

A checkpoint is a note of three lines: the origin, which names the log; the number of leaves; the
root. The log signs it. A witness adds a cosignature with a time: *of this log, the largest
consistent tree that I have seen until then has this root*. A policy says which log is meant and how
many of which witnesses must have said so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from stillwatch.errors import ConfigError, IntegrityError
from stillwatch.share.transparency import notes
from stillwatch.share.transparency.merkle import HASH_BYTES
from stillwatch.share.transparency.notes import KeyType, Line, Note, Signer, Verifier

MAX_SIZE: Final = 2**63 - 1
"""Leaves that a checkpoint can name, and the latest time in a cosignature."""
SKEW: Final = 300
"""Seconds that a witness's clock may be ahead."""

_TIME_BYTES: Final = 8
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Checkpoint(NamedTuple):
    """A tree as its log describes it.

    Attributes:
        origin: Names the log, such as `forum.example/log`.
        size: Leaves, 0 to 2**63 - 1.
        root: 32 bytes.
        extensions: Further lines; nothing here writes or believes any.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), notes.to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


class Accepted(NamedTuple):
    """A checkpoint whose digital signatures satisfy a policy.

    Attributes:
        checkpoint: What it says.
        note: With every line that came with it: the evidence.
        times: Of each witness that cosigned, by name, its latest cosignature in POSIX seconds.
        seen: POSIX seconds: as many witnesses as the policy asks for saw nothing newer until then.
            0 if it asks for none.
    """

    checkpoint: Checkpoint
    note: Note
    times: dict[str, int]
    seen: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose word on a log counts.

    Attributes:
        log: The log's key; its name is the origin.
        witnesses: Keys of members who cosign. Their owners should not depend on each other.
        quorum: How many of them must have cosigned. With 0, nothing speaks against a log that
            shows each member another history.

    Raises:
        ConfigError: The quorum is larger than the number of witnesses, a key is of the wrong type,
            or two keys are one.
    """

    log: Verifier
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0

    def __post_init__(self) -> None:
        """Hold the rules."""
        if not 0 <= self.quorum <= len(self.witnesses):
            raise ConfigError(
                f"A quorum of {self.quorum} cannot be had from {len(self.witnesses)} witnesses."
            )
        if self.log.type != KeyType.LOG:
            raise ConfigError(f"{self.log.name} is no key of a log: its type must be 1.")
        for witness in self.witnesses:
            if witness.type != KeyType.WITNESS:
                raise ConfigError(f"{witness.name} is no key of a witness: its type must be 4.")
        keys = [self.log, *self.witnesses]
        names = {key.name for key in self.witnesses}
        if len({key.public for key in keys}) < len(keys) or len(names) < len(self.witnesses):
            raise ConfigError("Log and witnesses must each have a name and a key of their own.")

    def accept(self, data: bytes, *, now: int) -> Accepted:
        """Check a signed checkpoint.

        Args:
            data: As the log serves it.
            now: POSIX seconds.

        Raises:
            IntegrityError: It is malformed, of another log, or not signed as the policy asks; a
                line of a known key does not verify; or a cosignature is of the future.
        """
        note = notes.parse(data)
        times: dict[str, int] = {}
        logged = False
        for key, line in notes.known(note, (self.log, *self.witnesses)):
            if key.type == KeyType.LOG:
                key.check(note.text.encode(), line.value)
                logged = True
            else:
                time = _check_cosignature(key, note.text, line, now)
                times[key.name] = max(time, times.get(key.name, 0))
        checkpoint = parse(note.text)
        if not logged or checkpoint.origin != self.log.name:
            raise IntegrityError(f"The checkpoint is not signed by the log {self.log.name}.")
        if len(times) < self.quorum:
            raise IntegrityError(
                f"{len(times)} witnesses have cosigned the checkpoint of {self.log.name}: "
                f"{self.quorum} must have. Ask again later."
            )
        seen = sorted(times.values(), reverse=True)[self.quorum - 1] if self.quorum else 0
        return Accepted(checkpoint, note, times, seen)


def parse(text: str) -> Checkpoint:
    """Read the text of a checkpoint, and accept one way only of writing it.

    Raises:
        IntegrityError: It is malformed.
    """
    lines = text.split("\n")
    try:
        origin, number, encoded, *extensions, end = lines
        root = notes.from_base64(encoded)
    except ValueError as error:
        raise IntegrityError("A checkpoint must be an origin, a size and a root.") from error
    if end or not origin or not all(extensions):
        raise IntegrityError("A checkpoint has an empty line, or does not end in a newline.")
    if not _NUMBER.fullmatch(number) or int(number) > MAX_SIZE or len(root) != HASH_BYTES:
        raise IntegrityError(
            "A checkpoint must have a size in plain digits and a root of 32 bytes."
        )
    return Checkpoint(origin, int(number), root, tuple(extensions))


def sign(checkpoint: Checkpoint, signer: Signer) -> Note:
    """Sign a checkpoint as its log. Never sign one that does not go on from the last.

    Raises:
        ConfigError: The key is not of the log that the checkpoint names.
    """
    if signer.type != KeyType.LOG or signer.name != checkpoint.origin:
        raise ConfigError(f"The key of {signer.name} does not sign for {checkpoint.origin}.")
    signature = signer.sign(checkpoint.text.encode())
    return Note(checkpoint.text, (Line(signer.name, signer.verifier.key_id, signature),))


def cosign(accepted: Accepted, signer: Signer, *, time: int) -> Line:
    """Cosign a checkpoint as a witness.

    Args:
        accepted: Of `verify.follow`, which checks that the log goes on from what the witness
            cosigned last. Store it before the cosignature leaves.
        signer: The witness's key.
        time: POSIX seconds, 0 to 2**63 - 1.

    Raises:
        ConfigError: The key is not of a witness.
    """
    if signer.type != KeyType.WITNESS:
        raise ConfigError(f"The key of {signer.name} does not cosign: its type must be 4.")
    signature = signer.sign(_cosigned(accepted.note.text, time))
    value = time.to_bytes(_TIME_BYTES) + signature
    return Line(signer.name, signer.verifier.key_id, value)


def attach(note: Note, lines: Iterable[Line]) -> Note:
    """The note with further lines; of one key only the line that came last stays."""
    latest = {line[:2]: line for line in (*note.lines, *lines)}
    return Note(note.text, tuple(latest.values()))


def _cosigned(text: str, time: int) -> bytes:
    """What a witness signs."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _check_cosignature(key: Verifier, text: str, line: Line, now: int) -> int:
    """The time of a cosignature that verifies."""
    time = int.from_bytes(line.value[:_TIME_BYTES])
    key.check(_cosigned(text, time), line.value[_TIME_BYTES:])
    if time > min(now + SKEW, MAX_SIZE):
        raise IntegrityError(f"The cosignature of {key.name} is of the future: compare the clocks.")
    return time
