import gzip
import json
from ipaddress import ip_address, ip_network

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.cli.main import main
from stillwatch.errors import ConfigError
from stillwatch.events.list_sources import Content, Parsed, Unrecognised, merge, parse_source
from stillwatch.events.lists import (
    FILE,
    DisposableDomains,
    Network,
    NetworkLists,
    built,
    parse_addresses,
)

MISP = {"name": "VPN ranges", "description": "", "type": "cidr", "list": ["192.0.2.0/25", "::1"]}


def build(directory, **files):
    sources = directory / "sources"
    sources.mkdir()
    for name, text in files.items():
        (sources / name.replace("__", ".")).write_text(text)
    assert main(["lists", "build", str(sources), "--out", str(directory), "--quiet"]) == 0
    return directory


@pytest.mark.parametrize(
    ("name", "text", "taken_for", "entries", "skipped"),
    [
        ("vpn_ipv4.txt", "# VPN\n192.0.2.0/24\n198.51.100.7\n", "VPN networks", 2, 0),
        ("hosting.txt", "192.0.2.0 - 192.0.2.9\n2001:db8::/32\n", "hosting networks", 2, 0),
        (
            "datacenter_asn.txt",
            "AS64500 # a name, one\nAS64501\n",
            "hosting autonomous systems",
            2,
            0,
        ),
        (
            "bad-asn-list.csv",
            'ASN,Entity\n64500,"ONE, XX"\n64501, "TWO, XX"\n64502,"THREE"\n64503,"FOUR"\n',
            "hosting autonomous systems",
            4,
            1,
        ),
        ("list.json", json.dumps(MISP), "VPN networks", 2, 0),
        ("disposable.conf", "mail.example\n@Other.Example.\n", "disposable mail domains", 2, 0),
        ("universities.txt", "a.example\nb.example\n", "domains that no signal uses", 2, 0),
    ],
)
def test_sources_are_recognised_by_name_and_content(name, text, taken_for, entries, skipped):
    source = parse_source(name, text)
    assert isinstance(source, Parsed)
    assert (source.taken_for, len(source.entries), source.skipped) == (taken_for, entries, skipped)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("addresses.txt", "192.0.2.0/24\n", "say hosting or vpn in its name"),
        ("names.csv", "Source List,Name\nSDN,Somebody\n", "holds no list"),
        ("vpn.json", '{"list": 3}', "holds no list"),
        ("vpn.json", '{"list": ', "holds no list"),
        ("vpn.txt", "", "holds no list"),
    ],
)
def test_what_is_not_recognised_says_what_would_help(name, text, why):
    source = parse_source(name, text)
    assert isinstance(source, Unrecognised)
    assert why in source.why


def test_lookup_tells_hosting_from_vpn_and_known_from_unknown(tmp_path):
    build(
        tmp_path,
        vpn__txt="192.0.2.128/25\n2001:db8:1::/48\n",
        hosting__txt="192.0.2.0/24\n2001:db8::/32\n",
        hosting_asn__txt="AS64500\n",
    )
    lists = NetworkLists.load(tmp_path)
    assert lists.hosting_asns == {64500}
    rows = [
        ("192.0.2.1", None, Network.HOSTING),
        ("192.0.2.200", None, Network.HOSTING | Network.VPN),
        ("192.0.3.0", 64500, Network.HOSTING),
        ("192.0.3.0", 1, 0),
        (None, 64500, Network.HOSTING),
        ("2001:db8:1::7", None, Network.HOSTING | Network.VPN),
        ("2001:db8:2::7", None, Network.HOSTING),
        ("::ffff:192.0.2.1", None, Network.HOSTING),
        ("not an address", None, None),
        (None, None, None),
    ]
    addresses, asns, expected = zip(*rows, strict=True)
    found = lists.lookup(pa.array(addresses), pa.array(asns, pa.int64()))
    assert found.type == pa.uint8()
    assert found.to_pylist() == list(expected)
    chunked = pa.chunked_array([pa.array(addresses[:3]), pa.array(addresses[3:])])
    assert lists.lookup(chunked).to_pylist()[:2] == [1, 3]


def test_without_lists_nothing_is_known(tmp_path):
    lists, domains = NetworkLists.load(tmp_path), DisposableDomains.load(tmp_path)
    assert not lists.on
    assert not domains.on
    assert lists.lookup(pa.array(["192.0.2.1"])).to_pylist() == [None]
    assert domains.contain(pa.array(["mail.example"])).to_pylist() == [None]
    assert built(tmp_path) is None


def test_disposable_domains_cover_what_lies_below_them(tmp_path):
    build(tmp_path, disposable__txt="mail.example\nco.test\n")
    domains = DisposableDomains.load(tmp_path)
    asked = ["mail.example", "MAIL.example.", "a.b.mail.example", "email.example", "example", None]
    expected = [True, True, True, False, False, None]
    assert domains.contain(pa.array(asked)).to_pylist() == expected


