"""Spark's session: started quietly, with the cluster that Spark's own settings name, and gone afterwards."""

import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

T = TypeVar("T")
Say = Callable[[int, int], None]
_COMPLAINS: Final = re.compile(r" ERROR |Exception\b|Error\b")
_POLL_S: Final = 0.5
_STOP_S: Final = 30.0
_LOOPBACK: Final = "127.0.0.1"
# Where Spark's own settings say nothing else.
_DEFAULTS: Final = {"spark.app.name": "revenuer replay", "spark.ui.enabled": "false", "spark.log.level": "ERROR"}
_ALONE: Final = {"spark.driver.bindAddress": _LOOPBACK, "spark.driver.host": _LOOPBACK}


class NoSparkError(Exception):
    """Spark cannot be used here; the message is one line and says what is missing."""


class SparkFailedError(Exception):
    """A job failed; the message is one line."""


def check() -> None:
    """See that there is a Spark to start.

    Raises:
        NoSparkError: the extra is not installed, or there is no Java.
    """
    if find_spec("pyspark") is None:
        raise NoSparkError("--engine spark needs Spark: pip install 'revenuer[spark]'")
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else shutil.which("java")
    if "PYSPARK_GATEWAY_PORT" not in os.environ and not (java and Path(java).is_file()):
        raise NoSparkError(
            f"--engine spark needs Java 17 or newer: none {f'in {home} (JAVA_HOME)' if home else 'found'}"
        )


@contextmanager
def session() -> Iterator["SparkSession"]:
    """The session that is there, or one that ends with the block, and its Java process with it.

    The master and all else come from where Spark looks for them: PYSPARK_SUBMIT_ARGS, spark-defaults.conf. SPARK_MASTER names the
    master, too. Where nothing does, it is this machine with all its cores.

    Raises:
        NoSparkError: it does not start.
    """
    from pyspark.sql import SparkSession

    present = SparkSession.getActiveSession()
    if present is not None:
        yield present
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with _quiet(), tempfile.TemporaryFile() as said, _gateway(said) as gateway:
        made = _made(gateway, said)
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def _quiet() -> Iterator[None]:
    """What py4j says of a call that was interrupted goes nowhere: who interrupted it knows."""
    nowhere = logging.NullHandler()
    logging.getLogger().addHandler(nowhere)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(nowhere)


@contextmanager
def _gateway(said: IO[bytes]) -> Iterator[Any]:
    """The Java process, whose output goes to a file: some lines come before any setting of Spark's log holds."""
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    first = SparkConf(loadDefaults=False)
    if master := os.environ.get("SPARK_MASTER"):
        first.set("spark.master", master)
    try:
        gateway = launch_gateway(first, {"stdout": said, "stderr": said})
    except Exception as error:
        raise NoSparkError(f"Spark does not start: {_complaint(said) or error}") from error
    try:
        yield gateway
    finally:
        # Or a later start in this process would ask the one that is gone.
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001 - pyspark has no other way
        if gateway.proc is not None:  # None where somebody else started it
            with suppress(Exception):
                gateway.shutdown()
            _ended(gateway.proc)


def _ended(java: "subprocess.Popen[bytes]") -> None:
    if java.stdin is not None:
        java.stdin.close()  # it ends with it
    try:
        java.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        java.kill()
        java.wait()


def _made(gateway: Any, said: IO[bytes]) -> "SparkSession":  # noqa: ANN401 - py4j has no types
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    SparkContext._ensure_initialized(gateway=gateway)  # noqa: SLF001 - so that the next line sees what Spark read
    conf = SparkConf()
    alone = conf.get("spark.master", "local").startswith("local")
    for name, value in (_DEFAULTS | (_ALONE if alone else {})).items():
        conf.setIfMissing(name, value)
    conf.set("spark.ui.showConsoleProgress", "false")
    try:
        return SparkSession.builder.config(conf=conf).getOrCreate()
    except Exception as error:
        raise NoSparkError(f"Spark does not start: {_complaint(said) or _reason(error)}") from error


def _complaint(said: IO[bytes]) -> str:
    """The first line of Java's output that says what went wrong, or nothing: others follow from it, or say where it was."""
    said.seek(0)
    lines = said.read().decode(errors="replace").splitlines()
    told = next((line for line in lines if _COMPLAINS.search(line)), "")
    return told.partition(" ERROR ")[2] or told.strip()


def _reason(error: Exception) -> str:
    """The line of an error of Spark's that says what went wrong: the last one of a Python trace, else the first."""
    try:
        text = str(error)
    except OSError:  # py4j asks Java for the message, which may be gone
        text = "its Java process ended"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith((" ", "\t"))]
    ours = [line for line in lines if ".TaskError: " in line or "Error: " in line]
    return (ours or lines or [type(error).__name__])[-1 if ours else 0]


@contextmanager
def told() -> Iterator[None]:
    """Spark's errors in one line.

    Raises:
        SparkFailedError: instead of them.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise SparkFailedError(f"Spark failed: {_reason(error)}") from error


def on_disk(frame: "DataFrame") -> "DataFrame":
    """The same frame, kept on the disks of the executors once it was computed."""
    from pyspark import StorageLevel

    return frame.persist(StorageLevel.DISK_ONLY)


def watched(session: "SparkSession", work: Callable[[], T], tasks: int, say: Say) -> T:
    """What some work gives, which runs one job, while it is said how many of its tasks are done.

    Args:
        session: runs the job.
        work: starts it and waits for it.
        tasks: of the job.
        say: told how many are done, and how many there are.
    """
    tracker = session.sparkContext.statusTracker()
    with ThreadPoolExecutor(1) as beside:
        result: Future[T] = beside.submit(work)
        while not wait([result], _POLL_S).done:
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            say(max((stage.numCompletedTasks for stage in stages if stage), default=0), tasks)
        return result.result()
