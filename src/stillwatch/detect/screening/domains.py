"""Domains: whose they are, and which belong to everybody."""

import re
from typing import Final

PROVIDERS: Final = frozenset(
    """
    gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com
    aol.com icloud.com me.com mac.com proton.me protonmail.com pm.me tutanota.com tuta.com
    gmx.com gmx.de gmx.net web.de mail.com zoho.com fastmail.com hey.com yandex.ru yandex.com
    ya.ru mail.ru bk.ru list.ru inbox.ru rambler.ru qq.com foxmail.com vip.qq.com 163.com
    126.com yeah.net sina.com sina.cn sohu.com aliyun.com 139.com 189.cn naver.com hanmail.net
    daum.net nate.com kakao.com yahoo.co.jp docomo.ne.jp ezweb.ne.jp rediffmail.com libero.it
    orange.fr free.fr laposte.net wanadoo.fr t-online.de seznam.cz wp.pl o2.pl onet.pl
    uol.com.br bol.com.br terra.com.br mailinator.com duck.com ukr.net i.ua abv.bg github.io
    gitlab.io blogspot.com wordpress.com wixsite.com weebly.com facebook.com linkedin.com
    twitter.com x.com instagram.com t.me telegram.me vk.com weibo.com youtube.com medium.com
    google.com sites.google.com alibaba.com made-in-china.com en.alibaba.com
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
"""Domains of mail and web services that anyone can use: they tell nothing about who uses them."""

_SECOND_LEVELS: Final = frozenset(
    """
    com co net org edu ac gov gob mil or go ne
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9])?|[^\x00-\x7f]+")


def clean_domain(text: str | None) -> str | None:
    """The domain in an address of the web or of mail; None where there is none of its own.

    >>> clean_domain("https://www.Site.example/about"), clean_domain("someone@site.example")
    ('site.example', 'site.example')
    >>> clean_domain("gmail.com"), clean_domain("co.uk"), clean_domain("no domain")
    (None, None, None)
    """
    host = re.sub(r"^[a-z]+://", "", (text or "").strip().casefold())
    host = re.split(r"[/?#:]", host)[0].rpartition("@")[2].strip(".").removeprefix("www.")
    labels = host.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    if labels[-1].isdecimal() or host in PROVIDERS or _is_suffix(labels):
        return None
    return host


def _is_suffix(labels: list[str]) -> bool:
    """Whether anybody can register a name below it, as below `com.cn`."""
    return len(labels) == 2 and len(labels[1]) == 2 and labels[0] in _SECOND_LEVELS


def parents(domain: str) -> tuple[str, ...]:
    """The domain and those above it, without the top level.

    >>> parents("mail.site.example")
    ('mail.site.example', 'site.example')
    """
    labels = domain.split(".")
    return tuple(".".join(labels[at:]) for at in range(len(labels) - 1))
