"""Read logs into the contracts: files by `open_log`, tables in memory by `open_arrow`."""

from stillwatch.events.readers.accounts import read_accounts
from stillwatch.events.readers.builtin import FORMATS
from stillwatch.events.readers.formats import Format, ReadContext
from stillwatch.events.readers.log import LogReader, open_arrow, open_log
from stillwatch.events.readers.rejects import Reject, Rejects

__all__ = [
    "FORMATS",
    "Format",
    "LogReader",
    "ReadContext",
    "Reject",
    "Rejects",
    "open_arrow",
    "open_log",
    "read_accounts",
]
