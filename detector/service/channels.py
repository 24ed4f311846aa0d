"""Channels of notifications from the settings."""

import ipaddress
from pathlib import Path

from detector.alerts.notify import (
    Alertmanager,
    Delivery,
    KafkaTopic,
    NdjsonFile,
    Notifier,
    Reach,
    Webhook,
    detection_finding,
)
from detector.alerts.notify.base import whole
from detector.config import ChannelSettings, ClusterSettings, ConfigError
from detector.service.outbox import Channel


def channels_of(
    settings: list[ChannelSettings], data: Path, console: str = "", kafka: ClusterSettings | None = None
) -> dict[str, Channel]:
    """Channels by name.

    Args:
        settings: of each.
        data: folder of the service; what could not be delivered goes into `undelivered` there.
        console: address to which alerts link.
        kafka: how to talk to Kafka.

    Raises:
        ConfigError: two share a name, or a secret cannot be read.
    """
    check_names(settings)
    out: dict[str, Channel] = {}
    for one in settings:
        try:
            out[one.name] = Channel(_notifier(one, data, console, kafka or ClusterSettings()), one.severity)
        except (OSError, ValueError) as error:
            raise ConfigError(f"notify: {one.name}: {error}") from error
    return out


def check_names(settings: list[ChannelSettings]) -> None:
    """Channels are told apart by their names.

    Raises:
        ConfigError: two share one.
    """
    names = [one.name for one in settings]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"notify: two channels are called {name}")


def _notifier(one: ChannelSettings, data: Path, console: str, kafka: ClusterSettings) -> Notifier:
    body = detection_finding if one.body == "ocsf" else whole
    if one.kind == "file":
        return NdjsonFile(Path(one.to), body)
    if one.kind == "kafka":
        return KafkaTopic(kafka.reach(one.to), body)
    allowed = tuple(ipaddress.ip_network(network) for network in one.allow)
    delivery = Delivery(one.to, data / "undelivered" / f"{one.name}.ndjson", Reach(allowed))
    if one.kind == "alertmanager":
        return Alertmanager(delivery, console)
    if one.secret_file is None:
        raise ValueError("a webhook needs secret_file")
    return Webhook(delivery, one.secret_file.read_bytes().strip(), body)
