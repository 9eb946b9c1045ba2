"""One exception tree, split by who is at fault.

Every message is one sentence that names the thing and the mend: it reaches a user as it stands.
"""


class StillwatchError(Exception):
    """Base of every error that Stillwatch raises on purpose."""


class InputError(StillwatchError):
    """What the user gave cannot be used: a log, a table, a file, an argument."""


class ConfigError(StillwatchError):
    """A setting or key is missing, unknown or contradicts another."""


class StorageError(StillwatchError):
    """A disk, database or cache failed or is full."""


class PeerError(StillwatchError):
    """Another system answered wrongly or not at all."""


class IntegrityError(StillwatchError):
    """Something that must match does not: a digest, a version, a digital signature."""
