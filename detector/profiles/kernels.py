"""The hot path: one pass over a batch's columns that updates every profile it touches.

All of it is integer sums, maxima and bitwise or, so that order and partition do not matter, with three exceptions that the
docs name: decayed sums and squares of gaps (1e-9 relative), gaps and minutes (need each account's records in time order), and
the Misra–Gries tables (bounded error: a count is at most `updates / (capacity + 1)` too low; Misra and Gries 1982).
"""

import math

import numpy as np
from numba import njit

from detector.profiles.bits import prefetch
from detector.profiles.hitters import heavy, repeated
from detector.profiles.layout import (
    BITMAP,
    CONFLICT,
    COUNT,
    DECAY_HOURS,
    FLAGS,
    GAP_BINS,
    HOUR_US,
    LENGTH_BINS,
    N_CAPABILITIES,
    PANE_US,
    PANES,
    PROMPT_REGISTERS,
    SKELETON_REGISTERS,
    SLOT_US,
    U8,
    U64,
    Accounts,
    Columns,
    Panes,
)

_N_FLAGS = len(FLAGS)
_REQUESTS = COUNT["requests"]
_GAPS = COUNT["gaps"]
_FIXED = COUNT["fixed_gaps"]
_EMPTY_BIT = np.uint32(1 << FLAGS.index("empty"))
_MULTI_TURN_BIT = np.uint32(1 << FLAGS.index("multi_turn"))
_ADDRESS, _NETWORK, _TLS, _KEY = BITMAP["address"], BITMAP["network"], BITMAP["tls"], BITMAP["key"]
_USER, _CONVERSATION, _TOPIC, _ROUTE = BITMAP["end_user"], BITMAP["conversation"], BITMAP["topic"], BITMAP["route"]
_SKELETON_BITS = SKELETON_REGISTERS.bit_length() - 1
_PROMPT_BITS = PROMPT_REGISTERS.bit_length() - 1
_MINUTE_US = 60_000_000
_SATURATED = np.uint16(65_535)
_CONFLICT = np.uint32(CONFLICT)
_FIXED_TOLERANCE = 0.05
_N_HALF_LIVES = len(DECAY_HOURS)
_HALF_LIVES_US = np.array([h * HOUR_US for h in DECAY_HOURS], np.float64)


@njit(cache=True)
def length_bin(tokens: int) -> int:
    """Half octave of a token count: 0 for none, then two bins a doubling."""
    if tokens <= 0:
        return 0
    return min(LENGTH_BINS - 1, 1 + int(2.0 * math.log2(tokens)))


@njit(cache=True)
def gap_bin(seconds: float) -> int:
    """Power of two of a gap; below one second is bin 0."""
    if seconds < 1.0:
        return 0
    return min(GAP_BINS - 1, 1 + int(math.log2(seconds)))


@njit(cache=True)
def bump(row: np.ndarray, column: int) -> None:
    """Saturating add of one."""
    if row[column] < _SATURATED:
        row[column] += np.uint16(1)


@njit(cache=True)
def register(registers: U8, hashed: int, bits: int) -> None:
    """HyperLogLog update (Flajolet et al. 2007): `bits` low bits choose the register, the rest gives the rank."""
    h = np.uint64(hashed)
    index = h & np.uint64((1 << bits) - 1)
    rest = h >> np.uint64(bits)
    rank = 1
    while rest & np.uint64(1) == np.uint64(0) and rank <= 64 - bits:
        rest >>= np.uint64(1)
        rank += 1
    registers[index] = max(registers[index], np.uint8(rank))


@njit(cache=True)
def bottom(keys: np.ndarray, key: int) -> None:
    """Keep the smallest distinct non-zero hashes of a row, sorted; zero marks an empty place."""
    for j in range(keys.shape[0]):
        if keys[j] == key:
            return
        if keys[j] == 0 or key < keys[j]:
            moved = keys[j]
            keys[j] = key
            for k in range(j + 1, keys.shape[0]):
                if moved == 0:
                    return
                moved, keys[k] = keys[k], moved
            return


