"""TAXII 2.1 over real servers: the client of OASIS, a client as OpenCTI's, and raw requests."""

import http.client
import json
import socket
from urllib.parse import urlsplit

import pytest
import requests
from requests.auth import HTTPBasicAuth
from taxii2client.common import TokenAuth
from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

from stillwatch.share.hub import model, resources
from stillwatch.share.hub.model import Role
from tests.share.hub.build import (
    COLLECTION,
    OTHER,
    TAXII,
    admit,
    furnish,
    password,
    relationship,
    serving,
    sqlite,
)

LATER = "2026-04-06T12:03:05.000Z"


def session(issued):
    made = requests.Session()
    made.headers["accept"] = TAXII
    made.headers["authorization"] = f"Bearer {issued.token}"
    return made


def objects_url(address, collection=COLLECTION):
    return f"{address}/forum/collections/{collection}/objects/"


def post(session, url, objects, **options):
    data = json.dumps({"objects": objects})
    return session.post(url, data=data, headers={"content-type": TAXII}, **options)


def test_the_client_of_oasis_makes_every_call(hub):
    address, issued, _ = hub
    given = [relationship() for _ in range(7)]
    with Server(f"{address}/taxii2/", user=issued.credential.id, password=issued.secret) as server:
        assert server.title == "Stillwatch hub"
        (root,) = server.api_roots
        assert (server.default.url, root.title, root.max_content_length) == (
            root.url, "Forum", 8 * 1024 * 1024)  # fmt: skip
        collection = next(one for one in root.collections if one.id == COLLECTION)
        assert (collection.alias, collection.can_read, collection.can_write) == (
            "campaigns", True, True)  # fmt: skip
        status = collection.add_objects({"objects": given})
        assert (status.status, status.success_count, status.failure_count) == ("complete", 7, 0)
        again = root.get_status(status.id)
        assert [one["id"] for one in again.successes] == [one["id"] for one in given]
        assert collection.get_objects()["objects"] == given
        newer = {**given[0], "modified": LATER}
        collection.add_objects({"objects": [newer]})
        assert collection.get_object(given[0]["id"])["objects"] == [newer]
        versions = collection.object_versions(given[0]["id"])["versions"]
        assert versions == [given[0]["modified"], LATER]
        records = collection.get_manifest(id=given[0]["id"], version="all")["objects"]
        assert [one["version"] for one in records] == versions
        assert records[0]["media_type"] == "application/stix+json;version=2.1"
        collection.delete_object(given[0]["id"], version=LATER)
        assert collection.get_object(given[0]["id"])["objects"] == [given[0]]
        collection.delete_object(given[0]["id"])
        with pytest.raises(requests.HTTPError, match="404"):
            collection.get_object(given[0]["id"])


@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_pages_are_complete_with_the_client_of_oasis(hub, size):
    address, issued, _ = hub
    given = [relationship() for _ in range(23)]
    collection = Collection(objects_url(address)[: -len("objects/")], auth=TokenAuth(issued.token))
    collection.add_objects({"objects": given})
    pages = list(as_pages(collection.get_objects, per_request=size))
    assert [one for page in pages for one in page.get("objects", [])] == given
    ids = [one["id"] for page in as_pages(collection.get_manifest, per_request=size)
           for one in page["objects"]]  # fmt: skip
    assert ids == [one["id"] for one in given]


