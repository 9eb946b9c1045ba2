"""A forum's log in memory, with keys that everyone knows."""

from stillwatch.share.transparency import checkpoint, growth
from stillwatch.share.transparency.checkpoint import Checkpoint, Policy
from stillwatch.share.transparency.commitment import LeafType, Opening
from stillwatch.share.transparency.notes import KeyType, Signer

NOW = 1_795_000_000
ORIGIN = "forum.example/log"
LOG = Signer(ORIGIN, KeyType.LOG, bytes([1]) * 32)
WITNESSES = tuple(
    Signer(f"{name}.example", KeyType.WITNESS, bytes([seed]) * 32)
    for seed, name in enumerate(("ash", "birch", "cedar"), 2)
)
ALONE = Policy(LOG.verifier)
QUORUM = Policy(LOG.verifier, tuple(one.verifier for one in WITNESSES), quorum=2)


def opening(number, history="a"):
    salt = bytes([ord(history)]) + number.to_bytes(31)
    return Opening(LeafType.OBJECT, salt, f"object {number}".encode())


class Log:
    """Grows and signs; `history` makes its leaves differ from another log's."""

    def __init__(self, size=0, history="a"):
        self.frontier = growth.Frontier()
        self.files = {}
        self.add(size, history)

    def add(self, count, history="a"):
        first = self.frontier.size
        entries = [opening(n, history).commitment() for n in range(first, first + count)]
        self.frontier, files = growth.grow(self.frontier, entries)
        self.files |= files
        return self

    def note(self, signer=LOG):
        tree = Checkpoint(signer.name, self.frontier.size, self.frontier.root())
        return checkpoint.sign(tree, signer)

    @property
    def signed(self):
        return str(self.note()).encode()