@njit(cache=True)
def one_of(known: np.ndarray, slot: int, seen: int) -> None:
    """Keep what an account is said to be of while all say the same: the join of nothing < a hash < conflict."""
    if seen == 0 or known[slot] == seen:
        return
    known[slot] = seen if known[slot] == 0 else _CONFLICT


@njit(cache=True, nogil=True)
def majority(values: np.ndarray) -> int:
    """What more than half of the values other than 0 are; 0 where there is no such (Boyer and Moore 1981)."""
    candidate, lead = 0, 0
    for value in values:
        if value != 0:
            if lead == 0:
                candidate = value
            lead += 1 if value == candidate else -1
    same, known = 0, 0
    for value in values:
        known += value != 0
        same += value == candidate
    return candidate if 2 * same > known else 0


@njit(cache=True)
def free_row(panes: Panes, row: int) -> None:
    """Blank a pane row, so that it can be given out again."""
    panes.slot[row] = -1
    panes.index[row] = -1
    panes.counts[row] = 0
    panes.tokens[row] = 0
    panes.capability[row] = 0
    panes.gap_sums[row] = 0.0
    panes.minute[row] = 0
    panes.hours[row] = 0
    panes.active[row] = np.uint64(0)
    panes.gaps[row] = 0
    panes.lengths_in[row] = 0
    panes.lengths_out[row] = 0
    panes.lexical[row] = 0
    panes.prompts[row] = 0
    panes.skeletons[row] = 0
    panes.bitmaps[row] = np.uint64(0)
    panes.models[row] = 0


@njit(cache=True)
def pane_row(accounts: Accounts, panes: Panes, free: np.ndarray, slot: int, index: int, forget: bool) -> int:
    """The row of an account's pane, made when missing; −1 when the pane is older than what the ring still holds.

    `free` is a stack of free rows with its height in the last element; `forget` halves the account's heavy hitters at a new pane.
    """
    place = index % PANES
    row = accounts.pane[slot, place]
    if row >= 0:
        if panes.index[row] == index:
            return row
        if panes.index[row] > index:
            return -1
        free_row(panes, row)
    else:
        free[-1] -= 1
        row = free[free[-1]]
        accounts.pane[slot, place] = row
    panes.slot[row] = slot
    panes.index[row] = index
    if forget:
        _halve(accounts, slot)
    return row


@njit(cache=True)
def _halve(accounts: Accounts, slot: int) -> None:
    # The heavy-hitter tables forget by halves at each new pane of the account.
    accounts.template_count[slot] >>= np.uint16(1)
    accounts.system_count[slot] >>= np.uint16(1)
    accounts.key_count[slot] >>= np.uint16(1)
    accounts.user_count[slot] >>= np.uint16(1)
    accounts.texts[slot] >>= 1
    _forget_smallest(accounts.issued[slot])
    _forget_smallest(accounts.presented[slot])


@njit(cache=True)
def _forget_smallest(keys: np.ndarray) -> None:
    """Drop the smallest of a bottom-k sample: the smallest of all time would keep what is new out for ever."""
    last = keys.shape[0] - 1
    for j in range(last):
        keys[j] = keys[j + 1]
    keys[last] = 0


@njit(cache=True)
def _minute(minute: np.ndarray, now: int) -> None:
    # first minute, its count, last minute, its count, peak; minutes are counted from 1 so that 0 means none.
    if minute[0] == 0:
        minute[0] = now
        minute[2] = now
    if now == minute[0]:
        minute[1] += 1
    if now > minute[2]:
        minute[2] = now
        minute[3] = 0
    if now == minute[2]:
        minute[3] += 1
    minute[4] = max(minute[4], minute[3])


@njit(cache=True)
def _gap(accounts: Accounts, panes: Panes, slot: int, row: int, ts: int) -> None:
    if accounts.first[slot] == 0 or ts < accounts.last[slot]:
        return
    gap = (ts - accounts.last[slot]) / 1e6
    panes.counts[row, _GAPS] += 1
    panes.gap_sums[row, 0] += gap
    panes.gap_sums[row, 1] += gap * gap
    bump(panes.gaps[row], gap_bin(gap))
    if gap >= 1.0 and abs(gap - accounts.last_gap[slot]) <= _FIXED_TOLERANCE * gap:
        panes.counts[row, _FIXED] += 1
    accounts.last_gap[slot] = gap