def test_filters(hub):
    address, issued, _ = hub
    first, second = relationship(), relationship(relationship_type="based-on")
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": first["created_by_ref"],
        "created_by_ref": first["created_by_ref"],
        "created": "2026-04-06T12:00:00.000Z",
        "modified": "2026-04-06T12:00:00.000Z",
        "name": "Example Labs",
        "identity_class": "organization",
    }
    client = session(issued)
    url = objects_url(address)
    assert post(client, url, [first, second, identity]).json()["failures"] == []

    def ids(**fields):
        fields = {name.replace("match_", "match[") + "]" if "match_" in name else name: value
                  for name, value in fields.items()}  # fmt: skip
        answer = client.get(url, params=fields)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json().get("objects", [])]

    every = [first["id"], second["id"], identity["id"]]
    assert ids() == every
    assert ids(match_type="identity,relationship") == every
    assert ids(match_type="identity") == every[2:]
    assert ids(match_id=f"{every[2]},{every[0]}") == [every[0], every[2]]
    assert ids(match_spec_version="2.0") == []
    assert ids(match_version=first["modified"]) == every[:2]
    answer = client.get(url, params={"limit": 2})
    assert answer.json()["more"] is True
    last = answer.headers["x-taxii-date-added-last"]
    assert answer.headers["x-taxii-date-added-first"] < last
    assert ids(added_after=last) == every[2:]
    assert ids(added_after=answer.headers["x-taxii-date-added-first"]) == every[1:]
    records = client.get(url.replace("objects", "manifest")).json()["objects"]
    assert [one["date_added"] for one in records][1] == last
    for wrong in ("limit=0", "limit=x", "limit=-1", "added_after=yesterday", "match[name]=x",
                  "match[version]=all,last", "match[id]=", "next=x", "limit=1&limit=2",
                  "next=" + "A" * 64, "added_after=2026-02-31T00:00:00Z"):  # fmt: skip
        answer = client.get(f"{url}?{wrong}")
        assert answer.status_code == 400, wrong
        assert answer.json()["http_status"] == "400"


def test_a_client_as_that_of_opencti_gets_everything_and_comes_to_an_end(hub):
    """It keeps `next` when it goes to another collection, and sends `added_after` along or not."""
    address, issued, _ = hub
    client = session(issued)
    given = {}
    for name in (COLLECTION, OTHER):
        given[name] = [relationship() for _ in range(5)]
        post(client, objects_url(address, name), given[name])
    for drops in (True, False):
        fields = {"limit": 2, "added_after": "2020-01-01T00:00:00.000Z"}
        for name in (COLLECTION, OTHER):
            found, requests_made = [], 0
            answer = client.get(objects_url(address, name), params=fields).json()
            while True:
                found += answer["objects"]
                requests_made += 1
                assert requests_made < 10
                if not answer["more"]:
                    break
                if drops:
                    fields.pop("added_after", None)
                fields["next"] = answer["next"]
                answer = client.get(objects_url(address, name), params=fields).json()
            assert found == given[name]


def test_next_is_bound_to_the_member_and_the_filters(hub):
    address, issued, store = hub
    rival = admit(store, "rival", Role.READER)
    client, url = session(issued), objects_url(address)
    post(client, url, [relationship() for _ in range(3)])
    fields = {"limit": 1, "next": client.get(url, params={"limit": 1}).json()["next"]}
    assert client.get(url, params=fields).status_code == 200
    assert client.get(url, params={**fields, "limit": 2}).status_code == 200
    changed = client.get(url, params={**fields, "match[type]": "identity"})
    later = client.get(url, params={**fields, "added_after": LATER})
    stolen = session(rival).get(url, params=fields)
    assert [one.status_code for one in (changed, later, stolen)] == [400, 400, 400]
    assert "keep them" in changed.json()["description"]


def test_more_always_comes_with_next():
    row = model.Row(1, "x--1", 1, "2.1", b"{}", b"")
    for write in (resources.envelope, resources.manifest, resources.versions):
        for rows in ([], [row]):
            assert json.loads(write(rows, "n"))["more"] is True
            assert json.loads(write(rows, "n"))["next"] == "n"
            assert json.loads(write(rows, None))["more"] is False


