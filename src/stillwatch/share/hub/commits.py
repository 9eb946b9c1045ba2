"""Group commit: what waits while one commit runs goes into the next, together.

On a slow disk a commit also waits a little for company: a quarter of what the last one took, 2 ms
at most. Clients that were answered together then go into one commit again, not into two.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from stillwatch.share.hub.model import Contribution
from stillwatch.share.hub.store import Store

MOST_TOGETHER: Final = 64
"""Contributions of one commit."""
_LONGEST_WAIT_S: Final = 0.002
_QUICK_S: Final = 0.001
"""Commits that take less do not wait for company."""


class _Waiting(NamedTuple):
    contribution: Contribution
    done: asyncio.Future[bytes]


class Commits:
    """Adds contributions to a store from one thread, as few commits as may be."""

    def __init__(self, store: Store, thread: ThreadPoolExecutor, clock: Callable[[], int]) -> None:
        """Make it.

        Args:
            store: Where to add.
            thread: A pool of one thread.
            clock: Returns microseconds since 1970.
        """
        self._store, self._thread, self._clock = store, thread, clock
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None
        self._took = 0.0

    async def add(self, contribution: Contribution) -> bytes:
        """Return the status resource once the contribution is kept.

        Raises:
            StorageError: It was not.
        """
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(contribution, done))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await done

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self._took > _QUICK_S and len(self._waiting) < MOST_TOGETHER:
                await asyncio.sleep(min(self._took / 4, _LONGEST_WAIT_S))
            some = self._waiting[:MOST_TOGETHER]
            del self._waiting[:MOST_TOGETHER]
            given = [one.contribution for one in some]
            begun = loop.time()
            try:
                bodies = await loop.run_in_executor(self._thread, self._add, given)
            except Exception as error:  # noqa: BLE001 - each request that waits gets it
                for one in some:
                    if not one.done.done():
                        one.done.set_exception(error)
            else:
                self._took = loop.time() - begun
                for one, body in zip(some, bodies, strict=True):
                    # Who went away meanwhile has cancelled its wait.
                    if not one.done.done():
                        one.done.set_result(body)
        self._task = None

    def _add(self, given: list[Contribution]) -> list[bytes]:
        return self._store.add(given, self._clock())
