"""Settings of a hub, in one value."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from argon2 import PasswordHasher

from stillwatch.errors import ConfigError
from stillwatch.share.hub import admission
from stillwatch.share.hub.credentials import Clock
from stillwatch.share.hub.limits import LockOut

KEY_BYTES: Final = 32
PURPOSE: Final = "Threat data on adversarial distillation, shared by providers."


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the edge where the clock is read


@dataclass(frozen=True, kw_only=True)
class HubSettings:
    """What a hub is built with, beside its store.

    Attributes:
        key: Secret of the hub, 32 bytes; `next` and seals are made with it.
        title: Name of the hub in discovery.
        description: What it is for.
        contact: Whom to ask.
        default_root: API root that discovery names as the default.
        check: What of an object may not be shared; see `admission.Gate`. The command line gives
            the allow-list, and no other.
        edition: Names the rules of `check`.
        clock: Returns the time in UTC.
        hasher: argon2, for digests of secrets.
        keep_s: How long a proven credential is remembered, in seconds.
        lock_out: How failed proofs are answered.
        rate: Requests per second and credential that are sustained.
        burst: Requests of one credential that may come at once.
        most_bytes: Size of a request's body.
        page: Objects of a page where the client names no limit.
        largest_page: Objects of a page at most.
        status_life: How long status resources are kept.
    """

    key: bytes = field(repr=False)
    title: str = "Stillwatch hub"
    description: str = PURPOSE
    contact: str | None = None
    default_root: str | None = None
    check: admission.Check = admission.may_not_leave
    edition: bytes = field(default_factory=admission.edition, repr=False)
    clock: Clock = utc_now
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    keep_s: float = 60.0
    lock_out: LockOut = field(default_factory=LockOut)
    rate: float = 2_000.0
    burst: float = 4_000.0
    most_bytes: int = 8 * 1024 * 1024
    page: int = 100
    largest_page: int = 1_000
    status_life: timedelta = timedelta(days=1)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ConfigError(f"the hub's key must have {KEY_BYTES} bytes: make one with "
                              "`stillwatch key new FILE`")  # fmt: skip
        if not 1 <= self.page <= self.largest_page:
            raise ConfigError("page must be between 1 and largest_page")
        if min(self.rate, self.burst, self.most_bytes) < 1 or self.keep_s < 0:
            raise ConfigError("rate, burst and most_bytes must be at least 1, keep_s at least 0")
