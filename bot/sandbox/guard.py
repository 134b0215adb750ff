"""A promise of the whole process that nothing leaves the machine."""

import ipaddress
import sys
from functools import cache


class NotLoopbackError(Exception):
    """Somebody tried to reach another machine. Not an OSError, which clients would retry."""


def is_here(host: str) -> bool:
    """Whether a host, named as clients name it, is this machine."""
    if host in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@cache
def only_loopback() -> list[str]:
    """From now on and for good, a connection, datagram or look-up to elsewhere raises `NotLoopbackError`.

    Its host is added to the list that is returned, for the error may be swallowed on its way. An audit hook
    of the interpreter sees every library, thread and event loop, but no other process. Unix sockets may pass.
    """
    tried: list[str] = []

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        host = _host(event, arguments)
        if host is not None and not is_here(host):
            tried.append(host)
            raise NotLoopbackError(f"{event} to {host} was refused: only this machine may be reached from here")

    sys.addaudithook(refuse)
    return tried


def _host(event: str, arguments: tuple[object, ...]) -> str | None:
    """The host in what the interpreter tells its audit hooks; None where there is none."""
    match event, arguments:
        case (("socket.connect" | "socket.sendto" | "socket.sendmsg"), (_, (host, *_))):
            pass
        case (("socket.getaddrinfo" | "socket.gethostbyname" | "socket.gethostbyaddr"), (host, *_)):
            pass
        case "socket.getnameinfo", ((host, *_),):
            pass
        case _:
            return None
    if isinstance(host, bytes):
        return host.decode(errors="replace")
    return host if isinstance(host, str) else None
