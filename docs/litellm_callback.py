"""Produces every call of a LiteLLM proxy to Kafka, for `revenuer serve --kafka`.

Put this file beside the proxy's config.yaml, install kafka-python and lz4 there, and name it in the configuration:

    litellm_settings:
      callbacks: [litellm_callback.revenuer]

REVENUER_KAFKA_BOOTSTRAP and REVENUER_KAFKA_TOPIC say where to; calls of one account go to one partition.
"""  # noqa: INP001 - it is copied out of here

import asyncio
import json
import os
from typing import Any

from kafka import KafkaProducer
from litellm.integrations.custom_logger import CustomLogger


class Revenuer(CustomLogger):  # type: ignore[misc]  # LiteLLM is not installed where this is checked
    """Hands each logging payload to a producer, which sends in the background."""

    def __init__(self) -> None:
        super().__init__()
        servers = os.environ.get("REVENUER_KAFKA_BOOTSTRAP", "localhost:9092").split(",")
        self.topic = os.environ.get("REVENUER_KAFKA_TOPIC", "exchanges")
        self.producer = KafkaProducer(
            bootstrap_servers=servers, compression_type="lz4", linger_ms=50, max_block_ms=5000
        )

    def log_success_event(self, kwargs: dict[str, Any], *_: object, **__: object) -> None:
        """Called after an answer, and after a failure."""
        payload = kwargs["standard_logging_object"]
        account = payload["metadata"].get("user_api_key_user_id") or payload["metadata"].get("user_api_key_hash") or ""
        self.producer.send(self.topic, json.dumps(payload, default=str).encode(), key=account.encode() or None)

    async def async_log_success_event(self, kwargs: dict[str, Any], *_: object, **__: object) -> None:
        """The same, where the proxy awaits it: in a thread, since a producer whose broker is away waits for it."""
        await asyncio.to_thread(self.log_success_event, kwargs)

    log_failure_event = log_success_event
    async_log_failure_event = async_log_success_event


revenuer = Revenuer()
