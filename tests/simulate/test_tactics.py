"""Each tactic does what it says, next to the same operations without it."""

from collections import Counter, defaultdict
from dataclasses import fields
from functools import cache, cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stillwatch.simulate import KNOBS, Traffic, describe, simulate
from stillwatch.simulate.chat import topics
from stillwatch.simulate.content import Mixture
from stillwatch.simulate.crowd import EPOCH, Crowd, events
from stillwatch.simulate.grammar import grammar
from stillwatch.simulate.knobs import definition
from stillwatch.simulate.tactics import ADAPTIVE, Tactics

SEED = 17
HARVEST = grammar("en").leaves("full").to_pylist()
"""What frames of the English grammar ask of an answer."""


class Drawn:
    """The attacking crowds of one scenario, and their events when asked for."""

    def __init__(self, scenario: str) -> None:
        self.traffic: Traffic = simulate(scenario, seed=SEED)
        self.crowds: list[Crowd] = [crowd for crowd in self.traffic.crowds if crowd.attack]
        self.benign = {crowd.cohort: crowd for crowd in self.traffic.crowds if not crowd.attack}

    @cached_property
    def events(self) -> pa.Table:
        rng = np.random.default_rng(SEED)
        parts = [events(crowd, 0, 14, rng, self.traffic.clients) for crowd in self.crowds]
        return pa.concat_tables(parts)

    @cached_property
    def prompts(self) -> dict[str, list[str]]:
        """Prompts by account."""
        found = defaultdict(list)
        table = self.events.select(["account_id", "prompt"])
        for account, prompt in zip(*(column.to_pylist() for column in table.columns), strict=True):
            found[account].append(prompt)
        return found

    @cached_property
    def asks(self) -> np.ndarray:
        """Whether each event asks for what only a harvest asks for."""
        pattern = "|".join(HARVEST)
        return pc.match_substring_regex(self.events["prompt"], pattern).to_numpy()

    def days(self) -> np.ndarray:
        """Time of each event in days."""
        return self.events["time"].cast(pa.int64()).to_numpy() / 86_400e6

    def first_seen(self, rows: np.ndarray) -> dict[str, float]:
        """The day of the first of some events of each account."""
        table = pa.table({"account": self.events["account_id"], "day": self.days()}).filter(rows)
        found = table.group_by("account").aggregate([("day", "min")])
        return dict(zip(found["account"].to_pylist(), found["day_min"].to_pylist(), strict=True))


drawn = cache(Drawn)


def both(name: str) -> tuple[Drawn, Drawn]:
    """A scenario with and without its tactics."""
    return drawn(f"{name}-adaptive"), drawn(name)


def test_every_knob_has_an_adversary_and_every_tactic_is_used():
    against = [definition(name).evasion for name in ADAPTIVE]
    assert {knob for knob in KNOBS if any(getattr(e, knob) == 1 for e in against)} == set(KNOBS)
    used = {name for _, tactics in ADAPTIVE.values() for name in tactics.used()}
    assert used == {field.name for field in fields(Tactics)}


@pytest.mark.parametrize("name", sorted(ADAPTIVE.keys() - {"small-campaigns"}))
def test_the_operations_and_the_benign_accounts_are_those_of_the_plain_scenario(name):
    adaptive, plain = both(name)
    assert [len(crowd.people) for crowd in adaptive.crowds] == [
        len(crowd.people) for crowd in plain.crowds
    ]
    for mine, theirs in zip(adaptive.crowds, plain.crowds, strict=True):
        assert mine.knobs == theirs.knobs
        assert mine.expected(14) == pytest.approx(theirs.expected(14))
    for cohort, crowd in adaptive.benign.items():
        assert crowd.people.created.tolist() == plain.benign[cohort].people.created.tolist()


def test_tactics_stand_in_the_description_of_the_traffic():
    adaptive, plain = both("private-pools")
    assert describe(adaptive.traffic, 0)["tactics"] == {"plain": True, "subjects": True}
    assert "tactics" not in describe(plain.traffic, 0)


