"""The detector while it runs: one thread owns the engine, a queue and an inbox feed it, the store takes its alerts."""

import queue
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
import structlog

from detector.alerts.model import Alert
from detector.alerts.store import Store
from detector.alerts.store.allowances import merged
from detector.scoring.reference import packaged
from detector.service.engine import Engine
from detector.service.http.erase import erase
from detector.service.http.metrics import Metrics
from detector.service.http.state import AccountView, Ack, BusyError, QueueFullError
from detector.service.http.view import account_view
from detector.service.inbox import Inbox
from streams.batch import Batch
from streams.dedupe import Deduplicator

_MOST_WAITING: Final = 512 << 20  # bytes; beyond it, senders wait
_PIECE: Final = 10_000  # records between two looks at whether to stop or to let a reader in
_IDLE_S: Final = 0.5
_READER_S: Final = 1.0

_log = structlog.get_logger(__name__)


class Live:
    """An engine at work. Its clock is the data's own event time.

    Args:
        engine: not used by anybody else from now on.
        store: takes alerts, gives allowances.
        metrics: kept up to date.
        folder: of dead letters, and of the inbox.
        reference: file of the benign reference, for its age.
    """

    def __init__(
        self, engine: Engine, store: Store, metrics: Metrics, folder: Path, reference: Path | None = None
    ) -> None:
        self._engine, self._store, self._metrics = engine, store, metrics
        self._letters = folder / "dead_letter.ndjson"
        self.inbox = Inbox(folder / "inbox")
        self.inbox.folder.mkdir(parents=True, exist_ok=True)
        self._given = {a: list(g) for a, g in engine.allowances.items()}
        self._queue: queue.Queue[tuple[float, pl.DataFrame]] = queue.Queue()
        self._dedupe = Deduplicator()
        self._gate, self._busy = threading.Lock(), threading.Lock()
        self._waiting, self._bytes = 0, 0.0
        self._oldest: float | None = None
        self._stop, self._deadline = threading.Event(), float("inf")
        self._written: dict[str, bytes] = {}
        self._recommended: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._watch(reference or packaged())
        self.allow()

    def _watch(self, reference: Path) -> None:
        m, tick = self._metrics, self._engine.tick

        def timed(now: int, *, coordinate: bool | None = None) -> None:
            with m.tick_seconds.time():
                tick(now, coordinate=coordinate)

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
    def waiting(self) -> int:
        """Records accepted and not yet looked at."""
        return self._waiting

    def submit(self, batch: Batch) -> Ack:
        """Accept a batch.

        Raises:
            QueueFullError: too much waits, or the engine has stopped; nothing of it was accepted.
        """
        with self._gate:
            if not self.ready or self._bytes > _MOST_WAITING:
                raise QueueFullError
            frame, ack = self._fresh(batch)
            if frame.height:
                self._waiting += frame.height
                self._bytes += frame.estimated_size()
                self._queue.put((time.monotonic(), frame))
            return ack

    def _fresh(self, batch: Batch) -> tuple[pl.DataFrame, Ack]:
        """A batch in order and without duplicates; the books are kept here."""
        frame = batch.frame.sort("ts", maintain_order=True)
        frame = frame.filter(self._dedupe.fresh(frame))
        ack = Ack(batch.read, frame.height, batch.frame.height - frame.height, len(batch.dead))
        fates = (("accepted", ack.accepted), ("duplicate", ack.duplicates), ("dead_lettered", ack.dead_lettered))
        for fate, n in fates:
            self._metrics.exchanges.labels(fate).inc(n)
        for letter in batch.dead:
            self._metrics.dead_letters.labels(letter.reason).inc()
        if batch.dead:
            with self._letters.open("ab") as file:
                file.writelines(msgspec.json.encode(letter) + b"\n" for letter in batch.dead)
        return frame, ack

    def account(self, account_id: str) -> AccountView | None:
        """An account as it stands now.

        Raises:
            BusyError: the engine was busy for a second.
        """
        self._enter()
        try:
            return account_view(self._engine, account_id)
        finally:
            self._busy.release()

    def forget(self, account_id: str) -> None:
        """Erase an account from memory.

        Raises:
            BusyError: the engine was busy for a second.
        """
        self._enter()
        try:
            erase(self._engine, account_id)
            # What was written names it: compare anew.
            self._written.clear()
        finally:
            self._busy.release()

    def allow(self) -> None:
        """Read the stored allowances again; those of the account file stay."""
        self._engine.allowances = merged(self._given, self._store.allowances.by_account())

    def _enter(self) -> None:
        if not self._busy.acquire(timeout=_READER_S):
            raise BusyError

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._take_one(_IDLE_S):
                    self._read_inbox()
            while time.monotonic() < self._deadline and self._take_one(0.0):
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the service must not seem ready
            # Neither message nor locals, for a prompt may be in them.
            frames = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
            _log.error("engine_stopped", error=type(error).__name__, frames=frames)
            self._stop.set()

    def _take_one(self, wait: float) -> bool:
        try:
            since, frame = self._queue.get(timeout=wait) if wait else self._queue.get_nowait()
        except queue.Empty:
            return False
        self._oldest = since
        size = frame.estimated_size()
        for piece in self._pieces(frame):
            self._look(piece)
            with self._gate:
                self._waiting -= piece.height
        with self._gate:
            self._bytes -= size
        self._oldest = None
        return True

    def _pieces(self, frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
        for piece in frame.iter_slices(_PIECE):
            if time.monotonic() > self._deadline:
                return
            yield piece

    def _read_inbox(self) -> None:
        for batch in self.inbox.batches():
            with self._gate:
                frame, _ = self._fresh(batch)
            for piece in self._pieces(frame):
                self._look(piece)
            if self._stop.is_set():
                return
            # A long file must not keep those waiting who post.
            self._take_one(0.0)

    def _look(self, frame: pl.DataFrame) -> None:
        with self._busy:
            with self._metrics.stage_seconds.labels("detect").time():
                self._engine.process(frame)
            alerts = self._engine.alerts.alerts()
            with self._metrics.stage_seconds.labels("persist").time():
                self._persist(alerts)
        self._show(alerts)

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

    def _show(self, alerts: list[Alert]) -> None:
        self._metrics.show_alerts(alerts)
        self._metrics.accounts_tracked.set(len(self._engine.store))
        self._metrics.state_bytes.set(self._engine.store.state_bytes())
