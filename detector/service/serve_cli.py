"""`revenuer serve`: the service on a port, until it is told to end."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final, Protocol

import polars as pl
import structlog
import typer
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from sqlalchemy.exc import SQLAlchemyError

from detector.alerts.store import AwayError, Store
from detector.alerts.store.database import sqlite_url
from detector.alerts.store.tokens import SCOPES, Scope
from detector.config import ClusterSettings, ConfigError, Settings, load_settings
from detector.scoring.rules import RuleError, left_out, unmeasured
from detector.service import logs
from detector.service.account_topic import AccountTopic
from detector.service.channels import channels_of
from detector.service.engine import Engine
from detector.service.http import State, make_app
from detector.service.http.access import ExposedError, check_exposure
from detector.service.http.metrics import Metrics
from detector.service.http.people import People
from detector.service.kafka_feed import KafkaFeed
from detector.service.lease import Lease
from detector.service.letters import LetterTopic
from detector.service.live import Live
from detector.service.outbox import Outbox
from detector.service.replay import make_engine
from detector.service.resume import Resume
from detector.service.retention import Retention
from detector.stop import USAGE, misuse, stop
from streams.accounts import decode_accounts, read_accounts, read_events
from streams.adapters.reader import Format
from streams.checkpoint import CheckpointError
from streams.sources import SourceError
from streams.sources.kafka import KafkaSource
from streams.sources.kafka_table import KafkaTable

if TYPE_CHECKING:
    from streams.batch import DeadLetter

_log = structlog.get_logger(__name__)

_THREADS: Final = 8  # requests that wait for the database at once; more of them wait for each other
_HTTP_S: Final = 3  # for answers under way
_TURN_S: Final = 0.001  # of a thread: while the engine computes, an answer waits for several
_DRAIN_S: Final = 5.0  # for records accepted; both fit into the ten seconds that a supervisor gives


class Beside(Protocol):
    """What runs beside the service, in threads of its own."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End, soon."""
        ...


