"""A proxy before a broker: it can drop connections, slow them down, and speak TLS and SASL in the broker's place."""

import socket
import ssl
import threading
import time
from collections.abc import Callable


class Proxy:
    """Passes bytes between clients and a broker, on a port of its own.

    Args:
        tls: of the side of the clients; plain without.
        gate: talks to a client before anything is passed on; an OSError turns it away.

    Attributes:
        target: the broker's port, known once it was told ours.
        delay_s: before what was read is passed on.
    """

    def __init__(
        self, tls: ssl.SSLContext | None = None, gate: Callable[[socket.socket, socket.socket], None] | None = None
    ) -> None:
        self.target, self.delay_s, self.tls, self.gate = 0, 0.0, tls, gate
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._admit, args=(client,), daemon=True).start()

    def _admit(self, client: socket.socket) -> None:
        try:
            if self.tls is not None:
                client = self.tls.wrap_socket(client, server_side=True)
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        self.open += [client, server]
        try:
            if self.gate is not None:
                self.gate(client, server)
        except OSError:
            client.close()
            server.close()
            return
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(1 << 16):
                if self.delay_s:
                    time.sleep(self.delay_s)
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            end.close()

    def drop(self) -> None:
        """Close every connection."""
        gone, self.open = self.open, []
        for end in gone:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                end.close()

    def close(self) -> None:
        """End."""
        self.listener.close()
        self.drop()
