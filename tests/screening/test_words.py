"""Words across scripts and systems of romanisation, and slips of a letter."""

import pytest

from stillwatch.detect.screening.abjad import fits
from stillwatch.detect.screening.alike import alike
from stillwatch.detect.screening.compare import compare
from stillwatch.detect.screening.letters import fold
from stillwatch.detect.screening.names import parse_name
from stillwatch.detect.screening.romanised import cut, readings, romaji, wade
from stillwatch.detect.screening.translated import apart


def telling(text):
    (token,) = parse_name(text).core
    return token


@pytest.mark.parametrize(
    ("arabic", "spellings", "others"),
    [
        ("بستان", ["bustan", "bostan", "boostan", "albustan", "elbostan"], ["bassam", "bustani"]),
        ("زيتون", ["zaytun", "zeitoun", "zaitoon", "azzaytoun"], ["zaydan", "satin"]),
        ("فارس", ["faris", "fares", "al-fares"], ["fursa", "varsova"]),
        ("ירקון", ["yarkon", "yarqon"], ["yarden"]),
    ],
)
def test_a_word_without_short_vowels_fits_its_romanisations_alone(arabic, spellings, others):
    own = (fold(arabic),)
    assert all(fits(own, spelling.replace("-", "")) >= 0.8 for spelling in spellings)
    assert [fits(own, other) for other in others] == [0.0] * len(others)


def test_chinese_is_read_in_pinyin_and_wade_giles():
    assert readings("秦川") == ("qinchuan", "chinchuan")
    assert wade("xuzhou") == ("hsu", "chou")
    assert wade("vector") == ()
    assert cut("zhuangzi") == ("zhuang", "zi")


def test_japanese_systems_meet():
    pairs = [("tsuchiya", "tutiya"), ("shimizu", "simizu"), ("fujimoto", "huzimoto")]
    assert [romaji(a) == romaji(b) != "" for a, b in pairs] == [True] * 3
    assert romaji("shimada") != romaji("shimoda")


def test_another_syllable_is_another_name_and_a_slip_is_not():
    assert alike(telling("Lanping"), telling("Lanting")) == 0
    assert alike(telling("Brockenhurst"), telling("Brokenhurst")) == 1
    transposed = alike(telling("Brightmere"), telling("Brigthmere"))
    replaced = alike(telling("Brightmere"), telling("Brightpere"))
    assert transposed > 0.7
    assert replaced < 0.3


def test_the_word_that_differs_most_counts():
    one = compare(parse_name("Marlow Zaffre"), parse_name("Marlow Zaffres"), {})
    more = compare(parse_name("Marlow Wexford Zaffre"), parse_name("Marlow Wexford Zaffres"), {})
    assert one.spelling == more.spelling > 0


def test_a_reading_ends_where_the_translation_begins():
    han, latin, unread = apart(parse_name("云岭缝纫"), parse_name("Yunling Sewing"))
    assert unread
    assert [token.own for token in han.core] == ["云岭"]
    assert [token.own for token in latin.core] == ["yunling"]
    # Pinyin that is left over tells; it translates nothing.
    assert not apart(parse_name("云岭缝纫"), parse_name("Yunling Tianhe"))[2]


def test_a_trade_written_together_with_the_name_is_cut_off():
    name = parse_name("Lindauer Hochvakuumtechnik")
    assert "technology" in name.fields
    assert [token.own for token in name.core] == ["lindauer", "hochvakuum"]


def test_an_article_before_a_sun_letter_is_no_telling_word():
    assert [token.own for token in parse_name("Ash-Shams As-Safir").core] == ["shams", "safir"]
