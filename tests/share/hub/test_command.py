"""`stillwatch hub`, as an operator types it, and the server as a process that can be killed."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.cli.main import main
from stillwatch.errors import ConfigError
from stillwatch.share.hub.admission import canonical
from stillwatch.share.hub.serve import Listening, check_listening
from stillwatch.share.stix import bundle
from tests.share.hub.build import TAXII, relationship


def said(capsys, *words):
    assert main([str(word) for word in words]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def made(tmp_path, capsys):
    """A hub with one contributor: its folder and the contributor's token."""
    folder = tmp_path / "hub"
    operator = said(capsys, "hub", "init", folder, "--title", "Example Forum", "--json", "--quiet")
    assert operator["roles"] == ["operator"]
    assert main(["hub", "member", "add", str(folder), "labs", "--name", "Labs", "--quiet"]) == 0
    issued = said(capsys, "hub", "credential", "new", folder, "labs", "--holder", "ada",
                  "--role", "contributor", "--json", "--quiet")  # fmt: skip
    return folder, issued


class Served:
    """`stillwatch hub serve` as a process of its own."""

    def __init__(self, folder):
        words = [sys.executable, "-m", "stillwatch", "hub", "serve", str(folder), "--port", "0"]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        self.address = re.search(r"http://[0-9.:]+", line)[0]

    def end(self, number=signal.SIGTERM):
        os.kill(self.process.pid, number)
        self.process.wait(20)
        self.process.stderr.close()


def client(token):
    made = requests.Session()
    made.headers.update({"accept": TAXII, "authorization": f"Bearer {token}"})
    made.headers["content-type"] = TAXII
    return made


def every(session, url):
    found, fields = [], {"limit": 1_000}
    while True:
        page = session.get(url, params=fields, timeout=20).json()
        found += [one["id"] for one in page.get("objects", [])]
        if not page["more"]:
            return found
        fields["next"] = page["next"]


def test_nothing_acknowledged_is_lost_when_the_hub_is_killed(made):
    """Four clients post in bulk; the process is killed; a new one must have what was answered."""
    folder, issued = made
    served = Served(folder)
    session = client(issued["token"])
    root = session.get(f"{served.address}/forum/collections/", timeout=20).json()
    path = f"/forum/collections/{root['collections'][0]['id']}/objects/"
    acknowledged, sent, posted = [], [], threading.Semaphore(0)

    def post():
        own = client(issued["token"])
        while True:
            given_ = [relationship() for _ in range(20)]
            sent.extend(one["id"] for one in given_)
            try:
                answer = own.post(served.address + path, data=json.dumps({"objects": given_}),
                                  timeout=20)  # fmt: skip
                status = answer.json()
            except (requests.RequestException, ValueError):
                return
            assert status["success_count"] == 20, status
            acknowledged.extend(one["id"] for one in given_)
            posted.release()

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(12):
        posted.acquire()
    served.end(signal.SIGKILL)
    for thread in threads:
        thread.join()
    again = Served(folder)
    try:
        found = every(session, again.address + path)
    finally:
        again.end()
    assert len(found) == len(set(found))
    assert len(acknowledged) >= 240
    assert set(acknowledged) <= set(found) <= set(sent)


def test_a_member_revoked_on_the_command_line_is_out_at_once(made, capsys):
    folder, issued = made
    served = Served(folder)
    try:
        session = client(issued["token"])
        assert session.get(f"{served.address}/taxii2/", timeout=20).json()["title"] == (
            "Example Forum")  # fmt: skip
        assert main(["hub", "member", "revoke", str(folder), "labs", "--quiet"]) == 0
        assert session.get(f"{served.address}/taxii2/", timeout=20).status_code == 401
    finally:
        served.end()
    assert served.process.returncode == -signal.SIGTERM
    listed = said(capsys, "hub", "member", "list", folder, "--json")
    assert [(one["id"], one["revoked"]) for one in listed] == [("labs", True), ("operator", False)]
    assert issued["secret"] not in json.dumps(listed)


def test_secrets_are_readable_by_their_owner_only_and_kept_nowhere(made):
    folder, issued = made
    for name in ("hub.toml", "hub.key", "hub.db"):
        assert (folder / name).stat().st_mode & 0o077 == 0
        assert issued["secret"].encode() not in (folder / name).read_bytes()


def fails(capsys, *words):
    assert main([str(word) for word in words]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def test_what_is_missing_or_wrong_is_one_clear_line(made, capsys, tmp_path):
    folder, issued = made
    assert "holds no hub" in fails(capsys, "hub", "serve", tmp_path / "none")
    assert "not empty" in fails(capsys, "hub", "init", folder)
    assert "no member" in fails(capsys, "hub", "member", "revoke", folder, "nobody")
    assert "already" in fails(capsys, "hub", "member", "add", folder, "labs", "--name", "Labs")
    assert "no such credential" in fails(capsys, "hub", "credential", "revoke", folder, "x")
    assert "loopback" in fails(capsys, "hub", "serve", folder, "--host", "0.0.0.0")  # noqa: S104
    (folder / "hub.key").unlink()
    assert "key file" in fails(capsys, "hub", "serve", folder, "--port", 0)
    text = (folder / "hub.toml").read_text()
    (folder / "hub.toml").write_text(text + 'extra = "x"\n')
    assert "unknown setting" in fails(capsys, "hub", "member", "list", folder)
    (folder / "hub.toml").write_text('title = "x"\n')
    assert "is missing" in fails(capsys, "hub", "member", "list", folder)
    assert issued["id"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost", "192.0.2.1"])  # noqa: S104
def test_plain_http_does_not_leave_the_machine(host):
    with pytest.raises(ConfigError, match="loopback only"):
        check_listening(Listening(host=host))
    check_listening(Listening(host="::1"))


def test_tls_files_are_checked_before_serving(tmp_path):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    with pytest.raises(ConfigError, match="cannot be used"):
        check_listening(Listening(certificate=wrong, private_key=wrong))
    with pytest.raises(ConfigError, match="both"):
        check_listening(Listening(certificate=wrong))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text() | st.floats(-9, 9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_the_fast_canonical_form_is_that_of_rfc_8785(value):
    assert canonical(value) == bundle.write(value)
