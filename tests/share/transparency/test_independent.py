"""tlog-scales, which others wrote, reads our log, and writes the same files."""

import pytest
from cryptography.exceptions import InvalidSignature
from tlog_scales import signing, tlog
from tlog_scales.reader import TilesReader
from tlog_scales.writer import TilesWriter

from stillwatch.share.transparency import checkpoint, merkle
from stillwatch.share.transparency.notes import Signer
from stillwatch.share.transparency.tiles import TileReader
from tests.share.transparency.logs import ALONE, LOG, NOW, ORIGIN, WITNESSES, Log, opening

SIZES = [1, 2, 7, 255, 256, 257, 300, 1023, 66_000]


class Files:
    """Their way to fetch, over our files."""

    def __init__(self, log):
        self.files = dict(log.files, checkpoint=log.signed)

    def get(self, *path):
        return self.files.get("/".join(path))


@pytest.fixture(scope="module")
def logs():
    return {size: Log(size) for size in SIZES}


@pytest.mark.parametrize("size", SIZES)
def test_it_reads_our_checkpoint_tiles_and_entries(logs, size):
    reader = TilesReader(Files(logs[size]))
    theirs = reader.get_checkpoint()
    assert (theirs.origin, theirs.size) == (ORIGIN, size)
    assert reader.calculate_root_hash() == theirs.root_hash == logs[size].frontier.root()
    for index in {0, size // 2, size - 1}:
        assert reader.get_entry(index) == opening(index).commitment()
    theirs.verify(signing.Vkey.from_string(str(LOG.verifier)))


@pytest.mark.parametrize("size", SIZES)
def test_it_makes_and_accepts_the_same_proofs(logs, size):
    theirs = TilesReader(Files(logs[size]))
    root = theirs.get_checkpoint().root_hash
    ours = TileReader(logs[size].files.get, size)
    for index in {0, size // 3, size // 2, size - 1}:
        path = merkle.inclusion_proof(ours.node, index, size)
        assert theirs.get_inclusion_proof(index, size).node_hashes == path
        leaf = merkle.leaf_hash(opening(index).commitment())
        tlog.InclusionProof(index, size, path).check(leaf, root)
        merkle.verify_inclusion(leaf, index, size, path, root)
    for old in {1, size // 2, size // 3 * 2, size - 1, size} - {0}:
        proof = merkle.consistency_proof(ours.node, old, size)
        assert theirs.get_consistency_proof(old, size).node_hashes == proof
        before = merkle.root(ours.node, old)
        tlog.ConsistencyProof(old, size, proof).check(before, root)
        merkle.verify_consistency(old, size, before, root, proof)


def test_it_refuses_what_we_refuse():
    size = 12
    log, other = Log(size), Log(size, "b")
    reader = TileReader(log.files.get, size)
    for old in range(1, size):
        proof = merkle.consistency_proof(reader.node, old, size)
        before = merkle.root(TileReader(other.files.get, size).node, old)
        with pytest.raises(tlog.ConsistencyProofInvalid):
            tlog.ConsistencyProof(old, size, proof).check(before, log.frontier.root())


def test_it_verifies_our_cosignatures():
    accepted = ALONE.accept(Log(9).signed, now=NOW)
    lines = [checkpoint.cosign(accepted, witness, time=NOW) for witness in WITNESSES]
    note = checkpoint.attach(accepted.note, lines)
    theirs = tlog.Checkpoint.from_text(str(note))
    keys = [signing.Vkey.from_string(str(one.verifier)) for one in (LOG, *WITNESSES)]
    valid = signing.VkeySet(*keys).verify(theirs.signatures, theirs)
    assert {key.name for key, _ in valid} == {one.name for one in (LOG, *WITNESSES)}
    times = [
        signing.Ed25519CosignatureVerifier.get_timestamp(one.payload)
        for one in theirs.signatures[1:]
    ]
    assert times == [NOW] * 3
    stranger = Signer(WITNESSES[0].name, WITNESSES[0].type, bytes(32))
    with pytest.raises(InvalidSignature):
        signing.Ed25519CosignatureVerifier(signing.Vkey.from_string(str(stranger.verifier))).verify(
            lines[0].value, theirs
        )


@pytest.mark.parametrize("steps", [[300], [256, 1], [5, 250, 1, 300], [255, 1, 512]])
def test_it_writes_the_same_files(tmp_path, steps):
    root = tmp_path / "log"
    writer, log = TilesWriter.create(root, ORIGIN), Log()
    (root / "tile").mkdir()
    for level in ("entries", "0", "1"):
        for number in range(6):
            (root / "tile" / level / f"{number:03d}.p").mkdir(parents=True)
    for step in steps:
        first = log.frontier.size
        for index in range(first, first + step):
            writer.add_leaf(opening(index).commitment())
        writer.commit([signing.PlainEd25519Signer(ORIGIN, LOG.seed)], gc=False)
        log.add(step)
    written = {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }
    assert written.pop("checkpoint") == log.signed
    assert written == log.files
