"""Scan a Polars data frame, and go on in Polars with the result.

Anything that speaks the Arrow C stream interface works the same: pandas, DuckDB, pyarrow.
"""

import polars as pl

import stillwatch

events = pl.read_parquet("events.parquet").filter(pl.col("prompt").str.len_chars() > 0)
result = stillwatch.scan(events, pl.read_parquet("accounts.parquet"))
accounts = pl.DataFrame(result.accounts)
print(accounts.sort("risk", descending=True).head(10))
