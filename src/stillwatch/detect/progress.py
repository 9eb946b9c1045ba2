"""How a long job tells whoever started it how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Receives the stages of a job in order; implementations draw bars or take times."""

    def start(self, stage: str, total: int | None) -> None:
        """Begin a stage with `total` units of work, None where that is not known."""

    def advance(self, amount: int) -> None:
        """Report `amount` more units done in the current stage."""

    def finish(self) -> None:
        """End the current stage."""


class Silent:
    """A progress that nobody watches."""

    def start(self, stage: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, amount: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""
