"""The detector while it runs: one thread owns the engine, a queue and an inbox feed it, the store takes its alerts.

Where it has checkpoints, it goes on after any stop as if it had not been stopped. A checkpoint is written between two batches, with
the engine, the duplicates known, the books, and how far each source was read; what was posted since lies in the journal, a topic and
the inbox are read again from where they were. Whatever is found twice is stored once: an alert's id is fixed.
"""

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
import structlog

from detector.alerts.allowance import COVERS, Allowance, unknown, unknown_scopes
from detector.alerts.model import Alert
from detector.alerts.store import Store
from detector.alerts.store.allowances import merged
from detector.profiles.columns import Digest
from detector.profiles.facts import AccountBook
from detector.report import Graph
from detector.scoring.reference import packaged
from detector.service.books import Books, pieces
from detector.service.engine import Engine
from detector.service.folder import Folder
from detector.service.http.erase import erase
from detector.service.http.metrics import Metrics
from detector.service.http.state import AccountView, Ack, BusyError, QueueFullError, UnwritableError
from detector.service.http.view import account_view, graph_of, seen
from detector.service.inbox import Inbox
from detector.service.leaps import Leaps
from detector.service.patience import outlast
from detector.service.replay import allowances_of
from detector.service.resume import Resume
from detector.service.steady import Steadiness
from detector.service.usage import requests_per_day
from detector.service.waiting import Item
from streams.batch import Batch, DeadLetter

_MOST_WAITING: Final = 512 << 20  # bytes; beyond it, senders wait
_IDLE_S: Final = 0.5
_READER_S: Final = 1.0
_WARNED: Final = 10  # unknown names of allowances that are said at a time

_log = structlog.get_logger(__name__)


