"""The text kernel against a slow reference, and what masking must and must not hide."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.profiles import digest, quotes
from detector.profiles.capability import BUCKETS, CapabilityModel
from detector.profiles.skeletons import masked_words
from detector.profiles.text import TextDigest, digest_text, trace_buckets
from detector.profiles.tokens import HEAD, TAIL

KEY = 0x0123456789ABCDEF_FEDCBA9876543210
M64 = (1 << 64) - 1
MASK_HASH = {name: int(getattr(quotes, name.upper())) for name in quotes.MASKS}
STEP, START = 0x8BB84B93962EACC9, 0x2D358DCCAA6C78A5
WRAPPER = "You are a careful tutor. Solve the problem below and explain every step of it.\n\n{}\n\nNow grade {} too."

MARKS = ['"', "'", "`", "```", "“", "”", "’", ".", ",", "@", "://", "/", " ", "\n", "\n\n", "\u00a0", "—", "。", "\0"]
WORDS = ["a", "Word", "long" * 9, "7", "1,000", "3.14", "don't", "x_y", "e.g.", "日本語", "é", "😀", "me@example.com"]
pieces = st.sampled_from([*MARKS, *WORDS, "https://example.com/a?b=1"])
short = st.one_of(st.text(max_size=60), st.lists(pieces, max_size=40).map("".join))
texts = st.one_of(short, st.lists(pieces, min_size=900, max_size=2500).map("".join))


def random_model(seed: int = 0) -> CapabilityModel:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-127, 128, (BUCKETS, 8)).astype(np.int8)
    return CapabilityModel(weights, np.full(8, 0.01, np.float32), rng.normal(size=8).astype(np.float32))


MODEL = random_model()


def run(prompts: list[str | None], systems: list[str | None] | None = None, key: int = KEY) -> TextDigest:
    systems = [None] * len(prompts) if systems is None else systems
    return digest_text(pl.Series(prompts, dtype=pl.String), pl.Series(systems, dtype=pl.String), key, MODEL)


def mum(a: int, b: int) -> int:
    return (a * b >> 64) ^ (a * b & M64)


def mix64(h: int) -> int:
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & M64
    h = (h ^ h >> 27) * 0x94D049BB133111EB & M64
    return h ^ h >> 31


def word_hash(letters: bytes) -> int:
    h, full = START, len(letters) // 8 * 8
    for i in range(0, full, 8):
        h = mum(h ^ int.from_bytes(letters[i : i + 8], "little"), STEP)
    return mix64(mum(h ^ int.from_bytes(letters[full:], "little"), STEP) ^ len(letters))


def words_of(text: str) -> list[int]:
    return [MASK_HASH[w.text.decode()] if w.masked else word_hash(w.text) for w in masked_words(text)]


def secret() -> int:
    return mix64((KEY & M64) ^ mix64(KEY >> 64))


def fold(words: list[int], key: int) -> int:
    for word in words:
        key = mum(key ^ word, int(digest._FOLD))
    return mix64(key)


def normal(data: bytes) -> bytes:
    out = bytearray()
    for byte in data.lower():
        if byte > 32:
            out.append(byte)
        elif out and out[-1] != 32:
            out.append(32)
    return bytes(out.removesuffix(b" "))


def prompt_hash(text: str) -> int:
    data, h = text.encode(), secret() ^ int(digest._PROMPT)
    parts = [data]
    if len(data) > HEAD + TAIL:
        h, parts = h ^ len(data), [data[:HEAD], data[-TAIL:]]
    for part in map(normal, parts):
        full = len(part) // 8 * 8
        for i in range(0, full, 8):
            h = mum(h ^ int.from_bytes(part[i : i + 8], "little"), int(digest._FOLD))
        h = mum(h ^ int.from_bytes(part[full:], "little"), int(digest._FOLD) ^ len(part))
    return mix64(h)


def shingles(words: list[int]) -> list[int]:
    a, b, found = int(digest._A), int(digest._B), set()
    for one, two, three, four in zip(words, words[1:], words[2:], words[3:], strict=False):
        h = mum((one + two * a & M64) ^ secret(), (three + four * a & M64) + b & M64)
        if h % digest.SAMPLED == 0:
            found.add(max(h >> 32, 1))
    return sorted(found)[:32]


def logits(words: list[list[int]]) -> np.ndarray:
    sums = MODEL.bias.astype(np.float64)
    count = sum(map(len, words))
    for part in words:
        rows = [w % BUCKETS for w in part]
        pairs = pairwise(part)
        rows += [(((v * int(digest._PAIR) + w) * int(digest._A) & M64) >> 32) % BUCKETS for v, w in pairs]
        sums = sums + MODEL.weights[rows].astype(np.float64).sum(axis=0) * 0.01 / np.sqrt(max(count, 1))
    return sums


@settings(max_examples=75, deadline=None)
@given(texts, texts)
def test_the_kernel_agrees_with_the_slow_reference(prompt, system):
    d, words, of_system = run([prompt], [system]), words_of(prompt), words_of(system)
    assert d.words[0] == len(words)
    assert d.prompt_hash[0] == prompt_hash(prompt)
    assert d.skeleton_hash[0] == (fold(words, secret()) if words else 0)
    assert d.system_hash[0] == fold(of_system, secret() ^ int(digest._SYSTEM))
    assert d.shingles.tolist() == shingles(words)
    if len(words) >= 8:
        assert d.prefix_hash[0] == fold(words[:8], secret() ^ int(digest._PREFIX)) >> 32
        assert d.suffix_hash[0] == fold(words[-8:], secret() ^ int(digest._SUFFIX)) >> 32
    else:
        assert d.prefix_hash[0] == d.suffix_hash[0] == 0
    expected = 255 / (1 + np.exp(-logits([words, of_system])))
    assert np.abs(d.capability[0] - expected).max() < 0.51 + 0.01


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.none(), texts), max_size=12), st.integers(0, 12))
def test_chunks_give_what_the_whole_gives(prompts, cut):
    systems = prompts[::-1]
    whole, parts = run(prompts, systems), [run(prompts[:cut], systems[:cut]), run(prompts[cut:], systems[cut:])]
    for name in TextDigest.__dataclass_fields__:
        if name.endswith("offsets"):
            joined = np.concatenate([np.diff(getattr(part, name)) for part in parts])
            assert np.array_equal(np.diff(getattr(whole, name)), joined)
        else:
            assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts])), name


def test_a_sliced_and_rechunked_column_is_read_as_itself():
    texts = ["first one", None, "the second text", "", "third"]
    series = pl.Series(["x", *texts, "y"])[1:-1]
    parts = pl.concat([pl.Series(texts[:2], dtype=pl.String), pl.Series(texts[2:])], rechunk=False)
    none = pl.Series([None] * 5, dtype=pl.String)
    want = run(texts).prompt_hash
    assert np.array_equal(digest_text(series, none, KEY, MODEL).prompt_hash, want)
    assert np.array_equal(digest_text(parts, none, KEY, MODEL).prompt_hash, want)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Add 12 and 7 now", "add 4,500 and 3.25 NOW"),
        ('Translate "good morning" to French', 'Translate "the cat\nsat; down" to French'),
        ("Call him 'Bob' please", "Call him 'Alice the Great' please"),
        ("Quote “one thing” here", "Quote “something else entirely” here"),
        ("Open https://example.com/a?b=1 first", "Open http://192.0.2.7/x/y.html first"),
        ("Write to bob@example.com soon", "Write to alice.smith@mail.example.org soon"),
        ("See www.example.com/path today", "See docs.example.org/other today"),
        ("Fix `x = 1` now", "Fix `foo(bar)` now"),
        ("Fix ```py\nx = 1\n``` now", "Fix ```\nwhile True:\n  pass\n``` now"),
        ("Read " + "ab" * 20 + " here", "Read " + "xyz" * 30 + " here"),
        ("Sum 1, 2, 3 up", "Sum 1 2 3 4 5 6 up"),
        ("Two lines\nof text.", "two  lines of: text!"),
    ],
)
def test_what_fills_a_slot_does_not_change_the_skeleton(one, other):
    d = run([one, other], [one, other])
    assert d.skeleton_hash[0] == d.skeleton_hash[1] != 0
    assert d.system_hash[0] == d.system_hash[1] != 0
    assert d.prompt_hash[0] != d.prompt_hash[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the dogs' food and the cats' food", "the dogs' milk and the cats' food"),
        ("It isn't what they'd said", "It isn't how they'd said"),
        ('height 6" is tall', 'height 6" is short'),
        ("open ``` and then words", "open ``` and then others"),
    ],
)
def test_an_unpaired_mark_hides_nothing(one, other):
    d = run([one, other])
    assert d.skeleton_hash[0] != d.skeleton_hash[1]


def test_prompt_hash_ignores_case_and_white_space_only():
    d = run(["Say  hello\n there", " say hello there ", "say hello, there", "sayhello there"])
    assert d.prompt_hash[0] == d.prompt_hash[1]
    assert len(set(d.prompt_hash.tolist())) == 3


def test_a_wrapper_is_found_again_whatever_it_wraps():
    items = [
        "Tom has 3 apples and eats one.",
        "Which city is the capital of Peru?",
        "Rain falls mainly on the plain in spring.",
    ]
    d = run([WRAPPER.format(item, item.split()[0]) for item in items])
    kept = [set(d.shingles[a:b].tolist()) for a, b in pairwise(d.shingle_offsets)]
    assert set.intersection(*kept)
    assert len(set(d.prefix_hash.tolist())) == 1
    assert len(set(d.skeleton_hash.tolist())) == 3


def test_null_empty_and_blank():
    d = run([None, "", " \n", "?!", "word"], [None, "", None, "be kind", None])
    assert d.prompt_hash[0] == 0
    assert (d.prompt_hash[1:] != 0).all()
    assert d.prompt_hash[1] == d.prompt_hash[2]
    assert d.empty.tolist() == [False, True, True, True, True]
    assert (d.skeleton_hash != 0).tolist() == [False, False, False, False, True]
    assert (d.system_hash != 0).tolist() == [False, True, False, True, False]
    assert d.words.tolist() == [0, 0, 0, 0, 1]
    assert d.system_words.tolist() == [0, 0, 0, 2, 0]
    assert (d.capability[0] == 0).all()
    empty = run([])
    assert empty.shingle_offsets.tolist() == [0] == empty.lex_offsets.tolist()


def test_another_key_changes_every_hash():
    texts = [WRAPPER.format("some words to wrap", k) for k in "abc"]
    a, b, c = run(texts, texts), run(texts, texts, KEY ^ 1), run(texts, texts, KEY ^ 1 << 100)
    for name in ("prompt_hash", "skeleton_hash", "system_hash", "prefix_hash", "suffix_hash", "shingles"):
        x, y, z = (set(getattr(d, name).tolist()) for d in (a, b, c))
        assert len(x | y | z) == len(x) + len(y) + len(z), name
    assert np.array_equal(a.capability, b.capability)


def test_only_head_and_tail_of_a_long_text_are_read():
    head, tail = "alpha beta " * (HEAD // 11), "gamma delta " * (TAIL // 12)
    d = run([head + " " * 99 + "middle " * k + " " * 99 + tail for k in (900, 901)])
    assert d.skeleton_hash[0] == d.skeleton_hash[1]
    assert d.prompt_hash[0] != d.prompt_hash[1]
    hostile = run(['" ' * 500_000, "' x" * 300_000, "`\n" * 500_000, "“" * 300_000])
    assert (hostile.words <= HEAD + TAIL).all()


def test_shingles_and_bins_are_bounded_and_spread():
    rng = np.random.default_rng(5)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    text = " ".join("".join(rng.choice(letters, 5)) for _ in range(1000))
    d = run([text, "one two three"])
    assert d.shingle_offsets.tolist() == [0, 32, 32]
    assert np.array_equal(d.shingles, np.sort(d.shingles))
    assert np.diff(d.lex_offsets).tolist()[1] == 3
    assert 16 <= d.lex_offsets[1] <= 32
    assert d.lex_bins.max() < 32
    assert len(set(d.lex_bins[: d.lex_offsets[1]].tolist())) > 8
    assert d.topic.max() < 64


def test_the_trace_is_what_the_model_adds_up():
    texts = ["Grade the answer from 1 to 10", None, "", "One", 'Say "it" twice']
    buckets, offsets, words = trace_buckets(pl.Series(texts), BUCKETS)
    d = run(texts)
    assert words.tolist() == d.words.tolist()
    for i, n in enumerate(words):
        rows = buckets[offsets[i] : offsets[i + 1]]
        assert len(rows) == max(2 * n - 1, 0)
        z = MODEL.bias + MODEL.weights[rows].sum(axis=0) * 0.01 / np.sqrt(max(n, 1))
        if texts[i] is not None:
            assert np.abs(255 / (1 + np.exp(-z)) - d.capability[i]).max() < 0.52


def test_request_parameters_move_only_what_they_concern():
    frame = pl.DataFrame({"tools": [["search"], [], None], "n_tool_results": [0, 2, None]})
    term = MODEL.request_term(frame)
    assert (term[:, 1] > 0).tolist() == [True, True, False]
    assert not np.delete(term, 1, axis=1).any()
    assert not MODEL.request_term(pl.DataFrame({"prompt": ["a", "b"]})).any()
    plain, told = (
        digest_text(pl.Series(["hi"] * 3), pl.Series([None] * 3, dtype=pl.String), KEY, MODEL, request=r)
        for r in (None, term)
    )
    assert (told.capability[:2, 1] > plain.capability[:2, 1]).all()
    assert np.array_equal(told.capability[2], plain.capability[2])
