"""The hub as an ASGI application, built from a store and settings."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from stillwatch.errors import InputError, StorageError
from stillwatch.share.hub.admission import Gate
from stillwatch.share.hub.commits import Commits
from stillwatch.share.hub.credentials import Proof, Verifier, principal_of, proof_of
from stillwatch.share.hub.http import (
    Answer,
    Application,
    Receive,
    Refused,
    Request,
    Scope,
    Send,
    check_accept,
)
from stillwatch.share.hub.limits import Locks, RateLimit
from stillwatch.share.hub.model import EMPTY_TRUST, Principal, Trust, micros
from stillwatch.share.hub.settings import HubSettings
from stillwatch.share.hub.store import Store
from stillwatch.share.hub.taxii import Taxii

_LOG: Final = logging.getLogger("stillwatch.hub")
_REALM: Final = {"www-authenticate": 'Basic realm="hub", charset="UTF-8", Bearer realm="hub"'}
_MOST_PROOFS: Final = 64
"""Secrets that wait for argon2 at once."""


def application(store: Store, settings: HubSettings) -> Application:
    """Build a hub.

    Args:
        store: What it keeps its data in; it stays the caller's to close.
        settings: How it behaves.
    """
    return _Hub(store, settings)


class _Hub:
    def __init__(self, store: Store, settings: HubSettings) -> None:
        self._store, self._settings = store, settings
        self._writer = ThreadPoolExecutor(1, "hub-writer")
        self._threads = ThreadPoolExecutor(4, "hub")
        # argon2 takes tens of milliseconds and of megabytes: one at a time.
        self._proving = ThreadPoolExecutor(1, "hub-proof")
        commits = Commits(store, self._writer, lambda: micros(settings.clock()))
        gate = Gate(settings.key, settings.check, settings.edition)
        self._taxii = Taxii(store, settings, gate, commits, self._threads)
        self._verifier = Verifier(settings.hasher, settings.keep_s)
        self._locks = Locks(settings.lock_out)
        self._rate = RateLimit(settings.rate, settings.burst)
        self._unproven = 0
        self._trust: Trust = EMPTY_TRUST

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            answer = await self._answer(Request(scope, receive))
            await answer.send(send)
        else:
            raise RuntimeError("the hub speaks HTTP only")

    async def _answer(self, request: Request) -> Answer:
        try:
            trust = await self._current()
            who = await self._identify(request, trust)
            check_accept(request.headers)
            return await self._taxii.answer(request, who, trust)
        except Refused as refused:
            return refused.answer()
        except InputError as error:
            return Refused(400, "the request cannot be understood", str(error)).answer()
        except StorageError as error:
            _LOG.error("%s", error)
            return Refused(503, "the hub cannot reach its data now; try again").answer()
        except Exception as error:  # noqa: BLE001 - nothing of a defect reaches a client
            # No traceback: it can quote what was sent.
            _LOG.error("unexpected %s at %s", type(error).__name__, _place(error))
            return Refused(500, "the hub failed; its operator can see where").answer()

    async def _current(self) -> Trust:
        """Return members, credentials and collections as they are at this moment."""
        version = await self._taxii.reading(self._store.trust_version)
        if version != self._trust.version:
            self._trust = await self._taxii.reading(self._store.trust)
        return self._trust

    async def _identify(self, request: Request, trust: Trust) -> Principal:
        proof = proof_of(request.headers)
        if proof is None:
            raise Refused(401, "this hub answers members only",
                          "prove it by Basic, Bearer, Token or X-API-Key", _REALM)  # fmt: skip
        clock = self._settings.clock()
        now = clock.timestamp()
        digest = self._verifier.remembered(proof, trust, now)
        if digest is None:
            digest = await self._prove(request, proof, trust, now)
        who = principal_of(proof, digest, trust, clock)
        if who is None:
            raise _unproven()
        wait = self._rate.wait(who.credential, now)
        if wait > 0:
            raise _later(wait, "too many requests")
        return who

    async def _prove(self, request: Request, proof: Proof, trust: Trust, now: float) -> str:
        wait = self._locks.wait(request.address, proof.name, now)
        if wait > 0:
            raise _later(wait, "too many failed proofs")
        if self._unproven >= _MOST_PROOFS:
            raise _later(1, "too many proofs at once")
        self._unproven += 1
        try:
            digest = await asyncio.get_running_loop().run_in_executor(
                self._proving, self._verifier.prove, proof, trust, now
            )
        finally:
            self._unproven -= 1
        if digest is None:
            self._locks.fail(request.address, proof.name, now)
            raise _unproven()
        self._locks.succeed(request.address, proof.name)
        return digest

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                for pool in (self._writer, self._threads, self._proving):
                    pool.shutdown(wait=True)
                await send({"type": "lifespan.shutdown.complete"})
                return


def _unproven() -> Refused:
    return Refused(401, "the credential is wrong, revoked or expired", "", _REALM)


def _later(wait: float, why: str) -> Refused:
    return Refused(429, why, "wait as long as Retry-After says",
                   {"retry-after": str(int(wait) + 1)})  # fmt: skip


def _place(error: BaseException) -> str:
    """Name the line of ours that failed."""
    frame: Any = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else "unknown"