@njit(cache=True)
def _decay(accounts: Accounts, slot: int, since: np.ndarray, tokens_in: int, tokens_out: int) -> None:
    for h in range(_N_HALF_LIVES):
        weight = 2.0 ** (since[h] / _HALF_LIVES_US[h])
        accounts.decayed[slot, h] += weight
        accounts.decayed[slot, _N_HALF_LIVES + h] += weight * tokens_in
        accounts.decayed[slot, 2 * _N_HALF_LIVES + h] += weight * tokens_out


@njit(cache=True)
def _identity(accounts: Accounts, panes: Panes, c: Columns, i: int, slot: int, row: int) -> None:
    one_of(accounts.organisation, slot, c.organisation[i])
    bits = panes.bitmaps[row]
    for column, hashed in (
        (_ADDRESS, c.address[i]),
        (_NETWORK, c.network[i]),
        (_TLS, c.tls[i]),
        (_KEY, c.key[i]),
        (_USER, c.end_user[i]),
        (_CONVERSATION, c.conversation[i]),
        (_ROUTE, c.route[i]),
    ):
        if hashed != 0:
            bits[column] |= np.uint64(1) << (hashed >> np.uint64(58))
    if c.network[i] != 0:
        bottom(accounts.network[slot], np.uint32(c.network[i] >> np.uint64(32)))
    if c.tls[i] != 0:
        bottom(accounts.tls[slot], np.uint32(c.tls[i] >> np.uint64(32)))
    if c.key[i] != 0:
        heavy(accounts.key_ident[slot], accounts.key_count[slot], np.uint32(c.key[i] >> np.uint64(32)))
    if c.end_user[i] != 0:
        heavy(accounts.user_ident[slot], accounts.user_count[slot], np.uint32(c.end_user[i] >> np.uint64(32)))


@njit(cache=True)
def _artefacts(keys: U64, offsets: np.ndarray, i: int, sample: np.ndarray) -> None:
    """Take the artefacts of an exchange into an account's sample."""
    if keys.shape[0] > 0:
        for j in range(offsets[i], offsets[i + 1]):
            bottom(sample, keys[j])


