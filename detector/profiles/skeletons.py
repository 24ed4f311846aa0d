"""Masked skeletons in words, for evidence: the slow path, for the few texts that an alert shows.

The rules are those of `detector.profiles.tokens`, here as regular expressions over bytes; a test holds the two
together.
"""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from detector.profiles.quotes import INLINE, QUOTED, SINGLE
from detector.profiles.tokens import HEAD, LONGEST, SCRIPT, TAIL

LONGEST_SHOWN = 400  # characters
_FIRST_WORDS, _LAST_WORDS = 256, 128  # of a text that are compared, so that an alert costs milliseconds
_SLOT = "⟨slot⟩"

_MARK = re.compile(rb"[\xe2\xe3]\x80[\x00-\xff]?|\xc2\xa0", re.DOTALL)
_PLAIN = re.compile(rb"[A-Za-z0-9_]+")
_DIGIT = re.compile(rb"[0-9]")
# Short cuts for most of a text: what begins no word, quotation, code or mark; and words that nothing is joined to.
_BETWEEN = re.compile(rb"[^A-Za-z0-9_\x80-\xff\"'`]+")
_ALONE = re.compile(rb"[A-Za-z_]{1,%d}(?![A-Za-z0-9_\x80-\xff@:/.',])" % LONGEST)
_WORDLIKE = rb"(?![\xe2\xe3]\x80|\xc2\xa0)[A-Za-z0-9_\x80-\xff]"
_JOINT = re.compile(rb"(?P<dot>\.(?=%(w)s))|'(?=%(w)s)|(?<=[0-9]),(?=[0-9])|\xe2\x80\x99(?=%(w)s)" % {b"w": _WORDLIKE})
_URL_JOINT = re.compile(rb"@(?=%s)|://" % _WORDLIKE)
_URL_REST = re.compile(rb"[^\x00-\x20\"'`<>()\[\]{}|]*")
_QUOTE = re.compile(
    rb'"(?:(?!\n\n)[^"]){0,%d}"'
    rb"|(?<![A-Za-z0-9_\x80-\xff])'(?![\x00-\x20])[^\n]{1,%d}?(?<![\x00-\x20])'(?![A-Za-z0-9_\x80-\xff])"
    rb"|\xe2\x80\x9c.{0,%d}?\xe2\x80\x9d" % (QUOTED - 1, SINGLE, QUOTED - 1),
    re.DOTALL,
)
_CODE = re.compile(rb"```.*?```|(?!```)`[^`\n]{0,%d}`" % (INLINE - 1), re.DOTALL)


class MaskedWord(NamedTuple):
    """One word of a text.

    Attributes:
        text: its lower-case bytes, or the name of its mask.
        masked: whether it is a mask.
    """

    text: bytes
    masked: bool

    def shown(self) -> str:
        """The word as evidence may show it."""
        return f"⟨{self.text.decode()}⟩" if self.masked else self.text.decode("utf-8", "replace")


def _mask(name: bytes) -> MaskedWord:
    return MaskedWord(name, masked=True)


def _word(data: bytes, i: int) -> tuple[MaskedWord, int]:
    """The word that starts at `i`, and where it ends."""
    letters, dotted, script = bytearray(), False, 0
    while i < len(data):
        if run := _PLAIN.match(data, i):
            letters += run[0].lower()
            i = run.end()
        elif data[i] > 0x7F and not _MARK.match(data, i):  # noqa: PLR2004 - beyond ASCII
            if script >= SCRIPT and data[i] & 0xC0 != 0x80:  # noqa: PLR2004 - the first byte of a character
                break
            letters.append(data[i])
            script, i = script + 1, i + 1
        elif _URL_JOINT.match(data, i) or (data[i] == ord("/") and dotted and not _DIGIT.search(letters)):
            rest = _URL_REST.match(data, i + 1)
            return _mask(b"url"), rest.end() if rest else i
        elif joint := _JOINT.match(data, i):
            dotted = dotted or joint["dot"] is not None
            i = joint.end()
        else:
            break
    if _DIGIT.search(letters):
        return _mask(b"num"), i
    if dotted or len(letters) > LONGEST:
        return _mask(b"slot"), i
    return MaskedWord(bytes(letters), masked=False), i


