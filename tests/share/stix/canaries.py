"""Texts that must never leave, and the disguises in which they might."""

import base64
import gzip
import hashlib
import json
import urllib.parse
import uuid
import zlib

from hypothesis import strategies as st

WORDS = ("derive", "theorem", "rubric", "translate", "quokka", "zeppelin", "marzipan", "gondola")
letters = st.text("bcdfghjkmnpqrstvwxz", min_size=5, max_size=9)
digits = st.text("3456789", min_size=5, max_size=7)

prompts = st.builds(
    lambda words, tail: f"Please {' '.join(words)} the {tail} step by step",
    st.lists(st.sampled_from(WORDS), min_size=3, max_size=6),
    letters,
)
completions = st.builds(lambda a, b: f"Sure! First, the {a} of {b} is…", letters, letters)
mails = st.builds(lambda a, b: f"{a}@{b}.example", letters, letters)
octets = st.integers(11, 254)
addresses = st.builds(lambda a, b, c, d: f"{a}.{b}.{c}.{d}", octets, octets, octets, octets)
addresses6 = st.builds(lambda a, b: f"2001:db8:{a:x}:{b:x}::17", st.integers(4096, 65535),
                       st.integers(4096, 65535))  # fmt: skip
accounts = st.one_of(
    st.builds(lambda a, b: f"acct_{a}{b}", letters, digits),
    st.builds(lambda a, b: f"org-{a}-{b}", digits, letters),
)
prices = st.builds(lambda a: f"${a[:4]}.{a[-2:]}", digits)

texts = st.one_of(prompts, completions, mails, addresses, addresses6, accounts, prices)
"""Any text of a log or a customer."""


def disguises(text: str) -> set[bytes]:
    """Every form of a text that is searched for; all are long enough not to occur by chance."""
    cased = {text, text.lower(), text.upper(), text[::-1], text.title()}
    raw = {form.encode() for form in cased}
    raw |= {text.encode("utf-16-le"), text.encode("utf-16-be")}
    body = zlib.compress(text.encode())
    raw |= {body, body[2:-4], gzip.compress(text.encode(), mtime=0)}
    found = set(raw)
    for form in raw:
        found |= {
            form.hex().encode(),
            form.hex().upper().encode(),
            base64.b32encode(form).rstrip(b"="),
        }
        found |= base64_forms(form)
    found |= {escaped(form) for form in cased}
    found |= {urllib.parse.quote(form, safe="").encode() for form in cased}
    found |= {"".join(f"%{byte:02x}" for byte in text.encode()).encode()}
    return {form for form in found | digests(text) if len(form) >= 5}


def base64_forms(form: bytes) -> set[bytes]:
    """A text within longer base64, at each of the three offsets that it may have."""
    found = set()
    for offset in range(3):
        shifted = base64.b64encode(b"\0" * offset + form)
        inner = shifted[(0, 2, 3)[offset] : len(shifted) - 4]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def escaped(text: str) -> bytes:
    return "".join(f"\\u{ord(letter):04x}" for letter in text).encode()


def digests(text: str) -> set[bytes]:
    """Plain hashes: of a text with few possible values they are the text."""
    found = set()
    for name in ("md5", "sha1", "sha256", "blake2b"):
        digest = hashlib.new(name, text.encode()).digest()
        found |= {digest.hex().encode(), digest.hex()[:16].encode(), base64.b64encode(digest)}
    spaces = (uuid.NAMESPACE_DNS, uuid.NAMESPACE_URL, uuid.NAMESPACE_OID,
              uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7"))  # fmt: skip
    found |= {str(uuid.uuid5(space, text)).encode() for space in spaces}
    value = json.dumps({"value": text}, separators=(",", ":"))
    return found | {str(uuid.uuid5(spaces[3], value)).encode()}


def leaks(canaries, *outputs: bytes | str) -> list[str]:
    """Canaries that can be found in what came out, in any disguise."""
    flat = b"\n".join(one.encode() if isinstance(one, str) else one for one in outputs)
    variants = [flat, flat.replace(b"\\/", b"/")]
    return [
        canary
        for canary in canaries
        if any(form in variant for form in disguises(canary) for variant in variants)
    ]
