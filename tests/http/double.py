"""A detector that keeps what it is told, and a client that speaks to the app without a socket."""

import anyio
import httpx

from detector.alerts.model import Reason
from detector.report import Graph, Node
from detector.service.http import make_app
from detector.service.http.state import AccountView, Ack, BusyError, QueueFullError, UnwritableError


class Double:
    """What the routes need of a detector, without one."""

    def __init__(self):
        self.ready, self.full, self.writable, self.busy = True, False, True, False
        self.frames, self.forgotten, self.allowed, self.read_again = [], [], 0, 0

    @property
    def waiting(self):
        return sum(f.height for f in self.frames)

    def submit(self, batch):
        if self.full:
            raise QueueFullError
        if not self.writable:
            raise UnwritableError
        self.frames.append(batch.frame)
        return Ack.of(batch, batch.frame.height)

    def account(self, account_id):
        if account_id != "acct/1":
            return None
        reason = Reason("SOFT_LABELS", "It asks for them.", 1.0, 0.1, 2.0, 10.0)
        return AccountView(account_id, 3, "", "", "person", 2.0, 0.1, 30.0, [reason], {"requests": 3.0}, [])

    def knows(self, account_id):
        if self.busy:
            raise BusyError
        return account_id == "acct/1"

    def graph(self, alert):
        if len(alert.accounts) < 2:
            return None
        nodes = [Node(a, "account", a, "core") for a in alert.accounts]
        edges = [(a, "key", 2.0) for a in alert.accounts]
        return Graph([*nodes, Node("key", "template", "masked <b>words</b>")], edges)

    def traffic(self):
        return 10_000.0

    def forget(self, account_id):
        self.forgotten.append(account_id)

    def allow(self):
        self.allowed += 1

    def enforced(self):
        self.read_again += 1


class Client:
    """Requests to the app through httpx's ASGI transport."""

    def __init__(self, state, secret=None):
        self.app = make_app(state)
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def __call__(self, method, path, headers=None, **rest):
        async def ask():
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, headers={**self.headers, **(headers or {})}, **rest)

        return anyio.run(ask)
