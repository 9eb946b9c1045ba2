"""Compare a scan of simulated traffic with the truth, per cohort."""

import pyarrow.parquet as pq

import stillwatch
from stillwatch.detect.wording import GRAVE_KINDS

result = stillwatch.scan("events.parquet", "accounts.parquet")
grave = {c.campaign_id for c in result.campaigns if c.kind in GRAVE_KINDS}
found = {row["account_id"]: row["campaign_id"] for row in result.accounts.to_pylist()}
cohorts: dict[str, list[bool]] = {}
for row in pq.read_table("labels.parquet", columns=["account_id", "cohort"]).to_pylist():
    cohorts.setdefault(row["cohort"], []).append(found.get(row["account_id"]) in grave)
for cohort, flags in sorted(cohorts.items()):
    print(f"{cohort:24} {sum(flags):6} of {len(flags):6} accounts in extraction or relay")