def test_plain_words_ask_for_nothing_that_only_a_harvest_asks_for():
    adaptive, plain = both("private-pools")
    assert adaptive.asks.mean() < 0.01
    assert plain.asks.mean() > 0.3
    assert adaptive.events["system"].null_count == adaptive.events.num_rows


def test_tongues_are_many_and_each_account_asks_in_its_own():
    adaptive, plain = both("paraphrase")
    for mine, theirs in zip(adaptive.crowds, plain.crowds, strict=True):
        if len(mine.people) >= 20:
            assert most(mine.people.language) < most(theirs.people.language) - 0.15
        spoken = mine.content.language[mine.content.group]
        assert spoken.tolist() == mine.people.language.tolist()


def test_subjects_come_back():
    known = topics(grammar("en")).to_pylist()

    def returns(attack: Drawn) -> float:
        shares = []
        for prompts in attack.prompts.values():
            named = Counter(topic for prompt in prompts for topic in known if topic in prompt)
            if named.total() >= 5:
                shares.append(named.most_common(1)[0][1] / named.total())
        return float(np.median(shares))

    adaptive, plain = both("private-pools")
    assert returns(adaptive) > returns(plain) + 0.15


def test_sampled_questions_come_from_several_accounts():
    adaptive, plain = both("spread-signups")

    def repeated(attack: Drawn) -> float:
        askers = Counter(p for prompts in attack.prompts.values() for p in set(prompts))
        return sum(n > 1 for n in askers.values()) / len(askers)

    assert repeated(adaptive) > 0.5 > repeated(plain)


def test_a_borrowed_application_is_one_that_others_use():
    adaptive, plain = both("distinct-clients")
    apps = adaptive.benign["popular-app"]
    known = set(apps.content.system.to_pylist())
    assert set(adaptive.events["system"].to_pylist()) <= known
    for mine, theirs in zip(adaptive.crowds, plain.crowds, strict=True):
        assert len(set(mine.people.client.tolist())) == 1 < len(set(theirs.people.client.tolist()))
        assert set(mine.people.client.tolist()) <= set(apps.people.client.tolist())


def test_woven_work_is_a_part_of_a_conversation():
    adaptive, plain = both("relay-mix")
    assert adaptive.events["end_user_id"].null_count == 0
    assert plain.events["end_user_id"].null_count > 0
    talks, _ = both("conversations")
    for crowd in talks.crowds:
        assert crowd.content.share == 0.5
        assert crowd.content.later


def test_a_warm_up_comes_before_the_harvest():
    adaptive, _ = both("camouflage")
    first = adaptive.first_seen(np.ones(adaptive.events.num_rows, bool))
    wait, early = [], []
    for crowd in adaptive.crowds:
        begins = crowd.content.day
        assert (begins < crowd.people.stop).all()
        wait += (begins - crowd.people.start).tolist()
        early += [
            first[account] - EPOCH.timestamp() / 86_400 < begin
            for account, begin in zip(crowd.ids.to_pylist(), begins, strict=True)
            if account in first
        ]
    assert np.median(wait) > 1
    assert np.mean(early) > 0.6


def test_a_desk_serves_one_buyer():
    adaptive, plain = both("many-buyers")
    for mine, theirs in zip(adaptive.crowds, plain.crowds, strict=True):
        assert isinstance(mine.content, Mixture)
        assert (mine.content.share.max(axis=1) == 1).all()
        assert (theirs.content.share.max(axis=1) < 1).all()


def test_volumes_spread_as_among_people():
    def spread(attack: Drawn) -> float:
        return float(np.median([np.std(np.log(crowd.people.rate)) for crowd in attack.crowds]))

    adaptive, plain = both("daily-rhythm")
    assert spread(adaptive) > max(spread(plain), 0.8)


def test_a_human_pace_has_days_off():
    def busy(attack: Drawn) -> float:
        return float(np.mean([crowd.people.active.mean() for crowd in attack.crowds]))

    adaptive, plain = both("model-move")
    assert busy(adaptive) < busy(plain) - 0.1
    assert all(crowd.clock is None for crowd in adaptive.crowds)


