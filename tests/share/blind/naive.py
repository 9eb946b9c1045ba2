"""ristretto255 in plain integers, as RFC 9496 writes it, and RFC 9497 as it writes it. Slow."""

from hashlib import sha512

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
"""A square root of -1."""
IDENTITY = (0, 1)


def is_negative(number):
    return number % P % 2 == 1


def absolute(number):
    return -number % P if is_negative(number) else number % P


def sqrt_ratio(u, v):
    """Whether u/v is a square, and the root of u/v, or of ROOT times u/v."""
    root = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    check = v * root * root % P
    if check not in (u % P, -u % P):
        was_square = False
        if check == -u * ROOT % P:
            root = root * ROOT % P
    else:
        was_square = True
        if check == -u % P:
            root = root * ROOT % P
    return was_square, absolute(root)


_, INVERSE_ROOT_A_MINUS_D = sqrt_ratio(1, (-1 - D) % P)
ROOT_AD_MINUS_ONE = -sqrt_ratio((-D - 1) % P, 1)[1] % P
"""The negative root: the map depends on which one is taken."""


def add(left, right):
    """Add on the Edwards curve -x² + y² = 1 + dx²y², affine and complete."""
    (x, y), (u, v) = left, right
    product = D * x * u * y * v
    return (
        (x * v + y * u) * pow(1 + product, -1, P) % P,
        (y * v + x * u) * pow(1 - product, -1, P) % P,
    )


def multiply(factor, point):
    total = IDENTITY
    for bit in f"{factor:b}":
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def decode(raw):
    """A point of the class that these bytes encode, or None."""
    s = int.from_bytes(raw, "little")
    if len(raw) != 32 or s >= P or is_negative(s):
        return None
    u, w = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u * u - w * w) % P
    was_square, inverse = sqrt_ratio(1, v * w * w % P)
    x = absolute(2 * s * (inverse * w % P))
    y = u * (inverse * (inverse * w) * v % P) % P
    if not was_square or is_negative(x * y) or y == 0:
        return None
    return x, y


def encode(point):
    x, y = point
    t = x * y % P
    u, v = (1 + y) * (1 - y) % P, x * y % P
    _, inverse = sqrt_ratio(1, u * v * v % P)
    first, second = inverse * u % P, inverse * v % P
    z_inverse = first * second * t % P
    if is_negative(t * z_inverse):
        x, y = y * ROOT % P, x * ROOT % P
        factor = first * INVERSE_ROOT_A_MINUS_D % P
    else:
        factor = second
    if is_negative(x * z_inverse):
        y = -y % P
    return absolute(factor * (1 - y)).to_bytes(32, "little")


def map_half(raw):
    t = int.from_bytes(raw, "little") % 2**255 % P
    r = ROOT * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    was_square, s = sqrt_ratio(u, v)
    c = -1
    if not was_square:
        s, c = -absolute(s * t) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1 = 2 * s * v % P, n * ROOT_AD_MINUS_ONE % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return w0 * pow(w1, -1, P) % P, w2 * pow(w3, -1, P) % P


def from_hash(wide):
    return add(map_half(wide[:32]), map_half(wide[32:]))


BASE_Y = 4 * pow(5, -1, P) % P
_, BASE_X = sqrt_ratio(BASE_Y * BASE_Y - 1, D * BASE_Y * BASE_Y + 1)
BASE = (BASE_X, BASE_Y)


def expand(message, tag):
    """expand_message_xmd for 64 bytes."""
    suffix = tag + bytes([len(tag)])
    first = sha512(bytes(128) + message + b"\x00\x40\x00" + suffix).digest()
    return sha512(first + b"\x01" + suffix).digest()


def value(key, text):
    """The function of RFC 9497, mode VOPRF, by who has the key."""
    tag = b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512"
    product = encode(multiply(key, from_hash(expand(text, tag))))
    return sha512(
        len(text).to_bytes(2, "big") + text + b"\x00\x20" + product + b"Finalize"
    ).digest()
