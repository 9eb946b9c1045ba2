"""Options that several commands share."""

from pathlib import Path

import click

from stillwatch.settings import ACCOUNT_SOURCES

FILE = click.Path(dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])
FOLDER = click.Path(file_okay=False, path_type=Path)

as_json = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on stdout."
)
quiet = click.option("--quiet", is_flag=True, help="Say nothing on stderr but errors.")
log_format = click.option(
    "--format",
    "log_format",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="Format of the logs: auto, or a name from docs/guide/log-formats.md.",
)
key_file = click.option(
    "--key-file", type=FILE, help="Key of fingerprints; see `stillwatch key new`."
)
account_from = click.option(
    "--account-from",
    type=click.Choice(ACCOUNT_SOURCES),
    help="Where accounts come from: the log's own, or a keyed digest of the API key.",
)
lists = click.option(
    "--lists", type=FOLDER, help="Lists of networks and mail domains that you built."
)
accounts = click.option("--accounts", type=FILE, help="Table of accounts: Parquet, CSV or JSONL.")
reference = click.option(
    "--reference", type=FOLDER, help="Earlier result with judgements, to calibrate on."
)
exempt = click.option("--exempt", type=FILE, help="Register of exemptions: TOML, CSV or JSON.")
prices = click.option("--prices", type=FILE, help="Price table, to state what was taken.")
