"""Serving a hub with uvicorn: over TLS, or on loopback for a proxy that speaks TLS."""

import ipaddress
import socket
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

from stillwatch.errors import ConfigError, StorageError
from stillwatch.share.hub.http import Application

BACKLOG: Final = 512
MOST_CONNECTIONS: Final = 1_000
_IDLE_S: Final = 30
SWITCH_S: Final = 0.0005
"""How long one thread runs while another waits, in seconds."""


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Where a hub listens.

    Attributes:
        host: Address; plain HTTP needs a loopback address.
        port: Port; 0 takes a free one.
        certificate: TLS certificate chain, PEM.
        private_key: Its key, PEM.
        behind_proxy: Whether a proxy on this machine names the client's address.
    """

    host: str = "127.0.0.1"
    port: int = 8443
    certificate: Path | None = None
    private_key: Path | None = None
    behind_proxy: bool = False


def check_listening(where: Listening) -> None:
    """Refuse plain HTTP that leaves the machine, and TLS that cannot work.

    Raises:
        ConfigError: It would, or a file of TLS is missing or wrong.
    """
    if (where.certificate is None) != (where.private_key is None):
        raise ConfigError("TLS needs both --certificate and --key: give the other one, too")
    if where.certificate is None:
        if not _is_loopback(where.host):
            raise ConfigError(
                "plain HTTP is served on loopback only: give --certificate and --key, or listen "
                "on 127.0.0.1 behind a proxy that speaks TLS"
            )
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            where.certificate, where.private_key
        )
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"certificate and key cannot be used ({error.strerror or type(error).__name__}): "
            "give a PEM certificate chain and its key"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # A name may mean any address, `localhost` included.
        return False


def bind(where: Listening) -> socket.socket:
    """Return the socket that the hub will listen on.

    Raises:
        StorageError: The address cannot be had.
    """
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((where.host, where.port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise StorageError(
            f"cannot listen on {where.host}:{where.port} ({error.strerror}): give another --port"
        ) from error
    return found


def serve(hub: Application, where: Listening, listening: socket.socket) -> None:
    """Serve until the process is told to stop; what is under way is finished first."""
    config = uvicorn.Config(
        hub,
        lifespan="on",
        log_level="warning",
        # Access logs would say who asked for what.
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=where.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        timeout_keep_alive=_IDLE_S,
        timeout_graceful_shutdown=10,
        limit_concurrency=MOST_CONNECTIONS,
        ssl_certfile=where.certificate,
        ssl_keyfile=where.private_key,
    )
    # The thread that commits must not keep the one that answers waiting for 5 ms each time.
    sys.setswitchinterval(SWITCH_S)
    uvicorn.Server(config).run(sockets=[listening])
