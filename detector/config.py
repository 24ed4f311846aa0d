"""Settings: one table with a line of help each, from a TOML file, the environment (`REVENUER_…`) and defaults."""

import re
import secrets
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from streams.kafka import Compression, KafkaSettings, Library, Mechanism, Security

_SHORTEST, _LONGEST = 16, 64  # bytes of a key of shared indicators


class ConfigError(ValueError):
    """A configuration is broken; one line that names file and setting."""


class ChannelSettings(BaseModel):
    """Whom to tell of alerts."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9_-]{1,64}$", description="what the store remembers it by")
    kind: Literal["webhook", "alertmanager", "kafka", "file"] = Field(description="how it is told")
    to: str = Field(min_length=1, description="URL, host:port of brokers by comma, or path of a file")
    severity: Literal["low", "medium", "high", "critical"] = Field("high", description="at least")
    body: Literal["alert", "ocsf"] = Field("alert", description="the alert as it is written, or an OCSF finding")
    secret_file: Path | None = Field(
        None, description="file with the secret of a webhook's signature, 24 bytes or more"
    )
    allow: list[str] = Field([], description="networks that may be called though private, and without TLS")


class EnforcementSettings(BaseModel):
    """What may be enforced without asking."""

    model_config = ConfigDict(extra="forbid")

    mode: Literal["shadow", "live"] = Field(default="shadow", description="shadow: every recommendation is a dry run")
    accounts_an_hour: int = Field(default=50, ge=0, description="newly bound; past it the brake is pulled")
    traffic_share: float = Field(
        default=0.02, ge=0, le=1, description="of all requests, by everything that is enforced"
    )
    protected_tiers: list[str] = Field(
        default=[], description="tiers that are bound only where people agree; unknown ones too, where any is named"
    )
    approvals: int = Field(
        default=2, ge=1, le=10, description="people who must agree to suspend a cluster or bind such a tier"
    )


class JwtSettings(BaseModel):
    """Whose signed tokens are taken beside our own."""

    model_config = ConfigDict(extra="forbid")

    jwks: str = Field(min_length=1, description="https URL or file of the issuer's public keys (JWKS)")
    issuer: str = Field(min_length=1, description="`iss` of the tokens, to the letter")
    audience: str = Field(min_length=1, description="must be among their `aud`")
    algorithms: list[Literal["RS256", "ES256", "EdDSA"]] = Field(
        ["RS256", "ES256", "EdDSA"], min_length=1, description="of signatures"
    )
    scopes_claim: str = Field("scope", min_length=1, description="claim with what a person may do, a list or words")
    scopes: dict[str, list[Literal["read", "triage", "ingest", "admin"]]] = Field(
        {}, description="our scopes by a value of that claim; without, the values are our scopes"
    )
    allow: list[IPvAnyNetwork] = Field([], description="networks where the URL may be though private, and without TLS")


class RetentionSettings(BaseModel):
    """How long the store keeps what."""

    model_config = ConfigDict(extra="forbid")

    versions_days: int = Field(
        default=400, ge=0, description="versions of an alert, its latest aside; alerts themselves stay"
    )
    labels_days: int = Field(default=730, ge=0, description="labels")
    answers_hours: int = Field(default=24, ge=1, description="answers by idempotency key")
    channels_days: int = Field(default=90, ge=0, description="how far a channel had come that is no longer configured")
    audit_days: int = Field(default=0, ge=0, description="entries of the audit log")


class ClusterSettings(BaseModel):
    """How to talk to Kafka."""

    model_config = ConfigDict(extra="forbid")

    client: Library = Field(default="kafka-python", description="library; `confluent` is faster: extra `fast`")
    group: str = Field(default="revenuer", min_length=1, description="under which the cluster sees our offsets")
    accounts: str | None = Field(
        default=None, min_length=1, description="topic of account records, read whole at each start and then followed"
    )
    dead_letters: str | None = Field(
        default=None, min_length=1, description="topic of what could not be read, `dead-letter` say; never its text"
    )
    security: Security = Field(default="PLAINTEXT", description="TLS, SASL, both or neither")
    cafile: Path | None = Field(
        default=None, description="certificates that vouch for the brokers; the system's own by default"
    )
    certfile: Path | None = Field(default=None, description="certificate that we show")
    keyfile: Path | None = Field(default=None, description="its key")
    mechanism: Mechanism | None = Field(default=None, description="of SASL")
    username: str | None = Field(default=None, description="of SASL")
    password_file: Path | None = Field(default=None, description="file with the password of SASL")
    compression: Compression | None = Field(default=None, description="of what we write; what we read may be any")

    def reach(self, bootstrap: str, topic: str = "exchanges") -> KafkaSettings:
        """How to reach a cluster.

        Args:
            bootstrap: host:port of some brokers, by comma.
            topic: to read or to write.

        Raises:
            ConfigError: the password cannot be read.
        """
        try:
            password = self.password_file.read_text().strip() if self.password_file else None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"kafka: password_file: {error}") from error
        cafile, certfile, keyfile = (
            None if path is None else str(path) for path in (self.cafile, self.certfile, self.keyfile)
        )
        return KafkaSettings(
            bootstrap.split(","),
            topic,
            self.group,
            self.client,
            self.security,
            cafile,
            certfile,
            keyfile,
            self.mechanism,
            self.username,
            password,
            compression=self.compression,
        )


class Settings(BaseSettings):
    """All settings of a run."""

    model_config = SettingsConfigDict(env_prefix="REVENUER_", extra="forbid")

    hash_key: int = Field(
        0,
        ge=0,
        lt=1 << 63,
        description="secret of the keyed hashes; at 0 a replay takes one from the log's first record, `serve` draws and keeps one",
    )
    tick_s: int = Field(300, ge=10, le=3600, description="seconds of event time between looks at accounts")
    coordination_ticks: int = Field(3, ge=1, le=100, description="looks at accounts between looks at clusters")
    batch_mb: int = Field(24, ge=1, le=512, description="megabytes of log that are decoded at a time")
    checkpoint_s: int = Field(60, ge=1, le=3600, description="seconds between checkpoints of the service, at least")
    enforcement: EnforcementSettings = Field(
        EnforcementSettings(), description="what a gateway is given to enforce, see below"
    )
    kafka: ClusterSettings = Field(ClusterSettings(), description="how to talk to Kafka, see below")
    console_url: str = Field("", description="address of the console as people reach it; alerts link to it")
    notify: list[ChannelSettings] = Field([], description="channels that are told of alerts, see below")
    retention: RetentionSettings = Field(RetentionSettings(), description="how long what is kept, see below")
    jwt: JwtSettings | None = Field(None, description="an issuer whose JWTs name people, see below")
    format: str = Field(
        "auto", description="of logs: auto, revenuer, a name of docs/adapters.md, or a field map (.yaml)"
    )
    account_path: str | None = Field(
        None,
        min_length=1,
        description="dotted path of the account id in logs of other formats; their own guess by default",
    )
    litellm_account: Literal["user", "team", "key"] = Field(
        "user", description="what an account id is at LiteLLM, for `?format=litellm` and `revenuer render`"
    )
    indicators_key_file: Path | None = Field(
        None, description="file with the key under which indicators are shared, 16 to 64 bytes; without, they are not"
    )
    rules: Path | None = Field(None, description="folder of rules that takes the place of the shipped ones")
    extra_rules: Path | None = Field(
        None, description="folder of rules in use beside the shipped ones, or those of `rules`"
    )
    reference: Path | None = Field(None, description="benign reference; the shipped one by default")
    anomaly_model: Literal["none"] | Path | None = Field(
        None, description="anomaly model of accounts; the shipped one by default, `none` to do without"
    )

    def indicators_key(self) -> bytes:
        """The key under which indicators are shared; empty where they are not.

        Raises:
            ConfigError: it cannot be read, or is too short or too long.
        """
        if self.indicators_key_file is None:
            return b""
        try:
            key = self.indicators_key_file.read_bytes().strip()
        except OSError as error:
            raise ConfigError(f"indicators_key_file: {error}") from error
        if not _SHORTEST <= len(key) <= _LONGEST:
            raise ConfigError(f"indicators_key_file: the key has {len(key)} bytes, not {_SHORTEST} to {_LONGEST}")
        return key

    def key(self) -> int:
        """The secret of the hashes."""
        return self.hash_key or secrets.randbits(62) + 1


_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "notify": ChannelSettings,
    "enforcement": EnforcementSettings,
    "kafka": ClusterSettings,
    "retention": RetentionSettings,
    "jwt": JwtSettings,
}


def load_settings(path: Path | None = None) -> Settings:
    """Settings of a file over those of the environment over the defaults.

    Raises:
        ConfigError: the file cannot be read, or a setting is unknown, no JSON where it must be, or out of range.
    """
    values: dict[str, object] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text())
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from error
    try:
        return Settings(**values)  # type: ignore[arg-type]  # validated by pydantic
    except SettingsError as error:
        # It has the name in its message only.
        name = re.search(r'field "(\w+)"', str(error))
        where = f"REVENUER_{name[1].upper()}" if name else "a setting"
        raise ConfigError(f"environment: {where}: tables and lists are written as JSON") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["loc"] and first["loc"][0] not in values:  # the defaults are good
            top, *rest = map(str, first["loc"])
            path, where = None, ".".join([f"REVENUER_{top.upper()}", *rest])
        why = _unknown(first["loc"]) if first["type"] == "extra_forbidden" else first["msg"]
        raise ConfigError(f"{path or 'environment'}: {where}: {why}") from error


def _unknown(place: tuple[int | str, ...]) -> str:
    """What to say of a name that is no setting, with the one of its table that it is most like."""
    names = Settings.model_json_schema()
    for part in place[:-1]:
        if isinstance(part, str):
            names = _TABLES[part].model_json_schema()
    like = get_close_matches(str(place[-1]), names["properties"], 1)
    return f"no such setting; did you mean {like[0]}?" if like else "no such setting"
