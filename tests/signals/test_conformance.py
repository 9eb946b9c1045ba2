"""What every signal keeps to, whatever it measures."""

from dataclasses import dataclass
from string import Formatter

import numpy as np
import pytest

from stillwatch.detect import signals
from stillwatch.detect.features import Line
from stillwatch.detect.signals import Signal, Unit
from stillwatch.errors import ConfigError
from tests.signals.build import event, mixed_accounts, mixed_events, population

NAMES = [signal.name for signal in signals.BUILT_IN]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    rng = np.random.default_rng(1)
    events, accounts = mixed_events(rng), mixed_accounts(rng)
    disposable = (np.arange(30) % 7 == 0).tolist()
    return population(events, tmp_path_factory.mktemp("mixed"), accounts, disposable)


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    return population([event("only")], tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="module", params=["renamed", "moved"])
def changed(request, tmp_path_factory):
    """The mixed population with accounts in reverse order, or from elsewhere."""
    rng = np.random.default_rng(1)
    events, accounts = mixed_events(rng), mixed_accounts(rng)
    disposable = (np.arange(30) % 7 == 0).tolist()
    if request.param == "renamed":
        for row in events:
            row["account_id"] = _mirror(row["account_id"])
        accounts = {_mirror(name): row for name, row in accounts.items()}
        disposable = disposable[::-1]
        order = slice(None, None, -1)
    else:
        origin = {"country": "FR", "asn": 64500, "script": 9}
        events = [row | origin for row in events]
        accounts = {name: row | {"country": "FR"} for name, row in accounts.items()}
        order = slice(None)
    folder = tmp_path_factory.mktemp(request.param)
    return population(events, folder, accounts, disposable), order


def _mirror(name):
    return f"account-{29 - int(name[-3:]):03d}"


def test_names_are_unique_and_lines_are_covered():
    assert len(set(NAMES)) == len(NAMES)
    assert all(name.isidentifier() and name == name.lower() for name in NAMES)
    assert {signal.line for signal in signals.BUILT_IN} == set(Line)


@pytest.mark.parametrize("signal", signals.BUILT_IN, ids=NAMES)
def test_a_signal_measures_every_account(signal, mixed):
    assert signal.unavailable(mixed) is None
    measure = signal.measure(mixed)
    assert measure.shape == (mixed.size,)
    assert measure.dtype == np.float64
    assert not np.isinf(measure).any()
    assert np.ptp(measure[~np.isnan(measure)]) > 0, "says the same of everyone"
    if signal.unit is Unit.SHARE:
        assert np.nanmin(measure) >= 0
        assert np.nanmax(measure) <= 1 + 1e-12


@pytest.mark.parametrize("signal", signals.BUILT_IN, ids=NAMES)
def test_order_origin_and_script_change_nothing(signal, mixed, changed):
    other, order = changed
    np.testing.assert_allclose(signal.measure(other)[order], signal.measure(mixed), rtol=1e-9)


@pytest.mark.parametrize("signal", signals.BUILT_IN, ids=NAMES)
def test_one_event_is_never_an_error(signal, single):
    why = signal.unavailable(single)
    assert why is None or (why and not why.endswith("."))
    assert signal.measure(single).shape == (1,)


@pytest.mark.parametrize("signal", signals.BUILT_IN, ids=NAMES)
def test_a_reason_is_a_phrase_with_its_numbers(signal):
    fields = {field for _, field, _, _ in Formatter().parse(signal.reason) if field}
    assert fields <= {"value", "typical"}
    said = signal.explain(0.5, 0.25)
    assert said[0].islower() or said[0].isdigit()
    assert not said.endswith(".")


@dataclass
class _EntryPoint:
    name: str
    value: str
    loaded: object

    def load(self):
        return self.loaded


def _install(monkeypatch, *points):
    monkeypatch.setattr(signals, "entry_points", lambda **_: list(points))


def test_other_packages_add_signals_by_entry_point(monkeypatch):
    extra = Signal("extra", Line.PACE, lambda p: np.zeros(p.size), "extra {value}")
    _install(monkeypatch, _EntryPoint("extra", "package:extra", extra))
    assert signals.installed() == (*signals.BUILT_IN, extra)


def test_a_taken_name_is_refused(monkeypatch):
    _install(monkeypatch, _EntryPoint("x", "package:copy", signals.BUILT_IN[0]))
    with pytest.raises(
        ConfigError, match="Two signals are called 'volume'; rename the one in 'package:copy'"
    ):
        signals.installed()


def test_an_entry_point_must_name_a_signal(monkeypatch):
    _install(monkeypatch, _EntryPoint("x", "package:thing", object()))
    with pytest.raises(ConfigError, match=r"'package:thing' .* is not a Signal"):
        signals.installed()
