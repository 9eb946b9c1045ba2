import gzip
from datetime import date

import pytest

from stillwatch.detect.screening.entries import EntryKind
from stillwatch.detect.screening.readers.folder import Unrecognised, read_list, read_lists
from stillwatch.errors import InputError

CONSOLIDATED = (
    "_id,source,entity_number,type,programs,name,title,addresses,federal_register_notice,start_date,"
    "end_date,standard_order,license_requirement,license_policy,call_sign,vessel_type,gross_tonnage,"
    "gross_registered_tonnage,vessel_flag,vessel_owner,remarks,source_list_url,alt_names,citizenships,"
    "dates_of_birth,nationalities,places_of_birth,source_information_url,ids\n"
    'a1,Entity List (EL) - Bureau,77,Entity,EAR,"Qingmo Works, a.k.a. QW","","1 Lu St; 2 Lu St",'
    "80 FR 1,2020-02-03,,,,,,,,,,,,https://authority.example,Qingmo Gongchang; 青墨工厂,,,,,,"
    '"Website, www.qingmo.example"\n'
    "a2,SDN,78,Individual,X,Somebody" + "," * 23 + "\n"
)
JSON = (
    '{"total": 2, "results": [{"id": "j1", "source": "Unverified List (UVL)",'
    '"name": "Lanmo Ltd","alt_names": ["Lanmo Works"], "type": null, "addresses": ['
    '{"address": "5 Hill Rd", "city": "Oz",'
    '"state": null, "postal_code": "1", "country": "XX"}], "start_date": "2019-05-06",'
    '"programs": ["UVL"], "ids": [{"type": "Website", "number": "lanmo.example"}]}, {"id": "j2"}]}'
)
OPENSANCTIONS = (
    '"id","schema","name","aliases","birth_date","countries","addresses","identifiers","sanctions",'
    '"phones","emails","program_ids","dataset","first_seen","last_seen","last_change"\n'
    '"NK-1","Company","Zelmo","Zelmo LLC;""Z; M""","","ru","1 Way","","Block","","a@zelmo.example",'
    '"P1","List A","2023-04-20T09:10:31","2026-01-01T00:00:00","2026-01-01T00:00:00"\n'
    '"NK-2","Vessel","Ship","","","","","","","","","","List A","","",""\n'
)
UNVERIFIED = (
    "Unverified List\nCOUNTRY,NAME,ADDRESS,,\nXX,Morlan Ltd,1 Dock Rd,,\n,,2 Dock Rd,,\n"
    ",Norlan Ltd,3 Dock Rd,,\n"
)
DENIED = (
    "Name\tStreet_Address\tCity\tState\tCountry\tPostal_Code\tEffective_Date\tExpiration_Date\t"
    "Standard_Order\tLast_Update\tAction\tFR_Citation\n"
    "TARVO LABS\t1 PIER\tOZ\t\tXX\t\t3/20/1992\t10/4/2000\tY\t5/1/2001\n"
)
XML = (
    '<?xml version="1.0"?><sdnList xmlns="http://tempuri.org/sdnList.xsd"><publshInformation>'
    "<Publish_Date>07/16/2014</Publish_Date></publshInformation><sdnEntry><uid>3</uid>"
    "<lastName>VELMO OAO</lastName><sdnType>Entity</sdnType><idList><id><idType>Website</idType>"
    "<idNumber>www.velmo.example</idNumber></id></idList><akaList><aka><category>weak</category>"
    "<lastName>VM</lastName></aka><aka><category>strong</category><lastName>VELMO JSC</lastName>"
    "</aka>"
    "</akaList></sdnEntry></sdnList>"
)


