"""What a profile holds: the arrays, their widths and their meaning, in one place.

A profile is two structures of arrays. `Accounts` has one row an account (its *slot*): identity, decayed sums, and the bounded
tables of what it repeats. `Panes` has one row an account and pane of `PANE_HOURS`: counts, histograms, bitmaps and sketches.
Panes older than `PANES` are dropped, so that everything forgets.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)
I16 = npt.NDArray[np.uint16]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
PANE_HOURS = 56  # three of them make seven days
PANES = 3
PANE_US = PANE_HOURS * HOUR_US
WINDOW_US = PANES * PANE_US

# Yes/no facts of an exchange, one bit each in `Columns.flags`, one count each in a pane.
FLAGS = (
    "denied",
    "limited",
    "failed",
    "embeddings",
    "multi_turn",
    "tool_offer",
    "tool_result",
    "n_gt1",
    "logprobs",
    "temperature_known",
    "temperature_hot",
    "max_tokens_known",
    "saturated",
    "empty",
    "system",
    "reasoning",
    "json",
    "weekend",
    "tool_call",
)
# Counts that are not flags of one exchange.
EXTRA_COUNTS = ("requests", "gaps", "fixed_gaps")
COUNTS = (*FLAGS, *EXTRA_COUNTS)
COUNT = {name: i for i, name in enumerate(COUNTS)}

CAPABILITIES = ("reasoning", "tools", "coding", "maths", "grading", "synthesis", "knowledge", "other")
N_CAPABILITIES = len(CAPABILITIES)
# Sums of the capability probabilities (0–255 fixed point) and of the training value.
N_CAPABILITY_SUMS = N_CAPABILITIES + 1

GAP_BINS = 16  # powers of two of a gap's seconds; below 1 s is bin 0
LENGTH_BINS = 24  # half octaves of a token count, 1 … 4096 and above
LEXICAL_BINS = 32
SLOT_US = 600_000_000  # activity bitmap: ten minutes a bit
SLOT_WORDS = (PANE_HOURS * 6 + 63) // 64
PROMPT_REGISTERS = 64
SKELETON_REGISTERS = 32
# Small distinct counts, each a 64-bit linear-counting bitmap.
BITMAPS = ("address", "network", "tls", "key", "end_user", "conversation", "topic", "route")
BITMAP = {name: i for i, name in enumerate(BITMAPS)}
MODEL_BINS = 8

DECAY_HOURS = (1, 24, 168)  # half-lives of the decayed sums
DECAYED = ("requests", "input_tokens", "output_tokens")
N_DECAYED = len(DECAYED) * len(DECAY_HOURS)

TEMPLATE_KEYS = 32  # Misra–Gries capacity for the pieces of text that an account repeats
SYSTEM_KEYS = 4
NETWORK_KEYS = 4  # bottom-k sample by hash: the same networks are kept by every account
TLS_KEYS = 2
# Bottom-k samples of the reasoning artefacts that an account was issued, and of those that it presented. Samples by hash are
# coordinated: of a pool that many accounts present, all keep the same few. An account that presents 50 of another's among thousands
# of its own keeps as many times their share of all as the sample is long: a sign between two such accounts is missed more often than
# not, over a pool of accounts it is not. Who presents acts, and gets the longer one; all of it is 40 bytes an account.
PRESENTED_KEYS = 3
ISSUED_KEYS = 2
CONFLICT = 0xFFFF_FFFF  # organisation of an account that was seen under several
FANOUT_KEYS = 4  # Misra–Gries over API keys and over end users: is one of them the culprit?


class Accounts(NamedTuple):
    """One row a slot.

    Attributes:
        ident: keyed hash of the account id.
        organisation: short keyed hash of the log's organisation, 0 before one is seen, `CONFLICT` after several.
        first, last: event time of the first and last exchange, µs since the epoch; 0 in an unused slot.
        decayed: forward-decayed sums relative to the store's landmarks, `DECAYED` × `DECAY_HOURS`.
        last_gap: seconds between the last two exchanges.
        pane: row in `Panes` for pane index modulo `PANES`, −1 where there is none.
        template_key, template_count: Misra–Gries table of shingles, prefixes and suffixes.
        texts: exchanges with text that the template table has seen, decayed like its counts.
        system_key, system_count: the same for system prompts.
        network, tls: bottom-k samples of keyed hashes.
        issued, presented: the same of reasoning artefacts, 56 bits each: the smallest of many hashes lie close together, and 32
            bits of them would meet by chance.
        key_ident, key_count, user_ident, user_count: the heaviest API keys and end users.
    """

    ident: U64
    organisation: U32
    first: I64
    last: I64
    decayed: F64
    last_gap: npt.NDArray[np.float32]
    pane: I32
    template_key: U32
    template_count: I16
    texts: I32
    system_key: U32
    system_count: I16
    network: U32
    tls: U32
    issued: U64
    presented: U64
    key_ident: U32
    key_count: I16
    user_ident: U32
    user_count: I16


class Panes(NamedTuple):
    """One row an account and pane; all of it mergeable by sum, bitwise or, or maximum.

    Attributes:
        slot, index: the account and the pane index (event time divided by `PANE_US`); −1 in a free row.
        counts: `COUNTS`.
        tokens: input and output tokens.
        capability: sums of probabilities × 255, then of the training value × 255.
        gap_sums: sum of gaps and of their squares, seconds.
        minute: first minute and its count, last minute and its count, largest count of a minute.
        hours: exchanges by hour of day, UTC, saturating.
        active: ten-minute activity bitmap.
        gaps, lengths_in, lengths_out, lexical: histograms, saturating.
        prompts, skeletons: HyperLogLog registers.
        bitmaps: `BITMAPS`.
        models: exchanges by hashed model, saturating.
    """

    slot: I32
    index: I32  # type: ignore[assignment]  # a NamedTuple has a method of this name, which nobody calls here
    counts: I32
    tokens: I64
    capability: I32
    gap_sums: F64
    minute: I32
    hours: I16
    active: U64
    gaps: I16
    lengths_in: I16
    lengths_out: I16
    lexical: I16
    prompts: U8
    skeletons: U8
    bitmaps: U64
    models: I16


def empty_accounts(n: int) -> Accounts:
    """`n` unused slots."""
    return Accounts(
        ident=np.zeros(n, np.uint64),
        organisation=np.zeros(n, np.uint32),
        first=np.zeros(n, np.int64),
        last=np.zeros(n, np.int64),
        decayed=np.zeros((n, N_DECAYED)),
        last_gap=np.zeros(n, np.float32),
        pane=np.full((n, PANES), -1, np.int32),
        template_key=np.zeros((n, TEMPLATE_KEYS), np.uint32),
        template_count=np.zeros((n, TEMPLATE_KEYS), np.uint16),
        texts=np.zeros(n, np.int32),
        system_key=np.zeros((n, SYSTEM_KEYS), np.uint32),
        system_count=np.zeros((n, SYSTEM_KEYS), np.uint16),
        network=np.zeros((n, NETWORK_KEYS), np.uint32),
        tls=np.zeros((n, TLS_KEYS), np.uint32),
        issued=np.zeros((n, ISSUED_KEYS), np.uint64),
        presented=np.zeros((n, PRESENTED_KEYS), np.uint64),
        key_ident=np.zeros((n, FANOUT_KEYS), np.uint32),
        key_count=np.zeros((n, FANOUT_KEYS), np.uint16),
        user_ident=np.zeros((n, FANOUT_KEYS), np.uint32),
        user_count=np.zeros((n, FANOUT_KEYS), np.uint16),
    )


def empty_panes(n: int) -> Panes:
    """`n` free rows."""
    return Panes(
        slot=np.full(n, -1, np.int32),
        index=np.full(n, -1, np.int32),
        counts=np.zeros((n, len(COUNTS)), np.int32),
        tokens=np.zeros((n, 2), np.int64),
        capability=np.zeros((n, N_CAPABILITY_SUMS), np.int32),
        gap_sums=np.zeros((n, 2)),
        minute=np.zeros((n, 5), np.int32),
        hours=np.zeros((n, 24), np.uint16),
        active=np.zeros((n, SLOT_WORDS), np.uint64),
        gaps=np.zeros((n, GAP_BINS), np.uint16),
        lengths_in=np.zeros((n, LENGTH_BINS), np.uint16),
        lengths_out=np.zeros((n, LENGTH_BINS), np.uint16),
        lexical=np.zeros((n, LEXICAL_BINS), np.uint16),
        prompts=np.zeros((n, PROMPT_REGISTERS), np.uint8),
        skeletons=np.zeros((n, SKELETON_REGISTERS), np.uint8),
        bitmaps=np.zeros((n, len(BITMAPS)), np.uint64),
        models=np.zeros((n, MODEL_BINS), np.uint16),
    )


def bytes_per_row(arrays: Accounts | Panes) -> int:
    """Bytes of one row over all arrays."""
    return sum(int(array.nbytes) // max(1, array.shape[0]) for array in arrays)


def offsets_of(groups: Sequence[npt.NDArray[Any]]) -> I64:
    """Where each group starts when all lie one after the other, and where the last one ends; i64[groups + 1]."""
    return np.concatenate([[0], np.cumsum([g.size for g in groups])]).astype(np.int64)


def grown(array: np.ndarray[Any, np.dtype[T]], n: int, blank: float) -> np.ndarray[Any, np.dtype[T]]:
    """The same array where it has `n` rows, or a half larger one at least that long, its new rows blank.

    Args:
        array: one row a slot or key.
        n: rows that are needed.
        blank: value of the new rows.
    """
    size = array.shape[0]
    if n <= size:
        return array
    out = np.full((max(n, 3 * size // 2), *array.shape[1:]), blank, array.dtype)
    out[:size] = array
    return out


class Columns(NamedTuple):
    """A batch as the kernels want it: one element an exchange, in time order; hashes are keyed, 0 where absent.

    Attributes:
        slot: row of `Accounts`.
        ts: event time, µs.
        organisation: short identity hash.
        flags: `FLAGS` as bits.
        tokens_in, tokens_out: tokens, 0 where absent.
        address, network, tls, key, end_user, conversation, route: identity hashes.
        model: hash of the model modulo `MODEL_BINS`.
        prompt, skeleton, system: text hashes.
        prefix, suffix: first and last eight masked words.
        shingles, shingle_offsets: sampled masked 4-word shingles.
        lexical, lexical_offsets: sampled word bins.
        topic: bucket of the rarest word, 0–63.
        capability: probabilities × 255, `CAPABILITIES`.
        issued, issued_offsets: reasoning artefacts of the answers, 56 bits of a hash each; where there is none in all of the
            batch, both are empty.
        presented, presented_offsets: the same of those that came with the requests.
    """

    slot: I32
    ts: I64
    organisation: U32
    flags: U32
    tokens_in: I64
    tokens_out: I64
    address: U64
    network: U64
    tls: U64
    key: U64
    end_user: U64
    conversation: U64
    route: U64
    model: U8
    prompt: U64
    skeleton: U64
    system: U64
    prefix: U32
    suffix: U32
    shingles: U32
    shingle_offsets: I64
    lexical: U8
    lexical_offsets: I64
    topic: U8
    capability: U8
    issued: U64
    issued_offsets: I64
    presented: U64
    presented_offsets: I64
