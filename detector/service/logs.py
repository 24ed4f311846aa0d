"""Where the service's log goes: standard error, a JSON object a line unless a person watches."""

import sys

import structlog


def _logger(*_: object) -> structlog.PrintLogger:
    # Asked for with each line: whoever replaced the stream meanwhile is heard.
    return structlog.PrintLogger(sys.stderr)


def configure() -> None:
    """Have every line carry its level and its time in UTC; standard output is left to what the command answers."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        logger_factory=_logger,
    )