def test_moments_are_spread():
    def together(attack: Drawn) -> float:
        """Accounts of a campaign that start or stop within the busiest six hours."""
        return max(
            float(
                np.mean([most(np.floor(getattr(crowd.people, end) * 4)) for crowd in attack.crowds])
            )
            for end in ("start", "stop")
        )

    adaptive, plain = both("spread-signups")
    assert together(plain) > 0.5
    assert together(adaptive) < 0.3


def test_a_move_to_the_new_model_is_spread():
    adaptive, plain = both("model-move")

    def late(attack: Drawn) -> float:
        moves = np.concatenate([crowd.people.moves for crowd in attack.crowds])
        return float((moves > attack_release(attack) + 1).mean())

    assert late(adaptive) > 0.5 > late(plain)


def test_promotions_hide_sign_ups():
    def beside(attack: Drawn) -> float:
        offered = np.sort(attack.benign["promotion"].people.created)
        created = np.concatenate([crowd.people.created for crowd in attack.crowds])
        before = offered[np.clip(np.searchsorted(offered, created) - 1, 0, None)]
        return float((np.abs(created - before) < 0.25).mean())

    adaptive, plain = both("spread-signups")
    assert beside(adaptive) > 0.7
    assert beside(plain) < 0.4


def test_a_replacement_is_old_and_comes_late():
    def follows(attack: Drawn) -> float:
        """Accounts that start at the moment another one stops."""
        hits = [
            np.isin(np.round(crowd.people.start, 6), np.round(crowd.people.stop, 6)).mean()
            for crowd in attack.crowds
        ]
        return float(np.mean(hits))

    adaptive, plain = both("ban-and-replace")
    assert follows(plain) > 0.2
    assert follows(adaptive) < 0.05
    assert np.median(np.concatenate([c.people.created for c in adaptive.crowds])) < -20


def test_no_card_or_device_is_shared():
    adaptive, plain = both("daily-rhythm")
    for attack, alone in ((adaptive, True), (plain, False)):
        for trait in ("payment", "device"):
            values = np.concatenate([getattr(crowd.people, trait) for crowd in attack.crowds])
            used = values[values != 0]
            assert (len(set(used.tolist())) == len(used)) is alone


def test_exits_are_those_of_people():
    adaptive, _ = both("ban-and-replace")
    theirs = set(adaptive.benign["vpn"].people.address.ravel().tolist())
    for crowd in adaptive.crowds:
        assert set(crowd.people.address.ravel().tolist()) <= theirs


def test_a_campus_holds_half_of_the_accounts_on_few_networks():
    adaptive, plain = both("no-shared-infrastructure")

    def sites(attack: Drawn) -> float:
        shares = []
        for crowd in attack.crowds:
            nets = Counter((crowd.people.address[:, 0] >> np.uint32(8)).tolist())
            shares.append(sum(n for _, n in nets.most_common(3)) / len(crowd.people))
        return float(np.mean(shares))

    assert 0.35 < sites(adaptive) < 0.8
    assert sites(plain) < 0.35


def test_a_company_is_verified_and_holds_most_accounts():
    adaptive, _ = both("many-buyers")
    for crowd in adaptive.crowds:
        people = crowd.people
        own, count = Counter(people.org.tolist()).most_common(1)[0]
        assert own != 0
        assert count / len(people) > 0.4
        assert people.verified[people.org == own].all()
        assert len(set(people.payment[people.org == own].tolist())) == 1


def test_cells_are_small():
    adaptive, plain = both("small-campaigns")
    assert max(len(crowd.people) for crowd in adaptive.crowds) <= 10
    assert len(adaptive.crowds) > 1.5 * len(plain.crowds)
    assert len({crowd.objective for crowd in adaptive.crowds}) > 3


def attack_release(attack: Drawn) -> float:
    """The day of the release, from the early adopters."""
    return float(attack.benign["early-adopter"].people.moves.min())


def most(values: np.ndarray) -> float:
    """Share of the commonest value."""
    return Counter(values.tolist()).most_common(1)[0][1] / len(values)
