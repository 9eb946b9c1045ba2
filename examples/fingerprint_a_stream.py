"""Fingerprint a log batch by batch with a key of your own: what `stillwatch ingest` does."""

from pathlib import Path

from stillwatch.events.fingerprint import fingerprint_stream
from stillwatch.events.key import Key
from stillwatch.events.readers.log import open_log
from stillwatch.events.readers.rejects import Rejects

key = Key.from_secret(bytes.fromhex(Path("provider.key").read_text().strip()))
with Rejects() as rejects:
    rows = 0
    for batch in fingerprint_stream(open_log(["logs"], rejects=rejects), key):
        rows += batch.num_rows
print(f"{rows} fingerprints under key {key.id}, {rejects.total} rows rejected")
