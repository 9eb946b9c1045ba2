from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import InputError
from stillwatch.events.contracts import Verdict
from stillwatch.share.signatures.life import SPEAKS, TABLE, Act, Happening, life_of, verdict
from stillwatch.share.signatures.model import State
from tests.share.signatures.build import START, signature

SIGNATURE = signature()
DAY = timedelta(days=1)


def happened(*acts, each: float = 1.0, **given):
    """Acts, one after each `each` days; a pair is a report of confirmed and benign hits."""
    lines = []
    for place, act in enumerate(acts):
        confirmed, benign = act if isinstance(act, tuple) else (0, 0)
        kind = Act.REPORT if isinstance(act, tuple) else act
        time = START + (place + 1) * each * DAY
        lines.append(Happening(SIGNATURE.id, time, kind, "Ada", confirmed, benign, **given))
    return lines


def after(*acts, days: float = 20.0, each: float = 1.0):
    return life_of(SIGNATURE, happened(*acts, each=each), START + days * DAY)


def test_a_life_goes_as_the_table_says():
    assert after().state is State.DRAFT
    assert after(Act.TEST).state is State.TESTED
    assert after(Act.TEST, Act.PUBLISH).state is State.PUBLISHED
    assert after(Act.TEST, Act.PUBLISH, Act.REVOKE).state is State.REVOKED
    assert after(Act.REVOKE).state is State.REVOKED


@pytest.mark.parametrize(
    "acts",
    [
        (Act.PUBLISH,),
        (Act.TEST, Act.RELEASE),
        (Act.REVOKE, Act.TEST),
        (Act.REVOKE, (1, 0)),
        (Act.TEST, Act.PUBLISH, Act.PUBLISH),
    ],
)
def test_what_the_table_lacks_is_refused(acts):
    with pytest.raises(InputError, match="is not possible"):
        after(*acts)


def test_nothing_leaves_revoked_but_what_is_found_here_after_its_member_withdrew_it():
    assert [act for state, act in TABLE if state is State.REVOKED] == [Act.OWN]
    with pytest.raises(InputError, match="revoked here"):
        after(Act.REVOKE, Act.OWN)
    with pytest.raises(InputError, match="is not possible"):
        after(Act.TEST, Act.OWN)


OTHER = "identity--1af385fe-b64f-47fc-808f-661ae77c15f2"


def received_then(*acts, by: str = OTHER):
    """What another member gave on day 1, with an end on day 10, and what happened then."""
    end = START + 10 * DAY
    lines = [Happening(SIGNATURE.id, START + DAY, Act.RECEIVE, OTHER, until=end)]
    for place, act in enumerate(acts):
        lines.append(Happening(SIGNATURE.id, START + (2 + 10 * place) * DAY, act, by))
    return life_of(SIGNATURE, lines, START + 30 * DAY)


def test_who_withdraws_a_pattern_does_not_silence_who_finds_it_later():
    assert received_then(Act.REVOKE).withdrawn
    assert received_then().withdrawn  # past its end
    for own in (received_then(Act.REVOKE, Act.OWN), received_then(Act.TEST, Act.OWN)):
        assert (own.state, own.source, own.ends, own.withdrawn) == (State.DRAFT, None, None, False)


def test_what_a_person_here_revoked_stays_revoked_whosever_it_was():
    assert not received_then(Act.REVOKE, by="Ada").withdrawn
    with pytest.raises(InputError, match="revoked here"):
        received_then(Act.REVOKE, Act.OWN, by="Ada")


def test_age_makes_a_published_signature_decay_and_a_confirmed_hit_brings_it_back():
    acts = [Act.TEST, Act.PUBLISH]
    assert after(*acts, days=SIGNATURE.half_life - 1).state is State.PUBLISHED
    old = after(*acts, days=SIGNATURE.half_life + 1)
    assert old.state is State.DECAYING
    assert "half-life" in old.why
    lines = happened(*acts)
    late = START + (SIGNATURE.half_life + 5) * DAY
    lines.append(Happening(SIGNATURE.id, late, Act.REPORT, "Bo", confirmed=2))
    assert life_of(SIGNATURE, lines, late + DAY).state is State.PUBLISHED
    assert life_of(SIGNATURE, lines, SIGNATURE.valid_until).state is State.DECAYING


def test_confidence_falls_with_age_and_benign_hits_and_rises_with_confirmed_ones():
    acts = [Act.TEST, Act.PUBLISH]
    fresh, old = after(*acts, days=3).confidence, after(*acts, days=60).confidence
    assert 0 < old < fresh <= 100
    assert after(*acts, (9, 0), days=4).confidence > fresh
    assert after(*acts, (0, 1), days=4).confidence < fresh
    assert after().confidence < after(Act.TEST).confidence


def test_a_noisy_signature_quarantines_itself_visibly_and_only_a_person_lets_it_out():
    noisy = after(Act.TEST, Act.PUBLISH, (1, 4))
    assert noisy.state is State.QUARANTINED
    assert noisy.why == "4 of 5 judged hits were benign"
    assert noisy.confidence == 0
    assert after(Act.TEST, Act.PUBLISH, (1, 4), (500, 0)).state is State.QUARANTINED
    assert after(Act.TEST, Act.PUBLISH, (1, 4), Act.RELEASE).state is State.TESTED
    again = after(Act.TEST, Act.PUBLISH, (1, 4), Act.RELEASE, (0, 3))
    assert again.state is State.QUARANTINED
    with pytest.raises(InputError, match="publish is not possible"):
        after(Act.TEST, Act.PUBLISH, (1, 4), Act.PUBLISH)


def test_a_signature_within_tolerance_is_seldom_quarantined_however_often_one_looks():
    """Ville: at most 1 in 20 ever, though the test is read after each of 300 reports."""
    rng = np.random.default_rng(8)
    gone = 0
    for _ in range(300):
        benign = rng.random(300) < 0.1
        steps = np.where(benign, np.log(4), np.log(2 / 3)).cumsum()
        gone += bool((steps >= np.log(20)).any())
    assert gone / 300 < 0.08
    # The same sums are what a life adds up.
    evidence = after(Act.TEST, (2, 1)).evidence
    assert evidence == pytest.approx(np.log(4) + 2 * np.log(2 / 3))


def test_a_signature_that_is_mostly_wrong_is_caught_within_a_few_hits():
    assert after(Act.TEST, (0, 2)).state is State.TESTED
    assert after(Act.TEST, (0, 3)).state is State.QUARANTINED


@given(st.lists(st.sampled_from([*Act, (1, 0), (0, 1), (3, 2)]), max_size=8), st.integers(0, 400))
def test_no_life_speaks_louder_than_watch(acts, days):
    try:
        life = after(*[(1, 0) if act is Act.REPORT else act for act in acts], days=days)
    except InputError:
        return
    assert verdict(life) in {Verdict.ALLOW, Verdict.WATCH}
    assert (verdict(life) is Verdict.WATCH) == (life.state in SPEAKS)
    assert 0 <= life.confidence <= 100


def test_lives_of_others_and_later_lines_do_not_count():
    other = Happening("signature--x", START + DAY, Act.REVOKE, "Ada")
    late = Happening(SIGNATURE.id, START + 9 * DAY, Act.TEST, "Ada")
    assert life_of(SIGNATURE, [other, late], START + 2 * DAY).state is State.DRAFT
