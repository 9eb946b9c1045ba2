import numpy as np
import pyarrow as pa

from stillwatch.detect import lifecycle
from stillwatch.detect.features import Family
from stillwatch.detect.population import ModelUse
from stillwatch.events.schema import ACCOUNTS

HOUR = 3600.0
SLOT = lifecycle.SLOT_SECONDS


def rows(counts):
    return list(zip(counts.account.tolist(), counts.value.tolist(), strict=True))


def accounts(*listed):
    return pa.Table.from_pylist(list(listed), schema=ACCOUNTS)


def test_identity_values_are_shared_exactly_where_the_strings_are():
    found = lifecycle.account_features(
        accounts(
            {"account_id": "a", "payment_hash": "card", "signup_address": "10.1.2.3"},
            {"account_id": "b", "payment_hash": "card", "signup_address": "10.1.2.99"},
            {"account_id": "c", "payment_hash": None, "signup_address": "10.1.3.3"},
            {"account_id": "d", "payment_hash": "other", "signup_address": "2001:db8:1:2::5"},
            {"account_id": "e", "payment_hash": None, "signup_address": "2001:db8:1:9::7"},
        )
    )
    payment = rows(found[Family.PAYMENT])
    assert [account for account, _ in payment] == [0, 1, 3]
    assert payment[0][1] == payment[1][1] != payment[2][1]
    network = [value for _, value in rows(found[Family.SIGNUP_NETWORK])]
    assert network[0] == network[1]  # one /24
    assert network[3] == network[4]  # one /48
    assert len(set(network)) == 3
    assert rows(found[Family.DEVICE]) == []


def test_moments_leave_out_the_ends_of_the_log():
    first = np.array([0.0, 3 * HOUR, 50 * HOUR, 51 * HOUR])
    last = np.array([90 * HOUR, 400 * HOUR, 200 * HOUR, 390 * HOUR])
    signup = np.array([-10 * HOUR, np.nan, 49 * HOUR, np.nan])
    found = lifecycle.moment_features(first, last, signup - signup[0])
    assert rows(found[Family.FIRST_SEEN]) == [(2, 50 * HOUR // SLOT), (3, 51 * HOUR // SLOT)]
    assert rows(found[Family.LAST_SEEN]) == [(0, 90 * HOUR // SLOT), (2, 200 * HOUR // SLOT)]
    assert [account for account, _ in rows(found[Family.SIGNUP_TIME])] == [0, 2]


def test_a_move_is_a_model_begun_after_another():
    hours = np.array([0, 30, 0, 2, 31])
    models = ModelUse(
        ("new", "old"),
        np.array([0, 0, 1, 1, 2], np.int32),
        np.array([1, 0, 1, 0, 0], np.int32),
        (hours * HOUR * 1e6).astype(np.int64),
        np.zeros(5, np.int64),
        np.zeros(5, np.int64),
    )
    found = rows(lifecycle.model_moves(models, np.array([0.0, 0.0, 31 * HOUR])))
    # Account 1 tried both within hours, account 2 began with the new one: neither moved.
    assert found == [(0, int(30 * HOUR // SLOT) * 1024)]
