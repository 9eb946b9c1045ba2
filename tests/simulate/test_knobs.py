"""Each evasion knob does what it says, next to operations that hide nothing."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.simulate import Traffic, simulate
from stillwatch.simulate.content import Mixture
from stillwatch.simulate.crowd import Crowd, events

SEED = 17


class Attack:
    """The attacking crowds of one scenario and their events."""

    def __init__(self, scenario: str) -> None:
        self.traffic: Traffic = simulate(scenario, seed=SEED)
        self.crowds: list[Crowd] = [crowd for crowd in self.traffic.crowds if crowd.attack]
        rng = np.random.default_rng(SEED)
        self.events = pa.concat_tables(
            events(crowd, 0, 14, rng, self.traffic.clients) for crowd in self.crowds
        )

    def trait(self, name: str) -> np.ndarray:
        return np.concatenate([getattr(crowd.people, name) for crowd in self.crowds])

    def shared(self, values: list[object]) -> float:
        """Share of accounts whose value another account has too; nulls are left out."""
        counts = Counter(value for value in values if value)
        return sum(n for n in counts.values() if n > 1) / max(sum(counts.values()), 1)

    def repeated(self) -> float:
        """Share of distinct prompts that more than one account sent."""
        pairs = set(
            zip(
                self.events.column("prompt").to_pylist(),
                self.events.column("account_id").to_pylist(),
                strict=True,
            )
        )
        counts = Counter(prompt for prompt, _ in pairs)
        return sum(n > 1 for n in counts.values()) / len(counts)


@pytest.fixture(scope="module")
def naive() -> Attack:
    return Attack("naive")


def test_paraphrase_ends_repetition(naive):
    assert Attack("paraphrase").repeated() < naive.repeated() / 3


def test_private_pools_end_repetition(naive):
    assert naive.repeated() > 0.05
    assert Attack("private-pools").repeated() < naive.repeated() / 2


def test_camouflage_is_half_of_all_sessions():
    for crowd in Attack("camouflage").crowds:
        assert isinstance(crowd.content, Mixture)
        assert crowd.content.share[:, -1] == pytest.approx(0.5)


def test_private_infrastructure_shares_no_card_or_device(naive):
    hidden = Attack("no-shared-infrastructure")
    for trait in ("payment", "device"):
        assert hidden.shared(hidden.trait(trait).tolist()) == 0.0
    assert naive.shared(naive.trait("device").tolist()) > 0.5
    networks = [(value >> 8) for value in hidden.trait("address")[:, 0].tolist()]
    assert hidden.shared(list(networks)) < 0.2


def test_distinct_clients_multiply_user_agents(naive):
    hidden = Attack("distinct-clients")
    assert len(set(hidden.trait("client").tolist())) > 2 * len(set(naive.trait("client").tolist()))


def test_spread_signups_are_not_a_burst(naive):
    def spread(attack: Attack) -> float:
        return float(np.median([np.std(crowd.people.created) for crowd in attack.crowds]))

    assert spread(Attack("spread-signups")) > 4 * spread(naive)


def test_replaced_accounts_live_for_days(naive):
    def life(attack: Attack) -> float:
        return float(np.median(attack.trait("stop") - attack.trait("start")))

    hidden = Attack("ban-and-replace")
    assert life(hidden) < life(naive) / 1.5
    bans = [crowd.endings for crowd in hidden.crowds if crowd.endings is not None]
    assert np.isfinite(np.concatenate(bans)).mean() > 0.7


def test_daily_rhythm_leaves_the_operations_clock(naive):
    assert naive.trait("linked").mean() > 0.6
    assert Attack("daily-rhythm").trait("linked").mean() < 0.2


def test_conversations_have_turns(naive):
    assert np.mean(naive.events.column("turn").to_numpy()) < 1.6
    assert np.mean(Attack("conversations").events.column("turn").to_numpy()) > 1.8


def test_half_of_the_traffic_moves_within_a_day_of_the_release():
    hidden = Attack("model-move")
    new = np.array(hidden.events.column("model").to_pylist()) == "quartz-4"
    day = hidden.events.column("time").cast(pa.int64()).to_numpy() / 86_400e6
    first = float(day[new].min())
    assert new[(day > first + 1) & (day < first + 3)].mean() > 0.5


def test_one_pool_serves_five_buyers():
    for crowd in Attack("many-buyers").crowds:
        assert isinstance(crowd.content, Mixture)
        assert len(crowd.content.sources) == 5


def test_few_events_are_few(naive):
    def each(attack: Attack) -> float:
        return float(
            np.mean(list(Counter(attack.events.column("account_id").to_pylist()).values()))
        )

    few = each(Attack("few-events"))
    assert few < 12
    assert each(naive) > 2 * few


def test_small_campaigns_are_small():
    assert max(len(crowd.people) for crowd in Attack("small-campaigns").crowds) < 60


def test_relay_traffic_belongs_to_customers():
    hidden = Attack("relay-mix")
    customers = 1 - hidden.events.column("end_user_id").null_count / hidden.events.num_rows
    assert 0.6 < customers < 0.95
    assert {crowd.kind for crowd in hidden.crowds} == {"relay"}
