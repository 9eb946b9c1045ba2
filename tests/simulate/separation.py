"""How well one trivial feature of an account separates attack from benign."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import rankdata

from stillwatch.simulate import Traffic

NUMBERS = (
    "turn",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "temperature",
    "top_p",
    "max_tokens",
    "choices",
    "stream",
    "logprobs",
    "tools",
    "status",
)
CATEGORIES = (
    "model",
    "system",
    "output_type",
    "finish_reason",
    "asn",
    "country",
    "user_agent",
    "tls_fingerprint",
    "reasoning_effort",
    "temperature",
    "top_p",
    "max_tokens",
    "choices",
    "stream",
    "tools",
)
ACCOUNT_CATEGORIES = ("plan", "country", "email_domain", "signup_asn", "verified")


def auc(score: np.ndarray, attack: np.ndarray) -> float:
    """Area under the curve of the better direction; missing scores rank in the middle."""
    score = np.where(np.isnan(score), np.nanmedian(score), score)
    ranks = rankdata(score)
    positive = int(attack.sum())
    area = (ranks[attack].sum() - positive * (positive + 1) / 2) / (
        positive * (len(score) - positive)
    )
    return float(max(area, 1 - area))


class Features:
    """Account means of numbers, and the most frequent value of categories, for one traffic."""

    def __init__(self, traffic: Traffic) -> None:
        table = pa.Table.from_batches(traffic.batches())
        time = table.column("time")
        filled = {name: pc.is_valid(table.column(name)) for name in table.schema.names}
        columns = {
            "account_id": table.column("account_id"),
            "hour": pc.cast(pc.hour(time), pa.float64()),
            "weekday": pc.cast(pc.day_of_week(time), pa.float64()),
            "characters": pc.cast(pc.utf8_length(table.column("prompt")), pa.float64()),
            "system characters": pc.cast(pc.utf8_length(table.column("system")), pa.float64()),
            "answer characters": pc.cast(pc.utf8_length(table.column("completion")), pa.float64()),
            "lines": pc.cast(pc.count_substring(table.column("prompt"), "\n"), pa.float64()),
            "digits": pc.cast(
                pc.count_substring_regex(table.column("prompt"), "[0-9]"), pa.float64()
            ),
            "ascii": pc.cast(pc.string_is_ascii(table.column("prompt")), pa.float64()),
            **{name: pc.cast(table.column(name), pa.float64()) for name in NUMBERS},
            **{f"has {name}": pc.cast(mask, pa.float64()) for name, mask in filled.items()},
        }
        grouped = pa.table(columns).group_by("account_id")
        names = [name for name in columns if name != "account_id"]
        means = grouped.aggregate(
            [
                ([], "count_all"),
                *((name, "mean") for name in names),
                *((name, "stddev") for name in names),
            ]
        )
        labels = traffic.labels.join(means, "account_id", join_type="inner")
        labels = labels.join(traffic.accounts, "account_id", right_suffix=" of account").sort_by(
            "account_id"
        )
        self.attack = np.array(labels.column("label").to_pylist()) == "attack"
        self.numbers = {
            name: np.array(labels.column(name).to_pandas(), float)
            for name in labels.schema.names
            if name.endswith(("_mean", "_stddev", "count_all"))
        }
        created = labels.column("created_at").cast(pa.int64())
        self.numbers["created"] = np.array(created.to_pandas(), float)
        ids = labels.column("account_id")
        self.categories = {
            name: labels.column(name).to_pylist()
            for name in ACCOUNT_CATEGORIES
            if name != "country"
        }
        self.categories["country"] = labels.column("country").to_pylist()
        for name in CATEGORIES:
            counts = pa.table(
                {
                    "account_id": table.column("account_id"),
                    "value": table.column(name).cast(pa.string()),
                }
            )
            most = (
                counts.group_by(["account_id", "value"]).aggregate([([], "count_all")]).to_pandas()
            )
            most = most.sort_values(["account_id", "count_all"], kind="stable").drop_duplicates(
                "account_id", keep="last"
            )
            value = most.set_index("account_id")["value"].reindex(ids.to_pylist())
            self.categories[f"most frequent {name}"] = [
                v if isinstance(v, str) else None for v in value
            ]


def separation(train: Features, test: Features) -> dict[str, float]:
    """AUC of every single feature; categories score by the attack rate they had in `train`."""
    found = {
        name: auc(values, test.attack)
        for name, values in test.numbers.items()
        if not np.isnan(values).all()
    }
    for name, values in test.categories.items():
        seen: dict[object, list[int]] = {}
        for value, attack in zip(train.categories[name], train.attack, strict=True):
            cell = seen.setdefault(value, [0, 0])
            cell[0] += int(attack)
            cell[1] += 1
        base = float(train.attack.mean())
        rate = np.array(
            [(seen.get(v, [0, 0])[0] + 5 * base) / (seen.get(v, [0, 0])[1] + 5) for v in values]
        )
        found[name] = auc(rate, test.attack)
    return found
