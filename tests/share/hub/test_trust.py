"""Who gets in: credentials, their cache, limits, revocation; over HTTP and as values."""

import base64
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.errors import ConfigError, InputError
from stillwatch.share.hub import limits, paging
from stillwatch.share.hub.credentials import Proof, Verifier, issue, principal_of, proof_of
from stillwatch.share.hub.memory import MemoryStore
from stillwatch.share.hub.model import Member, Query, Role
from tests.share.hub.build import (
    COLLECTION,
    KEY,
    NOW,
    QUICK,
    TAXII,
    admit,
    furnish,
    serving,
    settings,
)

CASES = [(Role.READER, True, False), (Role.CONTRIBUTOR, True, True), (Role.APPROVER, True, False),
         (Role.AUDITOR, True, False), (Role.OPERATOR, False, False)]  # fmt: skip


def get(address, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.get(f"{address}/taxii2/", headers={"accept": TAXII, **named}, timeout=10)


def basic(name, secret):
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


class Counted:
    """argon2 that counts how often it runs."""

    def __init__(self):
        self.runs = 0

    def hash(self, secret):
        return QUICK.hash(secret)

    def verify(self, digest, secret):
        self.runs += 1
        return QUICK.verify(digest, secret)


@pytest.fixture
def served():
    store = furnish(MemoryStore())
    issued = admit(store)
    counted = Counted()
    with serving(store, hasher=counted) as address:
        yield address, store, issued, counted


def test_every_way_to_prove_a_credential(served):
    address, _, issued, counted = served
    name, secret, token = issued.credential.id, issued.secret, issued.token
    for headers in (
        {"authorization": basic(name, secret)},
        {"authorization": f"Bearer {token}"},
        {"authorization": f"Token {token}"},
        {"authorization": f"bearer {token}"},
        {"x_api_key": token},
    ):
        assert get(address, **headers).status_code == 200, headers
    assert counted.runs == 1, "a proven credential is remembered"


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!!", "Bearer", "Bearer x", "Negotiate abc", "Bearer .", "Bearer x.",
     basic("", "x"), basic("x", ""), "Bearer " + "x." * 600],
)  # fmt: skip
def test_there_is_no_open_mode(served, header):
    address, _, _, _ = served
    answer = get(address, **({"authorization": header} if header else {}))
    assert answer.status_code == 401
    assert "Basic" in answer.headers["www-authenticate"]
    assert set(answer.json()) <= {"title", "description", "http_status"}


def test_a_hub_without_members_lets_nobody_in():
    with serving(MemoryStore()) as address:
        for pair in (("admin", "admin"), ("admin", "Password0"), ("guest", "guest")):
            assert get(address, authorization=basic(*pair)).status_code == 401


def test_revoking_holds_for_the_next_request(served):
    address, store, issued, _ = served
    headers = {"authorization": f"Bearer {issued.token}"}
    assert get(address, **headers).status_code == 200
    store.put_credential(replace(issued.credential, revoked=True))
    assert get(address, **headers).status_code == 401
    store.put_credential(issued.credential)
    assert get(address, **headers).status_code == 200
    store.put_member(Member("labs", "Labs", revoked=True))
    assert get(address, **headers).status_code == 401


def test_guessing_is_locked_out_and_costs_no_argon2(served):
    address, _, issued, counted = served
    name = issued.credential.id
    codes = [get(address, authorization=basic(name, f"guess {n}")).status_code for n in range(8)]
    assert codes == [401] * 5 + [429] * 3
    assert counted.runs == 5
    answer = get(address, authorization=basic(name, "another guess"))
    assert int(answer.headers["retry-after"]) >= 1


def test_requests_are_limited_by_credential():
    store = furnish(MemoryStore())
    first, second = admit(store), admit(store, "rival")
    with serving(store, rate=1, burst=3) as address:
        codes = [get(address, authorization=f"Bearer {first.token}").status_code for _ in range(5)]
        assert codes == [200, 200, 200, 429, 429]
        assert get(address, authorization=f"Bearer {second.token}").status_code == 200


