"""A replay whose files executors read."""

from typing import Any

from detector.service.replay import Replay
from detector.service.replay import Say as SayProgress
from detector.service.spark.packed import unpack
from detector.service.spark.session import Say, session
from detector.service.spark.skeletons import FarSkeletons
from detector.service.spark.source import SparkSource
from streams.sources.files import FileSource


def run_on_spark(replay: Replay, source: FileSource, say: SayProgress, say_digested: Say) -> dict[str, Any]:
    """Read everything and write the results; returns what stands in `run.json`.

    Args:
        replay: prepared as for a local one.
        source: the files.
        say: told how far it is.
        say_digested: told how many files are digested.

    Raises:
        SourceError: a file cannot be read at all.
        NoSparkError, SparkFailedError: Spark does not start, or a task failed.
    """
    with session() as spark:
        far = SparkSource(
            source.paths,
            source.batch_bytes,
            source.since,
            source.until,
            source.digest_key,
            source.format,
            source.no_logs,
            session=spark,
            keys=replay.engine.keys,
            say=say_digested,
        )
        replay.engine.skeletons = FarSkeletons(fetch=far.words)
        replay.take = unpack
        return replay.run(far, say)
