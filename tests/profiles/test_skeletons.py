"""Skeletons in words: what evidence may show, and what it must not."""

from hypothesis import given, settings
from hypothesis import strategies as st

from detector.profiles.skeletons import LONGEST_SHOWN, common_skeleton, masked_words, skeleton_text

WORDS = [
    "the",
    "solve",
    "problem",
    "carefully",
    "answer",
    "secret",
    "invoice",
    "paris",
    "step",
    "by",
    "12",
    '"x y"',
    "`f()`",
]
sentences = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)


def plain(text):
    return {w.shown() for w in masked_words(text) if not w.masked}


def test_variable_parts_are_masked():
    text = 'Add 3.5 and "two"; run `f(x)`, see https://example.com/a, don\'t open report.final.doc NOW'
    expected = "add ⟨num⟩ and ⟨quote⟩ run ⟨code⟩ see ⟨url⟩ dont open ⟨slot⟩ now"
    assert skeleton_text(text) == expected
    assert skeleton_text("") == ""


def test_it_is_bounded():
    shown = skeleton_text("some words of a text " * 100)
    assert len(shown) <= LONGEST_SHOWN
    assert shown.endswith("…")
    texts = ["an opening line " * 60 + item + " an ending line" * 60 for item in ("first", "second")]
    assert len(common_skeleton(texts)) <= LONGEST_SHOWN


def test_the_template_is_found_between_its_slots():
    wrapper = "You are a helpful tutor. Solve this for {}: {} Write all your steps and then rate them from 1 to 10."
    fills = [
        ("Ann", "Which city lies on two rivers?"),
        ("Bob Smith", "Tom has 3 apples."),
        ("Cleo", "Say 'hi' to \"Dan\"."),
    ]
    shown = common_skeleton([wrapper.format(*fill) for fill in fills])
    assert shown == (
        "you are a helpful tutor solve this for ⟨slot⟩ write all your steps and then rate them from ⟨num⟩ to ⟨num⟩"
    )


def test_one_text_alone_shows_nothing():
    assert common_skeleton(["My own very private letter"]) == "⟨slot⟩"
    assert common_skeleton([]) == ""


def test_nothing_in_common_shows_nothing():
    assert common_skeleton(["alpha beta gamma", "delta epsilon"]) == "⟨slot⟩"
    assert common_skeleton(["", "delta epsilon"]) == "⟨slot⟩"
    assert common_skeleton(["same words here", "Same words, here!"]) == "same words here"


@settings(max_examples=200, deadline=None)
@given(st.lists(sentences, min_size=2, max_size=6))
def test_a_word_that_not_all_texts_have_never_appears(texts):
    shown = set(common_skeleton(texts).split(" ")) - {"", "…"}
    allowed = set.intersection(*map(plain, texts))
    assert {w for w in shown if not w.startswith("⟨")} <= allowed


@settings(max_examples=100, deadline=None)
@given(st.lists(sentences, min_size=2, max_size=5))
def test_the_words_stand_in_the_order_of_every_text(texts):
    shown = [w for w in common_skeleton(texts).split(" ") if w not in ("", "…", "⟨slot⟩")]
    for text in texts:
        rest = iter([w.shown() for w in masked_words(text)])
        assert all(any(word == other for other in rest) for word in shown)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_shown(text):
    assert len(skeleton_text(text)) <= LONGEST_SHOWN


def test_long_texts_are_compared_at_both_ends():
    head, tail = "please read the following report", "now write a short summary of it"
    middles = [" ".join(f"{word}{k}x" for k in range(900)).replace("0", "o") for word in ("left", "right")]
    shown = common_skeleton([f"{head} {middle} {tail}" for middle in middles])
    assert shown.startswith(head)
    assert shown.endswith(tail)