@pytest.mark.parametrize(("role", "reads", "writes"), CASES)
def test_roles_decide(role, reads, writes):
    store = furnish(MemoryStore())
    issued = admit(store, "labs", role)
    digest = issued.credential.digest
    who = principal_of(Proof(issued.credential.id, issued.secret), digest, store.trust(), NOW)
    one = store.trust().collection("forum", COLLECTION)
    assert (who.may_read(one), who.may_write(one)) == (reads, writes)
    closed = replace(one, readable=False, writable=False)
    assert (who.may_read(closed), who.may_write(closed)) == (False, False)


def test_a_credential_ends_when_it_says():
    store = MemoryStore()
    issued = admit(store, life=timedelta(days=1))
    proof = Proof(issued.credential.id, issued.secret)
    made = issued.credential.created
    for after, known in ((timedelta(hours=23), True), (timedelta(days=1), False)):
        who = principal_of(proof, issued.credential.digest, store.trust(), made + after)
        assert (who is not None) is known


def test_the_cache_forgets_in_time_and_when_anything_changes():
    store, counted = MemoryStore(), Counted()
    issued = admit(store)
    proof = Proof(issued.credential.id, issued.secret)
    verifier = Verifier(counted, 10.0)
    assert verifier.prove(proof, store.trust(), 0.0) == issued.credential.digest
    assert verifier.remembered(proof, store.trust(), 9.9) == issued.credential.digest
    assert verifier.remembered(proof, store.trust(), 10.0) is None
    store.put_member(Member("other", "Other"))
    assert verifier.remembered(proof, store.trust(), 1.0) is None
    assert verifier.prove(Proof("nobody", "x"), store.trust(), 1.0) is None
    assert counted.runs == 2, "a name that is not there costs as much"


def test_neither_store_nor_digest_holds_the_secret():
    store = MemoryStore()
    issued = admit(store)
    assert issued.secret not in repr(store.trust())
    assert issued.credential.digest.startswith("$argon2id$")
    assert len({admit(store).secret for _ in range(5)}) == 5
    with pytest.raises(InputError, match="needs a role"):
        issue("labs", "x", frozenset(), NOW, hasher=QUICK)


@given(st.dictionaries(st.sampled_from([b"authorization", b"x-api-key"]), st.binary(max_size=80)))
def test_no_header_breaks_the_reader(headers):
    proof = proof_of(headers)
    assert proof is None or (proof.name and proof.secret)


def test_lock_out_backs_off_and_ends():
    locks = limits.Locks(limits.LockOut(free=2, free_of_address=100, longest=8))
    waits = []
    for _ in range(7):
        locks.fail("a", "c", 0.0)
        waits.append(locks.wait("a", "c", 0.0))
    assert waits == [0, 1, 2, 4, 8, 8, 8]
    assert locks.wait("a", "c", 8.0) == 0
    assert locks.wait("b", "c", 0.0) == 0, "a member cannot be locked out by others"
    locks.succeed("a", "c")
    assert locks.wait("a", "c", 0.0) == 0


def test_an_address_that_tries_many_names_is_locked_out():
    locks = limits.Locks(limits.LockOut(free=5, free_of_address=20))
    for n in range(20):
        assert locks.wait("a", f"c{n}", 0.0) == 0
        locks.fail("a", f"c{n}", 0.0)
    assert locks.wait("a", "new", 0.0) == 1


@given(st.integers(0, 2**62), st.text(max_size=8), st.integers(0, 90), st.integers(1, 255))
def test_no_changed_next_is_accepted(position, member, place, change):
    query = Query("c", after=3)
    given_ = paging.issue(KEY, member, "objects/", query, position)
    assert paging.follow(KEY, member, "objects/", query, given_).after == position
    raw = bytearray(base64.urlsafe_b64decode(given_ + "=" * (-len(given_) % 4)))
    raw[place % len(raw)] ^= change
    forged = base64.urlsafe_b64encode(raw).decode()
    with pytest.raises(InputError, match="not given to you"):
        paging.follow(KEY, member, "objects/", query, forged)
    with pytest.raises(InputError, match="not given to you"):
        paging.follow(bytes(32), member, "objects/", query, given_)


@pytest.mark.parametrize("wrong", [{"key": b""}, {"key": b"x" * 31}, {"page": 0}, {"rate": 0},
                                   {"page": 2_000}, {"most_bytes": 0}])  # fmt: skip
def test_settings_that_are_missing_or_wrong_fail_closed(wrong):
    with pytest.raises(ConfigError):
        settings(**wrong)