class _Server(uvicorn.Server):
    """Says where it listens, and on a signal ends streams, answers and records, in this order."""

    def __init__(
        self,
        config: uvicorn.Config,
        state: State,
        live: Live,
        secret: str | None,
        beside: Sequence[Beside],
        as_json: bool,
    ) -> None:
        super().__init__(config)
        self._as_json = as_json
        self._state, self._live, self._secret, self._beside = state, live, secret, beside

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        current_default_thread_limiter().total_tokens = _THREADS
        self._live.start()
        for one in self._beside:
            one.start()
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        console = f"http://{shown}:{port}/console/"
        text = f"console: {console}\n"
        if self._secret:
            text += f"token: {self._secret}\nIt may do everything and is shown this once.\n"
        _say(self._as_json, text, console=console, token=self._secret)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._state.stopping.set()
        await super().shutdown(sockets)
        for one in self._beside:
            await asyncio.to_thread(one.stop)
        await asyncio.to_thread(self._live.stop, _DRAIN_S)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Uvicorn would raise the signal again in the end, and the exit code would tell of a death instead of an order.
        before = {s: signal.signal(s, self._end) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._state.stopping.set()
        self.should_exit = True


def _say(as_json: bool, text: str, **facts: object) -> None:
    """Tell whoever started it, at once: what waits for the address reads a pipe."""
    sys.stdout.write(json.dumps(facts) + "\n" if as_json else text)
    sys.stdout.flush()


def _bound(host: str, port: int) -> list[socket.socket]:
    """Sockets of an address, not listening yet: whoever asks is to be refused until there is somebody to answer.

    Raises:
        ConfigError: the port is taken, or the address is none of this machine's.
    """
    out: list[socket.socket] = []
    try:
        for family, _, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            made = socket.socket(family)
            out.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(address)
    except OSError as error:
        for made in out:
            made.close()
        raise ConfigError(f"--host {host} --port {port}: {error.strerror}") from error
    return out


def _table(path: Path, accounts: bool) -> pl.DataFrame | None:
    if not path.exists():
        return None
    refused: list[DeadLetter] = []
    table = read_accounts(path, refused) if accounts else read_events(path, refused)
    if refused:
        first = refused[0]
        where = f"{first.source}:{first.position}: {first.reason} {first.detail}".rstrip()
        _log.warning("lines_refused", file=path.name, lines=len(refused), first=where)
    return table


def _keyed(settings: Settings, data: Path) -> Settings:
    """Settings with a secret that stays: what a checkpoint holds is hashed with it."""
    if settings.hash_key:
        return settings
    path = data / "hash.key"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(str(settings.key()))
    text = path.read_text().strip()
    if not text.isdecimal():
        raise ConfigError(f"{path}: it holds no number")
    return settings.model_copy(update={"hash_key": int(text)})


def _live(settings: Settings, store: Store, metrics: Metrics, data: Path) -> Live:
    accounts, events = _table(data / "accounts.ndjson", True), _table(data / "events.ndjson", False)
    mark = hashlib.blake2b(settings.hash_key.to_bytes(8, "little"), digest_size=16, person=b"checkpoint").hexdigest()
    resume = Resume(data, settings.checkpoint_s, mark)
    engine = make_engine(settings, accounts, events)
    rules = engine.scorer.every_rule
    if less := left_out(rules, settings.rules):
        _log.warning("rules_left_out", said=less)
    if (settings.rules or settings.extra_rules) and (own := unmeasured(rules)):
        _log.warning("rules_unmeasured", rules=own, why="the stated rate of false alarms was measured without them")
    return Live(engine, store, metrics, data, settings.reference, resume)


def _take(context: typer.Context, data: Path, standby: bool, as_json: bool) -> None:
    """The folder for this process, until it ends; waits for it where it may stand by."""
    lease = Lease(data)
    context.call_on_close(lease.release)
    if lease.take():
        return
    if not standby:
        stop(f"{data}: process {lease.owner()} serves it; with --standby this one waits to take over", USAGE)
    owner = lease.owner()
    _say(as_json, f"standby: process {owner} serves {data}\n", standby=owner, data=str(data))
    if not lease.wait():
        raise typer.Exit


def _of_kafka(
    cluster: ClusterSettings,
    brokers: str,
    topic: str,
    live: Live,
    store: Store,
    metrics: Metrics,
    form: Format,
    data: Path,
) -> Iterator[Beside]:
    """What reads the topics of accounts and exchanges, and what writes the one of dead letters."""
    if cluster.accounts is not None:
        known = cluster.reach(brokers, cluster.accounts)
        yield AccountTopic(
            lambda: KafkaTable(known, decode_accounts, live.digest_key), _table(data / "accounts.ndjson", True), live
        )
    reach = cluster.reach(brokers, topic)
    yield KafkaFeed(lambda at: KafkaSource(reach, at, digest_key=live.digest_key, read=form.reader()), live, metrics)
    if cluster.dead_letters is not None:
        yield LetterTopic(live.letters, cluster.reach(brokers, cluster.dead_letters), store)


def _scopes(given: str | None, new_token: str | None) -> list[Scope]:
    """Scopes of a new token.

    Raises:
        ConfigError: one is unknown, or there is no token to give them to.
    """
    if given is None:
        return ["admin"]
    if new_token is None:
        raise ConfigError("--scopes says what a new token may do: give --new-token, too")
    words = [word.strip() for word in given.split(",")]
    if unknown := [word for word in words if word not in SCOPES]:
        raise ConfigError(f"--scopes: {', '.join(map(repr, unknown))} is no scope; there are {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in words]


def serve(
    context: typer.Context,
    data: Path,
    host: str,
    port: int,
    config: Path | None,
    database: str | None,
    kafka: str | None,
    topic: str,
    standby: bool,
    new_token: str | None,
    as_json: bool = False,
    scopes: str | None = None,
) -> None:
    """Serve until a signal ends it; the options of the command, see `detector.service.cli`."""
    logs.configure()
    wrong = CheckpointError, ConfigError, ExposedError, SourceError, RuleError, FileNotFoundError, ValueError
    try:
        with misuse(*wrong):
            may = _scopes(scopes, new_token)
            data.mkdir(parents=True, exist_ok=True)
            if new_token is None:
                _take(context, data, standby, as_json)
            settings = _keyed(load_settings(config), data)
            store = Store(database or sqlite_url(data / "revenuer.db"))
            if new_token is not None:
                made = store.tokens.issue(new_token, may, "command line")[1]
                _say(as_json, f"{made}\n", name=new_token, token=made, scopes=may)
                store.close()
                return
            tokens = store.tokens.all()
            if settings.jwt is None:
                check_exposure(host, tokens, data)
            people = People(settings.jwt) if settings.jwt else None
            sockets = _bound(host, port)  # before a first token is made, which nobody would see
            for one in sockets:
                context.call_on_close(one.close)  # also where the start fails further on
            metrics = Metrics()
            form = Format(settings.format, settings.account_path)
            live = _live(settings, store, metrics, data)
            live.inbox.format = form
            shared = settings.indicators_key()
            channels = channels_of(settings.notify, data, settings.console_url, settings.kafka)
            beside: list[Beside] = [Outbox(store, channels), Retention(store, settings.retention, channels)]
            if kafka:
                beside += _of_kafka(settings.kafka, kafka, topic, live, store, metrics, form, data)
    except (AwayError, SQLAlchemyError) as error:
        # Its text may hold the password of the URL.
        stop(f"the database cannot be opened: {type(error).__name__}", USAGE)
    known = people is not None or any(t.revoked_at is None for t in tokens)
    secret = None if known else store.tokens.issue("first", ("admin",), "command line")[1]
    state = State(
        store,
        live,
        live.rules,
        live.digest_key,
        metrics=metrics,
        format=form,
        enforcement=settings.enforcement,
        people=people,
        indicators_key=shared,
        litellm_account=settings.litellm_account,
    )
    if settings.enforcement.mode == "live":
        live.changed = state.enforcing.consider
    run(state, live, secret, sockets, beside, as_json)
    store.close()


def serve_engine(engine: Engine, data: Path, host: str = "127.0.0.1", port: int = 0) -> None:
    """Serve what an engine found, on a free port of this machine, until a signal ends it.

    Args:
        engine: after its last record; takes more through the API.
        data: folder, made anew or used again.
        host: address.
        port: 0 takes a free one.
    """
    logs.configure()
    data.mkdir(parents=True, exist_ok=True)
    store, metrics = Store(sqlite_url(data / "revenuer.db")), Metrics()
    store.alerts.upsert(engine.alerts.alerts())
    live = Live(engine, store, metrics, data)
    secret = store.tokens.issue("demo", ("admin",), "command line")[1]
    run(State(store, live, live.rules, live.digest_key, metrics=metrics), live, secret, _bound(host, port))
    store.close()


def run(
    state: State,
    live: Live,
    secret: str | None,
    sockets: list[socket.socket],
    beside: Sequence[Beside] = (),
    as_json: bool = False,
) -> None:
    """Listen until a signal ends it.

    Args:
        state: of the API.
        live: not started yet.
        secret: the first token, to be shown once; None where there are tokens.
        sockets: bound.
        beside: started with the service and ended before it.
        as_json: says where it listens as a JSON object.
    """
    chosen = uvicorn.Config(
        make_app(state),
        lifespan="off",
        log_level="warning",
        access_log=False,  # paths name accounts
        server_header=False,
        timeout_graceful_shutdown=_HTTP_S,
    )
    sys.setswitchinterval(_TURN_S)
    _Server(chosen, state, live, secret, beside, as_json).run(sockets)
