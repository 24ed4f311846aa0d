"""AWS Bedrock's `ModelInvocationLog`, from S3 or CloudWatch Logs.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-invocation-logging.html
"""

from collections.abc import Iterator
from typing import Any, Final

from streams.adapters.base import Adapter, Json, compact
from streams.adapters.bedrock_bodies import answer, request
from streams.adapters.values import first, items, mapping, text, unpacked, whole

_STATUS: Final = {
    "ThrottlingException": 429,
    "ServiceQuotaExceededException": 400,
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
_FAILED: Final = 500


class Bedrock(Adapter):
    """One log entry a record, or those of a CloudWatch subscription's message.

    The account is the calling role or user, without the session's name, which is the end user; the AWS account is the
    organisation.
    """

    name = "bedrock"
    fields = frozenset(
        [
            "ts",
            "request_id",
            "account_id",
            "org_id",
            "end_user_id",
            "model",
            "route",
            "operation",
            "status",
            "messages",
            "system_prompt",
            "prompt",
            "tools",
            "temperature",
            "top_p",
            "max_tokens",
            "completion",
            "tool_calls",
            "stop_reason",
            "stream",
            "input_tokens",
            "output_tokens",
            "cached_tokens",
            "latency_ms",
        ]
    )

    def recognises(self, record: Json) -> bool:
        """A log entry says what it is; a subscription's message holds texts that do."""
        return record.get("schemaType") == "ModelInvocationLog" or any(_logged(record))

    def exchanges(self, record: Json) -> Iterator[dict[str, Any]]:
        """The entry as one exchange, or each of a message's."""
        for entry in _logged(record) if "logEvents" in record else (record,):
            yield self._exchange(entry)

    def _exchange(self, entry: Json) -> dict[str, Any]:
        sent, got = mapping(entry.get("input")), mapping(entry.get("output"))
        caller, session = _caller(text(mapping(entry.get("identity")).get("arn")))
        answered = answer(got.get("outputBodyJson"))
        error = text(entry.get("errorCode"))
        fields = {
            "ts": entry.get("timestamp"),
            "request_id": entry.get("requestId"),
            "account_id": self.account(entry, first(caller, entry.get("accountId"))),
            "org_id": text(entry.get("accountId")),
            "end_user_id": session,
            "model": text(entry.get("modelId")),
            "route": text(entry.get("operation")),
            "status": _STATUS.get(error, _FAILED) if error else 200,
            "stream": str(entry.get("operation")).endswith("Stream"),
            "input_tokens": first(whole(sent.get("inputTokenCount")), answered.get("input_tokens")),
            "output_tokens": first(whole(got.get("outputTokenCount")), answered.get("output_tokens")),
            "cached_tokens": whole(sent.get("cacheReadInputTokenCount")),
        }
        return compact({**request(sent.get("inputBodyJson")), **answered, **fields})


def _logged(record: Json) -> Iterator[Json]:
    for event in map(mapping, items(record.get("logEvents"))):
        entry = mapping(unpacked(event.get("message")))
        if entry.get("schemaType") == "ModelInvocationLog":
            yield entry


def _caller(arn: str | None) -> tuple[str | None, str | None]:
    """Role or user of an ARN, and the session of an assumed role."""
    if arn is None or ":assumed-role/" not in arn:
        return arn, None
    role, _, session = arn.rpartition("/")
    return role, session or None
