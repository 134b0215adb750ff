"""Client libraries run unmodified against emulators: their own https addresses lead there, others nowhere.

tweepy: `client.session = aiohttp.ClientSession(connector=connector(x))`; discord.py: `Client(connector=...)`.
"""

import socket
import ssl
from collections.abc import Mapping

from aiohttp import AddrInfoType, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.sandbox.base import Emulator
from bot.sandbox.guard import NotLoopbackError, is_here


def connector(*emulators: Emulator) -> TCPConnector:
    """Leads the hosts of running emulators to them and trusts their certificates alone.

    A request to any other host or address raises `NotLoopbackError`.
    """
    ports = {host: emulator.tls_port for emulator in emulators for host in emulator.hosts}
    trusted = ssl.create_default_context(cadata="".join(emulator.certificate for emulator in emulators))
    return TCPConnector(resolver=EmulatorResolver(ports), ssl=trusted, socket_factory=_loopback_socket)


class EmulatorResolver(AbstractResolver):
    """`ports` has the known hosts, each with its port on loopback."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host not in self._ports:
            known = ", ".join(sorted(self._ports))
            raise NotLoopbackError(f"{host} was refused: there are emulators for {known} only")
        here = ResolveResult(
            hostname=host, host="127.0.0.1", port=self._ports[host], family=socket.AF_INET, proto=0, flags=0
        )
        return [here]

    async def close(self) -> None:
        """Nothing is open."""


def _loopback_socket(address: AddrInfoType) -> socket.socket:
    """Also holds for addresses written as numbers, which no resolver is asked about."""
    family, kind, protocol, _, (host, *_) = address
    if not is_here(str(host)):
        raise NotLoopbackError(f"{host} was refused: only emulators on this machine may be reached from here")
    return socket.socket(family, kind, protocol)