def test_a_refused_object_is_named_and_never_shown(hub):
    address, issued, _ = hub
    client, url = session(issued), objects_url(address)
    canary = "derive the theorem of quokkas"
    bad = [
        {**relationship(), "description": canary},
        {**relationship(), "relationship_type": canary},
        {**relationship(), canary: 1},
        {"type": canary, "id": f"{canary}--x"},
        canary,
        {**relationship(), "id": f"relationship--{canary}"},
    ]
    good = relationship()
    answer = post(client, url, [*bad, good])
    assert answer.status_code == 202
    status = answer.json()
    assert (status["success_count"], status["failure_count"]) == (1, len(bad))
    assert [one["id"] for one in status["failures"]][:2] == [bad[0]["id"], bad[1]["id"]]
    assert "description" in status["failures"][0]["message"]
    assert "relationship_type" in status["failures"][1]["message"]
    later = client.get(f"{address}/forum/status/{status['id']}/")
    everything = answer.text + later.text + client.get(url).text
    assert "quokka" not in everything
    assert client.get(url).json()["objects"] == [good]


def test_what_was_written_to_the_database_by_hand_does_not_come_out(hub):
    address, issued, store = hub
    client, url = session(issued), objects_url(address)
    kept = [relationship() for _ in range(3)]
    post(client, url, kept)
    canary = json.dumps({**kept[1], "description": "quokka"}).encode()
    honest = json.dumps(kept[0]).encode()  # not canonical, so not what was sealed, but allowed
    with store._engine.begin() as connection:
        for body, name in ((canary, kept[1]["id"]), (honest, kept[0]["id"])):
            connection.exec_driver_sql("UPDATE objects SET body = ? WHERE id = ?", (body, name))
    for path in (url, f"{url}{kept[1]['id']}/"):
        assert "quokka" not in client.get(path).text
    assert client.get(url).json()["objects"] == [kept[0], kept[2]]


def test_errors_are_taxii_messages(hub):
    address, issued, store = hub
    client, url = session(issued), objects_url(address)
    reader = session(admit(store, "readers", Role.READER))
    operator = session(admit(store, "operators", Role.OPERATOR))
    good = relationship()
    post(client, url, [good])
    cases = [
        (404, client.get(f"{address}/nowhere/")),
        (404, client.get(f"{address}/forum/collections/none/objects/")),
        (404, client.get(f"{url}relationship--none/")),
        (404, client.get(f"{url}relationship--none/versions/")),
        (404, client.delete(f"{url}relationship--none/")),
        (404, client.get(f"{address}/forum/status/none/")),
        (404, client.get(f"{address}/forum/a/b/c/d/e/f/")),
        (405, client.put(url, data="{}")),
        (405, client.post(f"{address}/taxii2/", data="{}")),
        (406, client.get(url, headers={"accept": "application/json"})),
        (406, client.get(url, headers={"accept": "application/taxii+json;version=2.0"})),
        (415, client.post(url, data="{}", headers={"content-type": "application/json"})),
        (415, client.post(url, data="{}",
                          headers={"content-type": TAXII, "content-encoding": "gzip"})),
        (400, client.post(url, data="{", headers={"content-type": TAXII})),
        (400, client.post(url, data=b"\xff", headers={"content-type": TAXII})),
        (400, client.post(url, data='{"objects":[{"a":1,"a":2}]}',
                          headers={"content-type": TAXII})),
        (422, client.post(url, data="{}", headers={"content-type": TAXII})),
        (422, client.post(url, data='{"objects":[]}', headers={"content-type": TAXII})),
        (403, post(reader, url, [relationship()])),
        (403, reader.delete(f"{url}{good['id']}/")),
        (403, operator.get(url)),
        (414, client.get(f"{url}?match[id]={'x' * 17_000}")),
    ]  # fmt: skip
    for status, answer in cases:
        assert answer.status_code == status, answer.request.url
        assert answer.headers["content-type"] == TAXII
        assert answer.json()["http_status"] == str(status)
    assert cases[7][1].headers["allow"] == "GET, POST"
    assert client.get(url, headers={"accept": "application/taxii+json"}).status_code == 200
    assert operator.delete(f"{url}{good['id']}/").status_code == 200


