import msgspec
import pytest

from stillwatch.errors import InputError
from stillwatch.share.signatures.life import Act, Happening
from stillwatch.share.signatures.model import State
from stillwatch.share.signatures.store import LIFE, SIGNATURES, SignatureStore
from tests.share.signatures.build import DAY, START, signature, template

ONE, TWO = signature(template(7)), signature(template(8))


@pytest.fixture
def store(tmp_path):
    made = SignatureStore(tmp_path / "signatures")
    assert made.add([ONE]) == [ONE]
    return made


def test_signatures_come_back_as_they_were(store):
    assert store.add([TWO]) == [TWO]
    assert store.signatures() == [ONE, TWO]


def test_the_same_pattern_is_added_once(store):
    assert store.add([ONE, TWO, ONE][:2]) == [TWO]
    assert store.signatures() == [ONE, TWO]


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_a_crash_cut_off_is_dropped(store, cut):
    store.add([TWO])
    path = store.folder / SIGNATURES
    path.write_bytes(path.read_bytes()[:-cut])
    assert store.signatures() == [ONE]
    assert store.add([TWO]) == [TWO]
    assert store.signatures() == [ONE, TWO]


def test_a_file_of_which_nothing_whole_is_left_begins_anew(store):
    path = store.folder / SIGNATURES
    path.write_bytes(b'{"form')
    assert store.add([TWO]) == [TWO]
    assert store.signatures() == [TWO]


def test_what_happened_is_kept_and_what_cannot_happen_is_not_written(store):
    tested = Happening(ONE.id, START + DAY, Act.TEST, "Ada")
    assert store.record(tested).state is State.TESTED
    with pytest.raises(InputError, match="not possible"):
        store.record(Happening(ONE.id, START + 2 * DAY, Act.RELEASE, "Ada"))
    assert store.happenings() == [tested]
    assert store.lives(START + 2 * DAY)[ONE.id].state is State.TESTED


def test_damage_and_later_versions_are_refused(store):
    path = store.folder / SIGNATURES
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"version":1', b'"version":2'))
    with pytest.raises(InputError, match="newer Stillwatch"):
        store.signatures()
    path.write_bytes(whole.replace(b'"family"', b'"fumily"'))
    with pytest.raises(InputError, match="is damaged"):
        store.signatures()


def test_a_signature_is_found_by_the_start_of_its_id(store):
    assert store.find(ONE.id[11:19]) == ONE
    assert store.find(ONE.id) == ONE
    with pytest.raises(InputError, match="0 signatures"):
        store.find("zzzz")
    with pytest.raises(InputError, match="holds no signatures"):
        SignatureStore(store.folder / "none").signatures()
    assert not (store.folder / LIFE).exists()


@pytest.mark.parametrize("content", [b"x", b"\xff\xfe{}", b'{"format":"stillwatch-result"'])
def test_a_file_of_something_else_is_neither_empty_nor_overwritten(store, content):
    path = store.folder / SIGNATURES
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        store.signatures()
    with pytest.raises(InputError, match="damaged"):
        store.add([TWO])
    assert path.read_bytes() == content


def test_what_its_member_withdrew_and_was_found_here_is_ours_with_our_figures(store):
    other = "identity--1af385fe-b64f-47fc-808f-661ae77c15f2"
    ours = msgspec.structs.replace(ONE, k=ONE.k + 30)
    assert store.make_own([ours], START + DAY, "extraction") == []
    store.record(Happening(ONE.id, START + DAY, Act.RECEIVE, other, until=START + 90 * DAY))
    assert store.make_own([ours], START + 2 * DAY, "extraction") == []
    store.record(Happening(ONE.id, START + 3 * DAY, Act.REVOKE, other))
    assert store.make_own([ours, TWO], START + 4 * DAY, "extraction") == [ours]
    assert store.signatures() == [ours]
    life = store.lives(START + 5 * DAY)[ONE.id]
    assert (life.state, life.source) == (State.DRAFT, None)
