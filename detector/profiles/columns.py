"""From a decoded batch to the columns that the kernels read: hashes, flags and text digests, computed once a batch."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from detector.profiles.artefacts import artefacts
from detector.profiles.capability import CapabilityModel
from detector.profiles.hashing import hash_ipv4_24, hash_strings, short
from detector.profiles.layout import FLAGS, MODEL_BINS, U32, U64, Columns
from detector.profiles.store import ProfileStore
from detector.profiles.text import digest_text

HOT_TEMPERATURE = 0.9  # sampling hot enough for several different answers; the providers' usual default is 1.0
SHINGLES = 1  # a prompt, beside its prefix and suffix: more would fill the tables of diluted accounts with noise
SATURATION = 0.95  # share of max_tokens that counts as cut off
_DENIED = (401, 403)
_LIMITED = 429
_FAILED = 500
_SATURDAY = 6


def _flag_expressions() -> dict[str, pl.Expr]:
    status = pl.col("status")
    limit = pl.col("max_tokens")
    return {
        "denied": status.is_in(_DENIED),
        "limited": status == _LIMITED,
        "failed": status >= _FAILED,
        "embeddings": pl.col("operation") == "embeddings",
        # A system message is no turn.
        "multi_turn": pl.col("n_messages") > 1 + pl.col("system_prompt").is_not_null(),
        "tool_offer": pl.col("tools").list.len() > 0,
        "tool_result": pl.col("n_tool_results") > 0,
        "n_gt1": pl.col("n") > 1,
        "logprobs": pl.col("logprobs").fill_null(value=False) | (pl.col("top_logprobs") > 0),
        "temperature_known": pl.col("temperature").is_not_null(),
        "temperature_hot": pl.col("temperature") >= HOT_TEMPERATURE,
        "max_tokens_known": limit.is_not_null(),
        "saturated": pl.col("stop_reason").is_in(["length", "max_tokens"])
        | (pl.col("output_tokens") >= SATURATION * limit),
        "system": pl.col("system_prompt").is_not_null(),
        "reasoning": pl.col("reasoning_tokens") > 0,
        "json": pl.col("response_format").is_not_null() & (pl.col("response_format") != "text"),
        "weekend": pl.col("ts").dt.weekday() >= _SATURDAY,
        "tool_call": pl.col("tool_calls") > 0,
    }


def flags_of(frame: pl.DataFrame) -> U32:
    """The yes/no facts of each exchange as bits, in the order of `FLAGS`; a fact that is unknown is no.

    Whether a prompt is empty is known when its words have been read.
    """
    expressions = _flag_expressions()
    bits = [
        expressions[name].fill_null(value=False).cast(pl.UInt32) * (1 << bit)
        for bit, name in enumerate(FLAGS)
        if name in expressions
    ]
    return frame.select(pl.sum_horizontal(bits).cast(pl.UInt32)).to_series().to_numpy()


@dataclass(frozen=True)
class Keys:
    """Secrets of the keyed hashes: one for what identifies, one for words."""

    identity: int
    text: int

    @classmethod
    def of(cls, key: int) -> "Keys":
        """Both, of the secret of the settings."""
        return cls(key, key ^ 0x5DEECE66D)

    @property
    def fingerprint(self) -> str:
        """By which two runs know that they hash alike, and nobody the secret."""
        return hashlib.blake2b(self.identity.to_bytes(8, "little"), digest_size=8, person=b"fingerprint").hexdigest()

    @property
    def letters(self) -> bytes:
        """Of the digests of what could not be read: a guess at its text must not be confirmed by them."""
        return hashlib.blake2b(self.identity.to_bytes(8, "little"), digest_size=32, person=b"dead letter").digest()


def _hash(frame: pl.DataFrame, name: str, keys: Keys) -> U64:
    return hash_strings(frame.get_column(name), keys.identity)


class Digest(NamedTuple):
    """A batch as columns whose accounts have no slots yet: no state was read, so that another thread may make it ahead.

    Attributes:
        ident: u64[n], keyed hash of the account id.
        columns: all but `slot`.
    """

    ident: U64
    columns: Columns


def digest(frame: pl.DataFrame, model: CapabilityModel, keys: Keys) -> Digest:
    """Hashes, flags and text digests of a batch.

    Args:
        frame: exchanges in the canonical schema, sorted by `ts`.
        model: the capability model.
        keys: secrets of the hashes.
    """
    text = digest_text(
        frame.get_column("prompt"),
        frame.get_column("system_prompt"),
        keys.text,
        model,
        request=model.request_term(frame),
        most_shingles=SHINGLES,
    )
    model_names = frame.get_column("model")
    issued = artefacts(frame.get_column("reasoning_refs_out"), keys.identity)
    presented = artefacts(frame.get_column("reasoning_refs_in"), keys.identity)
    columns = Columns(
        slot=np.empty(0, np.int32),
        # Writable whatever the frame's chunks are, or the kernels would be compiled a second time for what is not.
        ts=frame.get_column("ts").to_physical().to_numpy(writable=True),
        organisation=short(_hash(frame, "org_id", keys)),
        flags=flags_of(frame) | (text.empty.astype(np.uint32) << np.uint32(FLAGS.index("empty"))),
        tokens_in=frame.get_column("input_tokens").fill_null(0).to_numpy(writable=True),
        tokens_out=frame.get_column("output_tokens").fill_null(0).to_numpy(writable=True),
        address=_hash(frame, "ip", keys),
        network=hash_ipv4_24(frame.get_column("ip"), keys.identity),
        tls=_hash(frame, "tls_fingerprint", keys),
        key=_hash(frame, "api_key_id", keys),
        end_user=_hash(frame, "end_user_id", keys),
        conversation=_hash(frame, "conversation_id", keys),
        route=_hash(frame, "route", keys),
        model=model_bin(model_names),
        prompt=text.prompt_hash,
        skeleton=text.skeleton_hash,
        system=text.system_hash,
        prefix=text.prefix_hash,
        suffix=text.suffix_hash,
        shingles=text.shingles,
        shingle_offsets=text.shingle_offsets,
        lexical=text.lex_bins,
        lexical_offsets=text.lex_offsets,
        topic=text.topic,
        capability=text.capability,
        issued=issued.keys,
        issued_offsets=issued.offsets,
        presented=presented.keys,
        presented_offsets=presented.offsets,
    )
    return Digest(_hash(frame, "account_id", keys), columns)


def place(digested: Digest, accounts: pl.Series, store: ProfileStore) -> Columns:
    """The columns with the slots of their accounts in `store`; new accounts get theirs here.

    Args:
        digested: of a batch.
        accounts: its account ids.
        store: gives the slots.
    """
    return digested.columns._replace(slot=store.slots_of(digested.ident, accounts))


def model_bin(names: pl.Series) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """Bin of each model's name: not secret, and the same everywhere."""
    return (hash_strings(names, 0) % np.uint64(MODEL_BINS)).astype(np.uint8)