class Live:
    """An engine at work. Its clock is the data's own event time.

    Args:
        engine: not used by anybody else from now on.
        store: takes alerts, gives allowances.
        metrics: kept up to date.
        folder: of dead letters, and of the inbox.
        reference: file of the benign reference, for its age.
        resume: checkpoints and journal; without, a stop forgets what was not stored.

    Attributes:
        digest_key: of the dead letters' digests, whatever brings them.
        rules: of its scorer.
        letters: file of the dead letters.

    Raises:
        CheckpointError: there are checkpoints, and none of them can be used.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        metrics: Metrics,
        folder: Path,
        reference: Path | None = None,
        resume: Resume | None = None,
    ) -> None:
        self._engine, self._store, self._metrics = engine, store, metrics
        self.letters = folder / "dead_letter.ndjson"
        self.digest_key = engine.keys.letters
        self._leaps = Leaps(self.digest_key)
        self.rules = engine.scorer.every_rule
        self.inbox = Inbox(folder / "inbox", self.digest_key)
        self.inbox.folder.mkdir(parents=True, exist_ok=True)
        self._unknown: set[str] = set()  # names of allowances that were warned of
        self._give({a: list(g) for a, g in engine.allowances.items()})
        self._queue: queue.Queue[Item] = queue.Queue()
        self._gate, self._busy = threading.Lock(), threading.Lock()
        self._waiting, self._bytes = 0, 0.0
        self._oldest: float | None = None
        self._stop, self._deadline = threading.Event(), float("inf")
        self._written: dict[str, bytes] = {}
        self._version = -1  # of the alert book, when it was last written
        self._recommended: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._resume, self._erased = resume, False
        self._folder, self._steady = Folder(folder), Steadiness(engine, metrics)
        self._books = Books(self.letters, metrics, resume, self._folder)
        self.changed: Callable[[Alert], object] | None = None  # told of each alert that was written
        self._watch(reference or packaged())
        self.allow()
        self.enforced()
        if resume is not None:
            self._restore(resume)

    def _restore(self, resume: Resume) -> None:
        """Go on from the newest checkpoint, and put what was posted since in front."""
        counts = resume.load(self._engine, self._books.known, self.inbox, self.letters)
        for fate, n in counts.items():
            self._metrics.exchanges.labels(fate).inc(n)
        for posted in resume.journal.after(resume.entry):
            self._books.known.fresh(posted.frame)  # they were told apart when they were posted
            if posted.number > resume.counted:
                self._books.count(posted.ack)
                self._books.write_lines(posted.letters)
            self._put(Item(time.monotonic(), posted.frame, posted.digested, posted.number, posted.seen))

    @property
    def offsets(self) -> dict[int, int]:
        """Next offset by partition of the topic that was read before the last stop; empty where none was."""
        return dict(self._resume.offsets) if self._resume else {}

    def _watch(self, reference: Path) -> None:
        m, tick = self._metrics, self._engine.tick

        def timed(now: int) -> None:
            with m.tick_seconds.time():
                tick(now)

        self._engine.tick = timed  # type: ignore[method-assign]  # the engine calls it between records
        m.lag_seconds.set_function(lambda: time.monotonic() - self._oldest if self._oldest else 0.0)
        m.lag_records.set_function(lambda: float(self._waiting))
        m.ingest_queue.set_function(lambda: float(self._waiting))
        m.reference_age.set_function(lambda: time.time() - reference.stat().st_mtime)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, seconds: float) -> int:
        """Look at what waits, for so many seconds, and end; how many records were left."""
        self._deadline = time.monotonic() + seconds
        self._stop.set()
        self._thread.join()
        if self._waiting:
            _log.warning("stopped_with_records_waiting", records=self._waiting)
        return self._waiting

    @property
    def ready(self) -> bool:
        """Whether it takes in records."""
        return self._thread.is_alive() and not self._stop.is_set()

    @property
    def writable(self) -> bool:
        """Whether the data folder takes what is written."""
        return self._folder.writable()

    @property
    def waiting(self) -> int:
        """Records accepted and not yet looked at."""
        return self._waiting

    def submit(self, batch: Batch) -> Ack:
        """Accept a posted batch; what it comes down to is on disk when this returns, where there are checkpoints.

        Raises:
            QueueFullError: too much waits, or the engine has stopped; nothing of it was accepted.
            UnwritableError: it cannot be written; what was accepted of it is a duplicate when it comes again.
        """
        with self._gate:
            self._refuse_more()
            batch = self._leaps.without(batch, self._engine.now)
            return self._books.post(
                batch, self._engine.digest, lambda *piece: self._put(Item(time.monotonic(), *piece))
            )

    def follow(self, batch: Batch, offsets: Mapping[int, int]) -> None:
        """Accept a batch of a topic, which is read again after a stop.

        Args:
            batch: not looked at for duplicates yet.
            offsets: next offset by partition after it.

        Raises:
            QueueFullError: too much waits, or the engine has stopped.
        """
        with self._gate:
            self._refuse_more()
            self._put(Item(time.monotonic(), batch.frame, offsets=dict(offsets), batch=batch))

    def _refuse_more(self) -> None:
        if not self.ready or self._bytes > _MOST_WAITING:
            raise QueueFullError

    def _put(self, item: Item) -> None:
        self._waiting += item.frame.height
        self._bytes += item.frame.estimated_size()
        self._queue.put(item)

    def account(self, account_id: str) -> AccountView | None:
        """An account as it stands now.

        Raises:
            BusyError: the engine was busy for a second.
        """
        with self._at_rest():
            return account_view(self._engine, account_id)

    def knows(self, account_id: str) -> bool:
        """Whether an account was ever seen.

        Raises:
            BusyError: the engine was busy for a second.
        """
        with self._at_rest():
            return seen(self._engine, account_id)

    def graph(self, alert: Alert) -> Graph | None:
        """What ties the accounts of an alert, as of the latest look at clusters.

        Raises:
            BusyError: the engine was busy for a second.
        """
        with self._at_rest():
            return graph_of(self._engine, alert)

    def traffic(self) -> float:
        """Requests a day of everybody within the window."""
        return requests_per_day(self._engine.store, self._engine.now)

    def forget(self, account_id: str) -> None:
        """Erase an account from memory at once, and from the checkpoints with the batch at hand.

        Raises:
            BusyError: the engine was busy for a second.
        """
        with self._at_rest():
            erase(self._engine, account_id)
            self._erased = True
            # What was written names it: compare anew.
            self._written.clear()
            self._version = -1

    def know(self, accounts: pl.DataFrame) -> None:
        """Take these account records for the ones that there are; what was said of an account stays said.

        Args:
            accounts: canonical, several versions an account.
        """
        with self._busy:
            self._engine.accounts = AccountBook(accounts, self._engine.keys.identity)
            self._give(allowances_of(accounts))
        self.allow()

    def _give(self, allowances: dict[str, list[Allowance]]) -> None:
        """Take these for the ones of the account file; of a name or code that nobody knows, it is warned once."""
        self._given = allowances
        for name in sorted(unknown(allowances).keys() - self._unknown)[:_WARNED]:
            self._unknown.add(name)
            # Escaped, since the log leaves control characters beyond ASCII as they are.
            _log.warning("allowance_unknown", name=name[:80].encode("unicode_escape").decode(), known=sorted(COVERS))
        codes = unknown_scopes(allowances, {rule.code for rule in self._engine.scorer.every_rule})
        for code in sorted(codes.keys() - self._unknown)[:_WARNED]:
            self._unknown.add(code)
            _log.warning("allowance_scope_unknown", code=code[:80].encode("unicode_escape").decode())

    def refuse(self, letters: Sequence[DeadLetter]) -> None:
        """Write dead letters of a source that is read again at each start, each once; what cannot be written comes again then."""
        with suppress(UnwritableError), self._gate:
            self._books.refuse(letters)

    def allow(self) -> None:
        """Read the stored allowances again; those of the account file stay."""
        self._engine.allowances = merged(self._given, self._store.allowances.by_account())

    def enforced(self) -> None:
        """Read again when suspensions were applied: they are bans."""
        self._engine.events.enforced = tuple(self._store.outcomes.suspended_at())

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        if not self._busy.acquire(timeout=_READER_S):
            raise BusyError
        try:
            yield
        finally:
            self._busy.release()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._take_one(_IDLE_S):
                    self._read_inbox()
                    self._save()
            while time.monotonic() < self._deadline and self._take_one(0.0):
                pass
            self._save(now=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the service must not seem ready
            # Neither message nor locals, for a prompt may be in them.
            frames = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
            _log.error("engine_stopped", error=type(error).__name__, frames=frames)
            self._stop.set()

    def _take_one(self, wait: float) -> bool:
        try:
            item = self._queue.get(timeout=wait) if wait else self._queue.get_nowait()
        except queue.Empty:
            return False
        self._oldest = item.since
        frame = item.frame if item.batch is None else self._fresh(item.batch)
        for piece in pieces(frame):
            self._look(piece, item.digested, item.fields)
        with self._gate:
            self._waiting -= item.frame.height
            self._bytes -= item.frame.estimated_size()
        self._oldest = None
        if self._resume is not None:
            self._resume.passed(item.entry, item.offsets)
        self._save()
        return True

    def _fresh(self, batch: Batch) -> pl.DataFrame:
        while True:
            try:
                with self._gate:
                    return self._books.fresh(self._leaps.without(batch, self._engine.now))[0]
            except UnwritableError:
                if self._over(_IDLE_S):
                    raise

    def _read_inbox(self) -> None:
        for batch in self.inbox.batches():
            for piece in pieces(self._fresh(batch)):
                self._look(piece)
            self._save()
            if self._stop.is_set():
                return
            self._take_one(0.0)  # a long file must not keep those waiting who post

    def _save(self, *, now: bool = False) -> None:
        """Write a checkpoint where it is time for one; between two batches."""
        if self._resume is None or not (now or self._resume.due(hurry=self._erased)):
            return
        with (
            suppress(UnwritableError),  # the journal holds, and it is tried again
            self._gate,
            self._busy,
            self._metrics.stage_seconds.labels("checkpoint").time(),
            self._folder.writing(),
        ):
            self._resume.save(self._engine, self._books.known, self.inbox, self.letters, alone=self._erased)
            self._erased = False

    def _look(self, frame: pl.DataFrame, digested: Digest | None = None, fields: tuple[str, ...] | None = None) -> None:
        with self._busy:
            with self._metrics.stage_seconds.labels("detect").time():
                self._engine.process(frame, digested, fields)
            self._steady.look()
            self._metrics.accounts_tracked.set(len(self._engine.store))
            self._metrics.state_bytes.set(self._engine.store.state_bytes())
            if self._version == self._engine.alerts.version:
                return  # most batches say nothing new, and writing out all alerts takes longer than such a batch
            self._version = self._engine.alerts.version
            alerts = self._engine.alerts.alerts()
            with self._metrics.stage_seconds.labels("persist").time():
                outlast(lambda: self._persist(alerts), self._over)
        self._metrics.show_alerts(alerts)

    def _over(self, seconds: float) -> bool:
        """Wait for database or disk; whether the time to drain is over: then no checkpoint is written, and all of it comes again."""
        time.sleep(seconds)
        return time.monotonic() > self._deadline

    def _persist(self, alerts: list[Alert]) -> None:
        """Write what changed since it was last written."""
        changed = []
        for alert in alerts:
            body = msgspec.json.encode(alert)
            if self._written.get(alert.id) != body:
                changed.append((alert, body))
        if not changed:
            return
        self._store.alerts.upsert(alert for alert, _ in changed)
        for alert, body in changed:
            if alert.id not in self._written:
                self._metrics.alerts_opened.labels(alert.severity, alert.kind).inc()
            self._written[alert.id] = body
            made = alert.recommendation
            if made is not None and made.id not in self._recommended:
                self._recommended.add(made.id)
                self._metrics.recommendations.labels(made.action).inc()
            stored = self._store.alerts.get(alert.id) if self.changed is not None else None
            if self.changed is not None and stored is not None:
                self.changed(stored)