@njit(cache=True)
def _text(accounts: Accounts, panes: Panes, c: Columns, i: int, slot: int, row: int) -> None:
    if c.system[i] != 0:
        heavy(accounts.system_key[slot], accounts.system_count[slot], np.uint32(c.system[i] >> np.uint64(32)))
    if c.prompt[i] == 0:
        return
    if c.flags[i] & _EMPTY_BIT == 0:
        register(panes.skeletons[row], c.skeleton[i], _SKELETON_BITS)
        panes.bitmaps[row, _TOPIC] |= np.uint64(1) << np.uint64(c.topic[i])
    if c.flags[i] & _MULTI_TURN_BIT == 0:  # a later turn is no task: "go on" is everybody's
        register(panes.prompts[row], c.prompt[i], _PROMPT_BITS)
    accounts.texts[slot] += 1
    keys, counts = accounts.template_key[slot], accounts.template_count[slot]
    for j in range(c.shingle_offsets[i], c.shingle_offsets[i + 1]):
        repeated(keys, counts, c.shingles[j])
    if c.prefix[i] != 0:
        repeated(keys, counts, c.prefix[i])
    if c.suffix[i] != 0:
        repeated(keys, counts, c.suffix[i])
    for j in range(c.lexical_offsets[i], c.lexical_offsets[i + 1]):
        bump(panes.lexical[row], c.lexical[j])
    for k in range(N_CAPABILITIES):
        panes.capability[row, k] += c.capability[i, k]
    best = max(c.capability[i, 0], c.capability[i, 4], c.capability[i, 5])
    best = max(best, c.capability[i, 2] // 2, c.capability[i, 3] // 2)
    panes.capability[row, N_CAPABILITIES] += best


_AHEAD = 12  # exchanges: about as long as memory takes
_LINE = 64  # bytes that memory gives at a time


@njit(cache=True, inline="always")
def _fetch(column: np.ndarray, row: int) -> None:
    """Ask for a row of a column."""
    start = column.ctypes.data + row * column.strides[0]
    for line in range(0, column.strides[0], _LINE):
        prefetch(start + line)


@njit(cache=True)
def _fetch_account(a: Accounts, slot: int) -> None:
    _fetch(a.pane, slot)
    _fetch(a.first, slot)
    _fetch(a.last, slot)
    _fetch(a.decayed, slot)
    _fetch(a.last_gap, slot)
    _fetch(a.organisation, slot)
    _fetch(a.network, slot)
    _fetch(a.tls, slot)
    _fetch(a.key_ident, slot)
    _fetch(a.key_count, slot)
    _fetch(a.texts, slot)
    _fetch(a.template_key, slot)
    _fetch(a.template_count, slot)


@njit(cache=True)
def _fetch_pane(p: Panes, row: int) -> None:
    _fetch(p.counts, row)
    _fetch(p.tokens, row)
    _fetch(p.gap_sums, row)
    _fetch(p.minute, row)
    _fetch(p.hours, row)
    _fetch(p.active, row)
    _fetch(p.gaps, row)
    _fetch(p.lengths_in, row)
    _fetch(p.lengths_out, row)
    _fetch(p.models, row)
    _fetch(p.bitmaps, row)
    _fetch(p.prompts, row)
    _fetch(p.skeletons, row)
    _fetch(p.lexical, row)
    _fetch(p.capability, row)


@njit(cache=True, nogil=True)
def update(
    accounts: Accounts, panes: Panes, free: np.ndarray, c: Columns, start: int, stop: int, landmarks: np.ndarray
) -> None:
    """Add the exchanges `start:stop` of a batch, which is in time order, to the profiles of their accounts."""
    since = np.empty(_N_HALF_LIVES, np.float64)
    for i in range(start, stop):
        # A profile is spread over some forty places of memory. Asked for ahead, they come together, not one after the other.
        if i + 2 * _AHEAD < stop:
            _fetch_account(accounts, c.slot[i + 2 * _AHEAD])
        if i + _AHEAD < stop:
            row = accounts.pane[c.slot[i + _AHEAD], (c.ts[i + _AHEAD] // PANE_US) % PANES]
            if row >= 0:
                _fetch_pane(panes, row)
        slot, ts = c.slot[i], c.ts[i]
        row = pane_row(accounts, panes, free, slot, ts // PANE_US, True)
        for h in range(_N_HALF_LIVES):
            since[h] = ts - landmarks[h]
        _decay(accounts, slot, since, c.tokens_in[i], c.tokens_out[i])
        if row >= 0:
            counts = panes.counts[row]
            for k in range(_N_FLAGS):
                counts[k] += (c.flags[i] >> np.uint32(k)) & np.uint32(1)
            counts[_REQUESTS] += 1
            panes.tokens[row, 0] += c.tokens_in[i]
            panes.tokens[row, 1] += c.tokens_out[i]
            _gap(accounts, panes, slot, row, ts)
            offset = ts % PANE_US
            _minute(panes.minute[row], 1 + offset // _MINUTE_US)
            bump(panes.hours[row], (ts // HOUR_US) % 24)
            ten = offset // SLOT_US
            panes.active[row, ten >> 6] |= np.uint64(1) << np.uint64(ten & 63)
            bump(panes.lengths_in[row], length_bin(c.tokens_in[i]))
            bump(panes.lengths_out[row], length_bin(c.tokens_out[i]))
            bump(panes.models[row], c.model[i])
            _identity(accounts, panes, c, i, slot, row)
            _text(accounts, panes, c, i, slot, row)
            _artefacts(c.issued, c.issued_offsets, i, accounts.issued[slot])
            _artefacts(c.presented, c.presented_offsets, i, accounts.presented[slot])
        if accounts.first[slot] == 0 or ts < accounts.first[slot]:
            accounts.first[slot] = ts
        accounts.last[slot] = max(accounts.last[slot], ts)
