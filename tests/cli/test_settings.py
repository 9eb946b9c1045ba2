import re
from pathlib import Path

import pytest

from stillwatch.errors import ConfigError
from stillwatch.settings import NAMES, debugging, load_settings, read_toml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home")}


def test_without_files_the_defaults_hold(home, tmp_path):
    settings = load_settings(home, tmp_path)
    assert settings.engine == "local"
    assert settings.key_file is None
    assert settings.sources == ()
    assert settings.lists == tmp_path / "home/.local/share/stillwatch/lists"


def test_the_nearer_source_wins(home, tmp_path):
    user = tmp_path / "home/.config/stillwatch"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('prices = "user.toml"\nkey_file = "user.key"\n')
    (tmp_path / "stillwatch.toml").write_text('prices = "here.toml"\n')
    settings = load_settings(home | {"STILLWATCH_KEY_FILE": "given.key"}, tmp_path)
    assert settings.prices == tmp_path / "here.toml"
    assert settings.key_file == tmp_path / "given.key"
    assert settings.sources == (user / "config.toml", tmp_path / "stillwatch.toml")


def test_a_relative_path_belongs_to_the_file_that_names_it(home, tmp_path):
    user = tmp_path / "home/.config/stillwatch"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('key_file = "user.key"\n')
    assert load_settings(home, tmp_path).key_file == user / "user.key"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('keyfile = "x"', "unknown setting 'keyfile'"),
        ('engine = "cluster"', "engine must be local"),
        ("prices = 3", "prices must be a non-empty string"),
        ('config_dir = "x"', "unknown setting 'config_dir'"),
        ("prices =", "not valid TOML"),
        ('spark = "local"', "spark must be words like spark.executor.memory=4g"),
        ("[spark]\nx = 1", "spark must be a table of names and texts"),
        ('[spark]\n"executor.memory" = "4g"', "'executor.memory' is no Spark property"),
    ],
)
def test_a_wrong_file_is_refused_with_the_mend(home, tmp_path, text, message):
    (tmp_path / "stillwatch.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_settings(home, tmp_path)


def test_spark_properties_are_a_table_or_words(home, tmp_path):
    (tmp_path / "stillwatch.toml").write_text(
        'engine = "spark"\nmaster = "yarn"\n[spark]\n"spark.executor.memory" = "4g"\n'
    )
    settings = load_settings(home, tmp_path)
    assert (settings.engine, settings.master) == ("spark", "yarn")
    assert settings.spark == {"spark.executor.memory": "4g"}
    words = "spark.executor.cores=2 spark.x=a=b"
    settings = load_settings(home | {"STILLWATCH_SPARK": words}, tmp_path)
    assert settings.spark == {"spark.executor.cores": "2", "spark.x": "a=b"}


def test_a_wrong_variable_is_named(home, tmp_path):
    with pytest.raises(ConfigError, match="STILLWATCH_ACCOUNT_FROM: account_from must be"):
        load_settings(home | {"STILLWATCH_ACCOUNT_FROM": "mail"}, tmp_path)


def test_a_missing_toml_file_is_a_setting_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_toml(tmp_path / "absent.toml")


def test_debugging_is_off_unless_asked_for():
    assert not debugging({})
    assert debugging({"STILLWATCH_DEBUG": "1"})


def test_the_guide_names_every_setting_and_its_variable():
    page = (ROOT / "docs/guide/settings.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", page, re.MULTILINE))
    assert rows == {name: f"STILLWATCH_{name.upper()}" for name in NAMES}
