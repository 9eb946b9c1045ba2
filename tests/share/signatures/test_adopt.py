"""What is taken up of other members' signatures."""

from datetime import timedelta

import msgspec
import pytest

from stillwatch.errors import InputError
from stillwatch.events.contracts import Verdict
from stillwatch.share.signatures.adopt import adopt
from stillwatch.share.signatures.families import Family
from stillwatch.share.signatures.life import SILENT, Act, Happening, verdict
from stillwatch.share.signatures.model import Rate, State
from stillwatch.share.signatures.store import SignatureStore
from tests.share.signatures.build import DAY, START, signature, template

THEM = "identity--00000000-0000-4000-8000-000000000001"
OTHERS = "identity--00000000-0000-4000-8000-000000000002"
THEIRS = signature(created_by=THEM)
NOW = START + DAY


@pytest.fixture
def store(tmp_path):
    return SignatureStore(tmp_path / "signatures")


def take(store, *signatures, revoked=(), now=NOW, **given):
    there = (store.folder / "signatures.jsonl").is_file()
    lives = store.lives(now) if there else {}
    made = adopt(signatures, revoked, lives, **({"key_id": "key", "now": now} | given))
    store.receive(made.new, made.happenings)
    return made


def life(store, now=NOW, of=THEIRS):
    return store.lives(now)[of.id]


def test_a_signature_of_a_rival_proposes_watch_and_says_whose_it_is(store):
    assert take(store, THEIRS).new == (THEIRS,)
    found = life(store)
    assert (found.state, found.source, found.confidence) == (State.RECEIVED, THEM, 50)
    assert verdict(found) is Verdict.WATCH
    assert store.find(THEIRS.id).created_by == THEM


def test_the_same_import_twice_adds_nothing(store):
    take(store, THEIRS, THEIRS)
    before = [path.read_bytes() for path in sorted(store.folder.iterdir())]
    made = take(store, THEIRS, now=NOW + DAY)
    assert (made.new, made.happenings, made.known) == ((), (), 1)
    assert [path.read_bytes() for path in sorted(store.folder.iterdir())] == before


def test_it_ends_when_its_member_said_and_may_be_given_a_later_end(store):
    take(store, THEIRS)
    end = THEIRS.valid_until
    assert life(store, end - DAY).state is State.RECEIVED
    assert life(store, end).state is State.EXPIRED
    assert State.EXPIRED in SILENT
    later = msgspec.structs.replace(THEIRS, valid_until=end + 30 * DAY)
    stranger = msgspec.structs.replace(later, created_by=OTHERS)
    assert take(store, stranger, now=end).known == 1
    assert take(store, later, now=end).renewed == 1
    assert life(store, end).state is State.RECEIVED
    assert life(store, end + 30 * DAY).state is State.EXPIRED


def test_only_its_member_revokes_it_and_for_ever(store):
    take(store, THEIRS)
    stranger = msgspec.structs.replace(THEIRS, created_by=OTHERS)
    assert take(store, revoked=[stranger]).revoked == 0
    assert take(store, revoked=[THEIRS, THEIRS]).revoked == 1
    assert life(store).state is State.REVOKED
    assert take(store, revoked=[THEIRS]).revoked == 0
    later = msgspec.structs.replace(THEIRS, valid_until=THEIRS.valid_until + DAY)
    assert take(store, later).known == 1
    assert life(store).state is State.REVOKED


def test_what_was_made_here_stays_ours(store):
    ours = signature()
    store.add([ours])
    store.record(Happening(ours.id, NOW, Act.TEST, "Ada"))
    store.record(Happening(ours.id, NOW, Act.PUBLISH, "Ada"))
    assert take(store, THEIRS, revoked=[THEIRS]).known == 1
    assert life(store).state is State.PUBLISHED
    assert life(store).source is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"key_id": "other"}, "under the key other, not key"),
        ({"created_by": None}, "does not say who made it"),
        ({"k": 2}, "2 accounts carried it"),
        ({"description": "x" * 401}, "its words are long"),
        ({"false_positives": Rate(9, 3, 0.0, 0.1)}, "rate of false positives is impossible"),
        ({"cover": 7.0}, "its cover is no share"),
        ({"techniques": ("anything",)}, "no MITRE ATLAS id"),
    ],
)
def test_what_is_not_sound_is_left_out_and_named(store, changes, why):
    bad = msgspec.structs.replace(THEIRS, **changes)
    good = signature(template(8), created_by=THEM)
    made = take(store, bad, good)
    assert made.new == (good,)
    assert made.left_out[0].signature_id == bad.id
    assert why in made.left_out[0].why


def test_a_popular_template_is_left_out(store):
    warned = {Family.TEMPLATE: frozenset(THEIRS.features[0].values)}
    made = take(store, THEIRS, warned=warned)
    assert "warning list" in made.left_out[0].why
    assert made.new == ()


def test_it_is_tested_and_judged_here_but_never_published(store):
    take(store, THEIRS)
    store.record(Happening(THEIRS.id, NOW, Act.TEST, "Ada"))
    assert life(store).confidence > 70
    with pytest.raises(InputError, match="not possible"):
        store.record(Happening(THEIRS.id, NOW, Act.PUBLISH, "Ada"))
    store.record(Happening(THEIRS.id, NOW, Act.REPORT, "Ada", benign=4))
    assert life(store).state is State.QUARANTINED
    later = msgspec.structs.replace(THEIRS, valid_until=THEIRS.valid_until + DAY)
    assert take(store, later).renewed == 1
    assert life(store).state is State.QUARANTINED
    store.record(Happening(THEIRS.id, NOW, Act.RELEASE, "Ada"))
    assert life(store).state is State.TESTED
    with pytest.raises(InputError, match="only they publish it"):
        store.record(Happening(THEIRS.id, NOW, Act.PUBLISH, "Ada"))
    assert life(store, later.valid_until).state is State.EXPIRED


def test_a_time_in_the_future_does_not_keep_it_fresh(store):
    early = msgspec.structs.replace(THEIRS, valid_from=NOW + 300 * DAY, valid_until=NOW + 600 * DAY)
    take(store, early)
    assert life(store, NOW + 90 * DAY, early).confidence == 25


def test_a_crash_between_the_two_files_leaves_nothing_that_seems_ours(store):
    made = adopt([THEIRS], [], {}, key_id="key", now=NOW)
    store.receive([], made.happenings)  # the signatures were not written
    assert take(store, THEIRS, now=NOW + timedelta(hours=1)).new == (THEIRS,)
    assert life(store, NOW + DAY).source == THEM