def _segment(data: bytes, words: list[MaskedWord]) -> None:
    i = 0
    while i < len(data):
        if gap := _BETWEEN.match(data, i):
            i = gap.end()
            continue
        if alone := _ALONE.match(data, i):
            word, i = MaskedWord(alone[0].lower(), masked=False), alone.end()
        elif slot := _QUOTE.match(data, i):
            word, i = _mask(b"quote"), slot.end()
        elif slot := _CODE.match(data, i):
            word, i = _mask(b"code"), slot.end()
        elif (mark := _MARK.match(data, i)) is None and re.match(rb"[A-Za-z0-9_\x80-\xff]", data[i : i + 1]):
            word, i = _word(data, i)
        else:
            i = mark.end() if mark else i + 1
            continue
        if not (word.masked and words and words[-1] == word):
            words.append(word)


def masked_words(text: str) -> list[MaskedWord]:
    """The masked words of a text, as `tokens.words_of` finds them."""
    data, words = text.encode("utf-8", "surrogatepass"), list[MaskedWord]()
    for segment in [data] if len(data) <= HEAD + TAIL else [data[:HEAD], data[-TAIL:]]:
        _segment(segment, words)
    return words


def _bounded(words: list[str]) -> str:
    """Words with spaces between, cut before the one that would go beyond `LONGEST_SHOWN`."""
    shown = ""
    for word in words:
        longer = f"{shown} {word}" if shown else word
        if len(longer) > LONGEST_SHOWN - 2:
            return f"{shown} …"
        shown = longer
    return shown


def skeleton_text(text: str) -> str:
    """A text, its variable parts masked as ⟨num⟩ ⟨quote⟩ ⟨code⟩ ⟨url⟩ ⟨slot⟩; at most `LONGEST_SHOWN` characters."""
    return _bounded([word.shown() for word in masked_words(text)])


def _compared(text: str, index: int) -> list[str]:
    words = [word.shown() for word in masked_words(text)]
    if len(words) <= _FIRST_WORDS + _LAST_WORDS:
        return words
    # What stands between is like nothing in another text.
    return [*words[:_FIRST_WORDS], f"\0{index}", *words[-_LAST_WORDS:]]


def _align(common: list[str], gaps: set[int], other: list[str]) -> tuple[list[str], set[int]]:
    """The words of `common` that `other` has in the same order, and before which of them something else may stand."""
    kept, kept_gaps, before = list[str](), set[int](), (0, 0)
    for a, b, size in SequenceMatcher(None, common, other, autojunk=False).get_matching_blocks():
        if (a, b) != before:
            kept_gaps.add(len(kept))
        kept_gaps |= {len(kept) + k for k in range(size + (a + size == len(common))) if a + k in gaps}
        kept += common[a : a + size]
        before = (a + size, b + size)
    return kept, kept_gaps


def common_skeleton(texts: list[str]) -> str:
    """What all texts of one template share: their common words in order, ⟨slot⟩ for everything else.

    A word that is not in all of `texts` never appears. A single common word between two slots is chance more often than
    template and is left out too.

    Args:
        texts: uses of one template, one or more; with one text nothing is known to vary, and all of it is masked.

    Returns:
        At most `LONGEST_SHOWN` characters.
    """
    if len(texts) <= 1:
        return _SLOT if texts else ""
    common, gaps = _compared(texts[0], 0), set[int]()
    for index, text in enumerate(texts[1:], 1):
        common, gaps = _align(common, gaps, _compared(text, index))
    shown = list[str]()
    for k, word in enumerate(common):
        if k in gaps:
            shown.append(_SLOT)
        if not (k in gaps and k + 1 in gaps):
            shown.append(word)
    if len(common) in gaps:
        shown.append(_SLOT)
    return _bounded([word for k, word in enumerate(shown) if k == 0 or word != _SLOT or shown[k - 1] != _SLOT])
