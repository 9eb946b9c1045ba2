"""A folder of logs that grows: new files, and lines appended to those that are there."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from stillwatch.detect.watch.sources.base import ROWS, Stop, Taken
from stillwatch.detect.watch.sources.tail import Position, Tail, first_position, is_same
from stillwatch.errors import InputError
from stillwatch.events.identity import Identity
from stillwatch.events.readers.folders import is_log

_BLINK: Final = 0.5
"""Seconds between looks at the folder."""
_STILL: Final = 10.0
"""Seconds after which a last line without a line break is taken for whole."""


class Folder:
    """Logs in a folder and below it.

    Args:
        root: The folder.
        identity: Derives accounts from API keys.
        log_format: A format's name, or `auto`.
        once: Whether the files are complete, so that a last line needs no line break.
        stop: Whether to give up waiting.
        say: Told of files that cannot be read, each once for every time it changed, and of a
            folder that is gone.

    Raises:
        InputError: There is no such folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        identity: Identity | None,
        log_format: str,
        once: bool,
        stop: Stop,
        say: Callable[[str], None],
    ) -> None:
        if not root.is_dir():
            raise InputError(f"{root} is no folder: give a folder, - or a redis:// address")
        self.name = str(root.resolve())
        self._root = root
        self._identity = identity
        self._format = log_format
        self._once = once
        self._stop = stop
        self._say = say
        self._gone = False
        self._tails: dict[str, Tail] = {}

    def open(self, positions: Mapping[str, str]) -> None:
        """Go on where each known file was left; where it is now is found out by looking."""
        decoder = msgspec.json.Decoder(Position)
        self._tails = {
            item: Tail(item, self._root / position.name, position)
            for item, text in positions.items()
            if (position := decoder.decode(text))
        }

    def take(self, wait: float) -> Taken | None:
        """Return rows of all files; looks again for `wait` seconds while there are none."""
        until = time.monotonic() + wait
        while True:
            all_taken = Taken()
            for tail in self._look():
                if (taken := self._take(tail)) is not None:
                    all_taken.join(taken)
                if all_taken.rows >= ROWS:
                    break
            if all_taken.positions:
                return all_taken
            left = until - time.monotonic()
            if left <= 0 or self._stop():
                return None
            time.sleep(min(left, _BLINK))

    def _take(self, tail: Tail) -> Taken | None:
        try:
            still = time.time() - tail.path.stat().st_mtime > _STILL
            return tail.take(self._identity, self._format, complete=self._once or still)
        except FileNotFoundError:  # removed since we looked
            return None
        except InputError as error:
            self._say(f"{error}; it is tried again when it changes")
            return None

    def _look(self) -> Iterator[Tail]:
        """Find the files that are there, known ones under whatever name they have now."""
        places = {(t.position.device, t.position.inode): t for t in self._tails.values()}
        for path in self._files():
            try:
                stat = path.stat()
                tail = places.get((stat.st_dev, stat.st_ino))
                if tail is not None and not self._fits(tail, path):
                    tail = None
                if tail is None and is_log(path, self._root) and stat.st_size:
                    tail = self._begin(path)
            except FileNotFoundError:
                continue
            except OSError as error:
                self._say(f"{path} cannot be read: {error.strerror}")
                continue
            if tail is not None:
                tail.path = path
                yield tail

    def _files(self) -> list[Path]:
        """List the files; `os.walk` passes over folders that go away while it looks."""
        gone = not self._root.is_dir()
        if gone and not self._gone:
            self._say(f"{self._root} is gone: put it back, and it is read on")
        self._gone = gone
        found = (Path(place, name) for place, _, names in os.walk(self._root) for name in names)
        return sorted(path for path in found if path.is_file())

    def _fits(self, tail: Tail, path: Path) -> bool:
        """Whether a file is still the one of the tail; compares bytes only where it changed."""
        stat = path.stat()
        now = (stat.st_size, stat.st_mtime_ns)
        if now in (tail.settled, (tail.position.size, tail.position.modified)):
            return True
        return is_same(path, tail.position)

    def _begin(self, path: Path) -> Tail:
        """Take up a new file; another one of its name had that name first."""
        name = path.relative_to(self._root).as_posix()
        names = {tail.position.name for tail in self._tails.values()}
        number, unused = 1, name
        while unused in names:
            number += 1
            unused = f"{name} ({number})"
        position = first_position(path, unused)
        item = str(1 + max((int(item) for item in self._tails), default=0))
        return self._tails.setdefault(item, Tail(item, path, position))

    def settle(self, taken: Taken) -> None:
        """Move the positions of files to where they are committed."""
        for item, text in taken.positions.items():
            self._tails[item].position = msgspec.json.decode(text, type=Position)

    ended = False

    @property
    def behind(self) -> str:
        """How many bytes of lines wait."""
        waiting = 0
        for tail in self._tails.values():
            if tail.settled is None and tail.path.is_file() and tail.position.size < 0:
                waiting += max(0, tail.path.stat().st_size - tail.position.offset)
        return f"{waiting / 1e6:,.1f} MB wait" if waiting else ""

    def close(self) -> None:
        """Nothing is held open."""