def write(tmp_path, text, name="list.dat"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_consolidated_list_as_csv(tmp_path):
    found = read_list(write(tmp_path, CONSOLIDATED))
    entry, person = found.entries
    assert (entry.list_name, entry.entry_id, entry.name) == (
        "Entity List (EL)",
        "77",
        "Qingmo Works",
    )
    assert entry.aliases == ("QW", "Qingmo Gongchang", "青墨工厂")
    assert entry.addresses == ("1 Lu St", "2 Lu St")
    assert entry.domains == ("qingmo.example",)
    assert (entry.since, entry.notice, entry.programme) == (date(2020, 2, 3), "80 FR 1", "EAR")
    assert person.kind is EntryKind.PERSON
    assert not person.compared
    assert found.faults == ()


def test_the_consolidated_list_as_json(tmp_path):
    found = read_list(write(tmp_path, JSON))
    (entry,) = found.entries
    assert entry.names == ("Lanmo Ltd", "Lanmo Works")
    assert entry.addresses == ("5 Hill Rd, Oz, 1, XX",)
    assert (entry.domains, entry.since) == (("lanmo.example",), date(2019, 5, 6))
    assert [(fault.row, fault.why) for fault in found.faults] == [(2, "has no name")]
    with pytest.raises(InputError, match="broken JSON"):
        read_list(write(tmp_path, JSON[:-9]))


def test_opensanctions_targets(tmp_path):
    company, ship = read_list(write(tmp_path, gzip.compress(OPENSANCTIONS.encode()))).entries
    assert (company.aliases, company.domains) == (("Zelmo LLC", "Z; M"), ("zelmo.example",))
    assert company.list_name == "OpenSanctions: List A"
    assert company.kind is EntryKind.ORGANISATION
    assert not ship.compared


def test_an_empty_cell_of_the_unverified_list_repeats_the_one_above(tmp_path):
    one, two = read_list(write(tmp_path, UNVERIFIED)).entries
    assert (one.name, one.addresses, one.entry_id) == (
        "Morlan Ltd",
        ("1 Dock Rd", "2 Dock Rd"),
        "row 1",
    )
    assert (two.name, two.countries) == ("Norlan Ltd", ("XX",))


def test_the_denied_persons_list_has_an_end(tmp_path):
    (entry,) = read_list(write(tmp_path, DENIED)).entries
    assert (entry.since, entry.until) == (date(1992, 3, 20), date(2000, 10, 4))


def test_the_treasury_xml_without_its_weak_aliases(tmp_path):
    found = read_list(write(tmp_path, XML))
    (entry,) = found.entries
    assert (entry.aliases, entry.domains) == (("VELMO JSC",), ("velmo.example",))
    assert found.dated == date(2014, 7, 16)
    broken = read_list(write(tmp_path, XML[:-9]))
    assert broken.entries == found.entries
    assert "broken XML" in broken.faults[0].why


def test_a_bad_row_loses_nothing_else(tmp_path):
    rows = OPENSANCTIONS + '"NK-3","Company","","","","","","","","","","","L","","",""\n'
    rows += ",".join(["x"] * 20) + "\n"
    rows += OPENSANCTIONS.splitlines()[1].replace("NK-1", "NK-4") + "\n"
    found = read_list(write(tmp_path, rows))
    assert [entry.entry_id for entry in found.entries] == ["NK-1", "NK-2", "NK-4"]
    assert [fault.row for fault in found.faults] == [3, 4]


def test_bytes_of_windows_are_read(tmp_path):
    line = "COUNTRY,NAME,ADDRESS\nXX,Morlan,53\x9659 Road\n".encode("latin-1")
    (entry,) = read_list(write(tmp_path, line)).entries
    assert entry.addresses == ("53–59 Road",)


def test_what_is_no_list_is_said(tmp_path):
    write(tmp_path, "hello\n", "notes.txt")
    with pytest.raises(InputError, match="holds no list that was recognised"):
        read_lists(tmp_path)
    write(tmp_path, DENIED, "dpl.txt")
    lists, others = read_lists(tmp_path)
    assert [file.file for file in lists] == ["dpl.txt"]
    assert others == [Unrecognised("notes.txt")]
    write(tmp_path, gzip.compress(DENIED.encode() * 99)[:-9], "dpl.txt.gz")
    with pytest.raises(InputError, match="damaged gzip"):
        read_lists(tmp_path)


@pytest.mark.shared
def test_excerpts_of_real_lists(shared_data):
    lists, others = read_lists(shared_data / "screening")
    found = {
        file.file.removeprefix("scr_ita_"): (len(file.entries), len(file.faults)) for file in lists
    }
    assert found == {
        "dpl_dpl.txt.gz": (9, 0),
        "dtc_itar_debarred_parties.csv.gz": (4, 0),
        "el_el.csv.gz": (5, 0),
        "isn_isn.csv.gz": (3, 0),
        "meu_meu.csv.gz": (5, 0),
        "sdn_sdn.xml.gz": (4, 0),
        "treasury_consolidated_consolidated.xml.gz": (23, 0),
        "uvl_uvl.csv.gz": (13, 0),
    }
    assert {other.file[:4] for other in others} == {"net_"}
    domains = {domain for file in lists for entry in file.entries for domain in entry.domains}
    assert "vtb.com" in domains
    assert "treasury.gov" not in domains
