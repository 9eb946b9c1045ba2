"""Labels as the signature commands read them."""

import pytest

from stillwatch.cli.signature_labels import read_labels
from stillwatch.errors import InputError
from stillwatch.share.truth import Truth


def test_accounts_that_look_like_numbers_stay_as_they_are_written(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("account_id,cohort,label\n007,1e3,attack\n7,true,benign\n2026-01-01,x,benign\n")
    assert read_labels(path) == {
        "007": Truth(True, "1e3", None),
        "7": Truth(False, "true", None),
        "2026-01-01": Truth(False, "x", None),
    }


def test_an_account_without_a_campaign_is_benign(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("account_id,cohort,campaign\n1,x,\n2,x,0042\n")
    assert read_labels(path) == {"1": Truth(False, "x", None), "2": Truth(True, "x", "0042")}


def test_another_label_and_other_bytes_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("account_id,cohort,label\n1,x,maybe\n")
    with pytest.raises(InputError, match="maybe"):
        read_labels(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"labels\.csv"):
        read_labels(path)
