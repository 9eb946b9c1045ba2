"""What every store of the hub does; one conformance suite holds all of them to it.

Rules:

- `added`, in microseconds since 1970, is the sequence of a collection: unique, rising, assigned
  when the contribution is committed. Who read up to a value has seen all that ever gets a lower
  one, however the clock runs and however many processes write.
- One version of an object stands once in a collection. The same content again is a success that
  adds nothing; other content under the same version is a failure.
- An object belongs to the member that first added it: others add no version of it.
- What `add` returned is on the disk.
- Every change of members, credentials and collections raises `trust_version` in the same commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from stillwatch.share.hub.model import (
    Collection,
    Contribution,
    Credential,
    Member,
    Page,
    Query,
    Root,
    Trust,
)

TAKEN = "another member contributed this object: only they can add a version of it"
DIFFERS = "this version is there with other content: give modified a later time"


class Store(Protocol):
    """Keeps what the hub knows. Methods may be called from several threads at once."""

    local: bool
    """Whether an answer takes microseconds, so that it need not be waited for in a thread."""

    def trust_version(self) -> int:
        """Return a number that rises with every change of what `trust` returns."""
        ...

    def trust(self) -> Trust:
        """Return members, credentials, roots and collections."""
        ...

    def put_member(self, member: Member) -> None:
        """Add a member, or change it."""
        ...

    def put_credential(self, credential: Credential) -> None:
        """Add a credential, or change it."""
        ...

    def put_root(self, root: Root) -> None:
        """Add an API root, or change it."""
        ...

    def put_collection(self, collection: Collection) -> None:
        """Add a collection, or change it; its objects stay."""
        ...

    def add(self, contributions: Sequence[Contribution], now: int) -> list[bytes]:
        """Add objects in one commit, and keep and return the status resource of each contribution.

        Args:
            contributions: What to add, in order.
            now: The time in microseconds since 1970; `added` is at least that.

        Raises:
            StorageError: Nothing of it was kept.
        """
        ...

    def status(self, identifier: str, member: str) -> bytes | None:
        """Return a status resource to the member that made the request, nobody else."""
        ...

    def page(self, query: Query, limit: int) -> Page:
        """Return at most `limit` rows that a query asks for, oldest first."""
        ...

    def has(self, collection: str, identifier: str) -> bool:
        """Whether a collection holds any version of an object."""
        ...

    def remove(self, query: Query, member: str | None) -> int:
        """Delete the versions that a query asks for, and return their number.

        Args:
            query: Which versions.
            member: Only what this member contributed; anyone's where None.
        """
        ...

    def forget(self, before: datetime) -> int:
        """Delete status resources of requests before a time, and return their number."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
