"""What is known of an account on labelled traffic; signatures of every sort are scored with it."""

import msgspec


class Truth(msgspec.Struct, frozen=True):
    """Whether an account attacks, of which cohort and, where known, of which campaign it is."""

    attack: bool
    cohort: str
    campaign: str | None = None