@st.composite
def networks(draw):
    if draw(st.booleans()):
        base, bits, width = draw(st.integers(0, 2**10)), draw(st.integers(22, 32)), 4
        address = ip_address(0x0A000000 + base)
    else:
        base, bits, width = draw(st.integers(0, 2**10)), draw(st.integers(118, 128)), 16
        address = ip_address((0x20010DB8 << 96) + base)
    assert len(address.packed) == width
    return ip_network(f"{address}/{bits}", strict=False)


@given(st.lists(networks(), max_size=20), st.lists(st.integers(0, 2**10 + 5), max_size=20))
def test_merged_ranges_contain_what_the_networks_contain(blocks, offsets):
    source = parse_source("vpn.txt", "\n".join(map(str, blocks)))
    if not blocks:
        assert isinstance(source, Unrecognised)
        return
    table = merge([source, source])
    first = [row["first"] for row in table.to_pylist()]
    last = [row["last"] for row in table.to_pylist()]
    assert first == sorted(first)
    assert all(end < start for end, start in zip(last, first[1:], strict=False))
    addresses = [ip_address(0x0A000000 + offset) for offset in offsets]
    addresses += [ip_address((0x20010DB8 << 96) + offset) for offset in offsets]
    naive = [any(a in block for block in blocks if block.version == a.version) for a in addresses]
    parsed, _ = parse_addresses(pa.array(map(str, addresses), pa.string()))
    packed = [bytes(row) for row in parsed.view(np.uint8).reshape(-1, 16)]
    found = [any(f <= p <= t for f, t in zip(first, last, strict=True)) for p in packed]
    assert found == naive


@given(st.lists(st.ip_addresses().map(str), max_size=20))
def test_addresses_parse_as_the_standard_library_does(addresses):
    parsed, readable = parse_addresses(pa.array(addresses, pa.string()))
    expected = [ip_address(a) for a in addresses]
    packed = [bytes(row) for row in parsed.view(np.uint8).reshape(-1, 16)]
    assert readable.all()
    assert packed == [
        (b"\0" * 10 + b"\xff\xff" if a.version == 4 else b"") + a.packed for a in expected
    ]


@pytest.mark.parametrize("text", ["256.1.1.1", "1.2.3", "01.2.3.4.5", "1.2.3.4 ", "", "fe80::%0z"])
def test_what_is_no_address_is_not_read(text):
    _, readable = parse_addresses(pa.array([text]))
    assert readable.tolist() == [text == "fe80::%0z"]


def test_the_same_sources_give_the_same_rows():
    text = "192.0.2.0/24\n"
    one = parse_source("vpn_a.txt", text)
    two = parse_source("vpn_b.txt", "198.51.100.0/24\n")
    assert merge([one, two]).equals(merge([two, one, one]))
    assert one.content is Content.NETWORKS


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / FILE).write_bytes(b"PAR1 no")
    with pytest.raises(ConfigError, match="build it again"):
        NetworkLists.load(tmp_path)
    pq.write_table(pa.table({"x": [1]}), tmp_path / FILE)
    with pytest.raises(ConfigError, match="another version"):
        DisposableDomains.load(tmp_path)


def test_build_reports_each_file(tmp_path, capsys):
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "vpn.txt.gz").write_bytes(gzip.compress(b"192.0.2.0/24\n"))
    (sources / "notes.txt").write_text("nothing here\n")
    assert main(["lists", "build", str(sources), "--out", str(tmp_path), "--json"]) == 0
    shown = capsys.readouterr()
    assert "not used: notes.txt holds no list" in shown.err
    assert "VPN networks" in shown.err
    (source,) = json.loads(shown.out)["sources"]
    assert (source["file"], source["entries"]) == ("vpn.txt.gz", 1)
    assert built(tmp_path).sources[0].taken_for == "VPN networks"


def test_build_refuses_a_folder_without_lists(tmp_path, capsys):
    assert main(["lists", "build", str(tmp_path)]) == 1
    assert "holds no list that was recognised" in capsys.readouterr().err
    (tmp_path / "vpn.txt.gz").write_bytes(gzip.compress(b"192.0.2.0/24\n" * 99)[:-9])
    assert main(["lists", "build", str(tmp_path)]) == 1
    assert "damaged gzip" in capsys.readouterr().err


@pytest.mark.shared
def test_real_sources_are_recognised(shared_data):
    counts = {}
    for path in sorted((shared_data / "screening").glob("*.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace")
        source = parse_source(path.name, text)
        counts[path.name] = source.taken_for if isinstance(source, Parsed) else None
    networks = {name: taken for name, taken in counts.items() if name.startswith("net_")}
    assert networks == {
        "net_bad_asn_list.csv.gz": "hosting autonomous systems",
        "net_disposable_email.conf.gz": "disposable mail domains",
        "net_misp_university_domains.json.gz": "domains that no signal uses",
        "net_misp_vpn-ipv4.json.gz": "VPN networks",
        "net_x4bnet_datacenter_asn.txt.gz": "hosting autonomous systems",
        "net_x4bnet_datacenter_ipv4.txt.gz": "hosting networks",
        "net_x4bnet_vpn_ipv4.txt.gz": "VPN networks",
    }
    assert {taken for name, taken in counts.items() if name.startswith("scr_")} == {None}
