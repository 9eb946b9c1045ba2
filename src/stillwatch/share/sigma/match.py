"""What rules are to be run on, what a match says, and how matches compare with labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import SigmaFieldReference

from stillwatch.events.schema import TIMESTAMP
from stillwatch.share.sigma.correlation import Correlation, correlation_of
from stillwatch.share.sigma.fields import Field, Service, field_of
from stillwatch.share.sigma.reading import Rule, RuleFile, parts_of, service_of
from stillwatch.share.truth import Truth

MATCHES: Final = pa.schema(
    [
        pa.field("rule_id", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),  # its title
        pa.field("level", pa.string()),
        pa.field("account_id", pa.string(), nullable=False),
        ("first_time", TIMESTAMP),  # of the account's events that take part
        ("last_time", TIMESTAMP),
        pa.field("events", pa.int64(), nullable=False),  # of a profile: all its events
    ]
)
"""One row per rule and account; never any text."""


@dataclass(frozen=True)
class Planned:
    """A rule that is to run.

    Attributes:
        rule: As parsed.
        service: Over what it runs.
        correlation: Where it is one.
        fields: Every field that it reads.
    """

    rule: Rule
    service: Service
    correlation: Correlation | None
    fields: frozenset[Field]

    @property
    def id(self) -> str:
        """The rule's UUID, or its title where it has none."""
        return str(self.rule.id or self.rule.title)

    @property
    def parts(self) -> Sequence[SigmaRule]:
        """Itself, or the rules that a correlation refers to."""
        return parts_of(self.rule)

    @property
    def raw(self) -> frozenset[Field]:
        """Fields that fingerprints do not have."""
        return frozenset(field for field in self.fields if field.raw)


def plan(files: Sequence[RuleFile]) -> tuple[Planned, ...]:
    """Resolve the rules of files that match by themselves.

    Raises:
        InputError: A rule cannot run here.
    """
    return tuple(planned(rule) for file in files for rule in file.main)


def planned(rule: Rule) -> Planned:
    """Resolve one rule.

    Raises:
        InputError: It cannot run here.
    """
    fields = frozenset(field for part in parts_of(rule) for field in fields_of(part))
    if not isinstance(rule, SigmaCorrelationRule):
        return Planned(rule, service_of(rule), None, fields)
    correlation = correlation_of(rule)
    grouping = {field for group in correlation.groups for field in group}
    counted = {correlation.value} if correlation.value else set()
    return Planned(rule, Service.EVENTS, correlation, fields | grouping | counted)


def fields_of(rule: SigmaRule) -> frozenset[Field]:
    """Fields that a plain rule names, references included.

    Raises:
        InputError: There is no such field.
    """
    service = service_of(rule)
    names: set[str] = set()
    for detection in rule.detection.detections.values():
        _collect(detection, names)
    return frozenset(field_of(service, name) for name in names)


def _collect(detection: SigmaDetection, names: set[str]) -> None:
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            _collect(item, names)
        elif isinstance(item, SigmaDetectionItem) and item.field is not None:
            names.add(item.field)
            names.update(v.field for v in item.value if isinstance(v, SigmaFieldReference))


@dataclass(frozen=True)
class Measured:
    """How one rule did on labelled accounts.

    Attributes:
        rule: Its title.
        flagged: Accounts that it matched.
        attackers: Accounts that belong to an attacking campaign, matched or not.
        hits: Matched attackers.
        benign: Matched and all accounts of each benign cohort.
    """

    rule_id: str
    rule: str
    flagged: int
    attackers: int
    hits: int
    benign: Mapping[str, tuple[int, int]]

    @property
    def precision(self) -> float | None:
        """Share of matched accounts that attack; None where none was matched."""
        return self.hits / self.flagged if self.flagged else None

    @property
    def recall(self) -> float | None:
        """Share of attackers that were matched; None where there are none."""
        return self.hits / self.attackers if self.attackers else None


def measure(
    rules: Sequence[Planned], matches: pa.Table, truth: Mapping[str, Truth]
) -> list[Measured]:
    """Compare matches with labels, account by account.

    Args:
        rules: Those that ran, whether they matched or not.
        matches: Columns of `MATCHES`.
        truth: What is known of accounts; those that are not in it are left out.
    """
    found: dict[str, set[str]] = {planned.id: set() for planned in rules}
    for rule, account in zip(
        matches["rule_id"].to_pylist(), matches["account_id"].to_pylist(), strict=True
    ):
        found[rule].add(account)
    attackers = {account for account, known in truth.items() if known.attack}
    cohorts: dict[str, set[str]] = {}
    for account, known in truth.items():
        if not known.attack:
            cohorts.setdefault(known.cohort, set()).add(account)
    return [
        Measured(
            planned.id,
            planned.rule.title,
            flagged=len(found[planned.id] & truth.keys()),
            attackers=len(attackers),
            hits=len(found[planned.id] & attackers),
            benign={
                cohort: (len(found[planned.id] & accounts), len(accounts))
                for cohort, accounts in sorted(cohorts.items())
            },
        )
        for planned in rules
    ]
