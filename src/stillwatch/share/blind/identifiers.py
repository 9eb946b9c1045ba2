"""Identifiers in one form, so that two members who know the same account ask the same question.

Each kind has its own domain, so that no e-mail address equals a device. Normalisation never
guesses: what could be two things is refused, because a strict form misses matches and a loose one
makes false ones. A message says what is wrong and never quotes the identifier.

>>> canonical("email", "Jane.Doe+trial@GoogleMail.com") == canonical("email", "janedoe@gmail.com")
True
>>> canonical("phone", "030 901820", region="DE") == canonical("phone", "+49 30 901820")
True
>>> canonical("card", "4111 1111 1111 1111") == canonical("card", "4111-1111-1111-1111")
True
>>> canonical("uuid", "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}")[-36:]
b'6f9619ff-8b86-d011-b42d-00cf4fc964ff'
>>> canonical("email", "jane at example.org")
Traceback (most recent call last):
stillwatch.errors.InputError: The email is not usable: it is not of the form name@domain.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from stillwatch.errors import ConfigError, InputError

DOMAIN: Final = b"stillwatch/identifier/1"
"""Begins every canonical form; a change of a rule below changes the number."""


class IdentifierKind(StrEnum):
    """What sort of identifier it is; each has its own domain."""

    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    UUID = "uuid"
    IDFA = "idfa"
    GAID = "gaid"
    IMEI = "imei"
    ANDROID = "android-id"


@dataclass(frozen=True, slots=True)
class MailProvider:
    """What a provider of mail ignores in the part before the @, as it says itself.

    Attributes:
        domain: The domain that stands for all of its domains.
        plus: Whether `+` and what follows it are ignored.
        dots: Whether dots are ignored.
    """

    domain: str
    plus: bool = True
    dots: bool = False


_GMAIL: Final = MailProvider("gmail.com", dots=True)
_ICLOUD: Final = MailProvider("icloud.com")
PROVIDERS: Final[Mapping[str, MailProvider]] = {
    "gmail.com": _GMAIL,
    "googlemail.com": _GMAIL,
    "icloud.com": _ICLOUD,
    "me.com": _ICLOUD,
    "mac.com": _ICLOUD,
    "outlook.com": MailProvider("outlook.com"),
    "hotmail.com": MailProvider("hotmail.com"),
    "live.com": MailProvider("live.com"),
    "fastmail.com": MailProvider("fastmail.com"),
    "proton.me": MailProvider("proton.me"),
}
"""Everywhere else a plus or a dot may make another mailbox, so it stays."""

_LOCAL: Final = re.compile(r"[^\s\"(),:;<>@\[\\\]]{1,64}")
_UUID: Final = re.compile(r"\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?|[0-9a-f]{32}")
_NOBODY: Final = frozenset({"0" * 32, "f" * 32, "9774d56d682e549c", "0" * 16})
"""Values that many devices give: nil, all ones, the one id of all devices of an early Android."""


class _UnusableError(Exception):
    """What is wrong, in words that hold nothing of the identifier."""


def canonical(kind: str, value: str, *, region: str | None = None) -> bytes:
    """Bring an identifier into its one form.

    Args:
        kind: One of `IdentifierKind`.
        value: As it stands in the accounts; never kept.
        region: Where a phone number without + is dialled, ISO 3166-1 alpha-2.

    Returns:
        The domain, the kind and the form, apart by zero bytes.

    Raises:
        InputError: The kind is unknown or the value is none of that kind.
        ConfigError: A library of the extra `share` is missing.
    """
    if kind not in set(IdentifierKind):
        raise InputError(f"{kind!r} is no kind of identifier: use {', '.join(IdentifierKind)}.")
    text = unicodedata.normalize("NFKC", value).strip()
    fault = "it is empty."
    if text:
        try:
            form = _FORMS[IdentifierKind(kind)](text, region)
            return b"\0".join((DOMAIN, kind.encode(), form.encode()))
        except _UnusableError as error:
            fault = str(error)
    # Raised here and not above: an error's context would hold the identifier.
    raise InputError(f"The {kind} is not usable: {fault}")


def _email(text: str, region: str | None) -> str:  # noqa: ARG001 - one signature for all kinds
    """Lower case, the domain in its ASCII form, and what the provider ignores left out."""
    local, at, domain = text.rpartition("@")
    local = unicodedata.normalize("NFKC", local.lower())
    if not at or not _LOCAL.fullmatch(local):
        raise _UnusableError("it is not of the form name@domain.")
    name = _ascii_domain(domain)
    provider = PROVIDERS.get(name)
    if provider is not None:
        name = provider.domain
        local = local.partition("+")[0] if provider.plus else local
        local = local.replace(".", "") if provider.dots else local
    if not local:
        raise _UnusableError("nothing is left before the @ without dots and plus.")
    return f"{local}@{name}"


def _ascii_domain(domain: str) -> str:
    idna = _library("idna")
    try:
        name: str = idna.encode(domain.rstrip("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        name = ""
    if "." not in name:
        raise _UnusableError("its domain is none that mail can be sent to.")
    return name


def _phone(text: str, region: str | None) -> str:
    """E.164."""
    phonenumbers = _library("phonenumbers")
    if region is None and not text.startswith("+"):
        raise _UnusableError("it has no + and country code; say which region it is dialled in.")
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise _UnusableError("no telephone has such a number.")
    if number.extension:
        raise _UnusableError("it has an extension, so the line is shared.")
    form: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return form


def _card(text: str, region: str | None) -> str:  # noqa: ARG001
    """12 to 19 digits with their check digit (ISO/IEC 7812)."""
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"[0-9]{12,19}", digits) or not _luhn(digits) or int(digits) == 0:
        raise _UnusableError("a card has 12 to 19 digits of which the last checks the others.")
    return digits


def _imei(text: str, region: str | None) -> str:  # noqa: ARG001
    """15 digits with their check digit (3GPP TS 23.003)."""
    digits = re.sub(r"[ /-]", "", text)
    if not re.fullmatch(r"[0-9]{15}", digits) or not _luhn(digits) or int(digits) == 0:
        raise _UnusableError("an IMEI has 15 digits of which the last checks the others.")
    return digits


def _uuid(text: str, region: str | None) -> str:  # noqa: ARG001
    """Lower-case hexadecimal in five groups (RFC 9562)."""
    lowered = text.lower()
    if not _UUID.fullmatch(lowered):
        raise _UnusableError("it is not a UUID of 32 hexadecimal digits.")
    number = UUID(lowered)
    if number.hex in _NOBODY:
        raise _UnusableError("many devices give this value, so it tells none apart.")
    return str(number)


def _android(text: str, region: str | None) -> str:  # noqa: ARG001
    """16 hexadecimal digits, lower case; a leading zero is often dropped, so it is put back."""
    digits = text.lower().zfill(16)
    if not re.fullmatch(r"[0-9a-f]{16}", digits):
        raise _UnusableError("an Android id has 16 hexadecimal digits.")
    if digits in _NOBODY:
        raise _UnusableError("many devices give this value, so it tells none apart.")
    return digits


def _luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(sum(divmod(number, 10)) for number in doubled) % 10 == 0


_FORMS: Final[Mapping[IdentifierKind, Callable[[str, str | None], str]]] = {
    IdentifierKind.EMAIL: _email,
    IdentifierKind.PHONE: _phone,
    IdentifierKind.CARD: _card,
    IdentifierKind.UUID: _uuid,
    IdentifierKind.IDFA: _uuid,
    IdentifierKind.GAID: _uuid,
    IdentifierKind.IMEI: _imei,
    IdentifierKind.ANDROID: _android,
}


def _library(name: str) -> Any:
    """A library of the extra `share`."""
    try:
        if name == "idna":
            import idna  # noqa: PLC0415 - an extra

            return idna
        import phonenumbers  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            f"Blind matching needs {name}: pip install 'stillwatch[share]'."
        ) from error
    return phonenumbers