def test_members_cannot_touch_each_others_objects(hub):
    address, issued, store = hub
    rival = session(admit(store, "rival"))
    client, url = session(issued), objects_url(address)
    good = relationship()
    status = post(client, url, [good]).json()["id"]
    assert rival.delete(f"{url}{good['id']}/").status_code == 403
    answer = post(rival, url, [{**good, "modified": LATER}]).json()
    assert answer["failures"][0]["message"].startswith("another member")
    assert rival.get(f"{address}/forum/status/{status}/").status_code == 404
    assert rival.get(url).json()["objects"] == [good]


def test_a_huge_body_is_refused_without_being_read(hub):
    address, issued, _ = hub
    split = urlsplit(objects_url(address))
    head = {"authorization": f"Token {issued.token}", "accept": TAXII, "content-type": TAXII}
    announced = http.client.HTTPConnection(split.netloc, timeout=5)
    announced.putrequest("POST", split.path)
    for name, value in {**head, "content-length": str(10**9)}.items():
        announced.putheader(name, value)
    announced.endheaders()  # not a byte of the body is sent
    assert announced.getresponse().status == 413
    announced.close()
    chunked = http.client.HTTPConnection(split.netloc, timeout=5)
    sent = 0

    def pieces():
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b" " * 2**20

    try:
        chunked.request("POST", split.path, pieces(), head, encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        pass
    else:
        assert chunked.getresponse().status == 413
    chunked.close()
    assert sent < 200


@pytest.mark.parametrize(
    "bomb",
    [
        b"[" * 1_000_000,
        b'{"objects":[' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"]}",
        b'{"objects":[' + b"{}," * 1_000_000 + b"{}]}",
        b'{"objects":[' + b",".join([b"1"] * 10_001) + b"]}",
        b'{"objects":[1' + b"0" * 10_000 + b"]}",
        b'{"objects":[NaN]}',
    ],
    ids=["depth", "some-depth", "width", "objects", "digits", "nan"],
)
def test_json_bombs_are_refused(hub, bomb):
    address, issued, _ = hub
    client, url = session(issued), objects_url(address)
    answer = client.post(url, data=bomb, headers={"content-type": TAXII})
    assert answer.status_code in {400, 422}
    assert client.get(url).status_code == 200


def test_headers_cannot_be_injected(hub):
    address, issued, _ = hub
    split = urlsplit(address)
    with socket.create_connection((split.hostname, split.port), timeout=5) as raw:
        raw.sendall(
            b"GET /forum/collections/%0d%0aset-cookie:%20x/objects/?match[id]=%0d%0ax HTTP/1.1\r\n"
            b"host: evil.example\r\naccept: " + TAXII.encode() + b"\r\nauthorization: Bearer "
            + issued.token.encode() + b"\r\nconnection: close\r\n\r\n"
        )  # fmt: skip
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"set-cookie" not in answer
    assert b"evil.example" not in answer


def test_sql_in_a_filter_is_a_value(hub):
    address, issued, _ = hub
    client, url = session(issued), objects_url(address)
    good = relationship()
    post(client, url, [good])
    for text in ("' OR 1=1 --", "x'; DROP TABLE objects; --", '" OR ""="'):
        answer = client.get(url, params={"match[id]": text, "match[type]": text})
        assert (answer.status_code, answer.json()) == (200, {"more": False})
    assert client.get(url).json()["objects"] == [good]


def test_a_hub_can_be_built_with_any_data_for_an_outside_suite(tmp_path):
    """The application takes another check; the command line has no such door."""
    store = furnish(sqlite(tmp_path / "hub.db"))
    password(store, "oasis", "admin", "Password0")
    foreign = {"type": "malware", "id": "malware--1", "name": "anything", "x_other": [1.5, "ü"],
               "created": "2017-01-27T13:49:53.997Z", "modified": "2017-01-27T13:49:53.997Z",
               "spec_version": "2.1"}  # fmt: skip
    with serving(store, check=lambda _: [], edition=b"any") as address:
        root = ApiRoot(f"{address}/forum/", auth=HTTPBasicAuth("admin", "Password0"))
        collection = next(one for one in root.collections if one.id == COLLECTION)
        collection.add_objects({"objects": [foreign]})
        assert collection.get_objects()["objects"] == [foreign]
    store.close()
