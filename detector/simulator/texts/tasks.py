"""What people and machines ask: chats, sums, code, tool tasks, documents, answers to be judged."""

import polars as pl

from detector.simulator.texts import words as w
from detector.simulator.texts.compose import Rng, compose

_SLOTS = {
    "name": w.NAMES,
    "other": w.NAMES,
    "things": w.THINGS,
    "more": w.THINGS,
    "place": w.PLACES,
    "topic": w.TOPICS,
    "topic2": w.TOPICS,
    "adjective": w.ADJECTIVES,
    "verb": w.VERBS,
    "audience": w.AUDIENCES,
    "form": w.FORMS,
    "opener": w.OPENERS,
    "follow": w.FOLLOW_UPS,
    "s1": w.SENTENCES,
    "s2": w.SENTENCES,
    "s3": w.SENTENCES,
    "s4": w.SENTENCES,
    "function": w.FUNCTIONS,
    "language": w.LANGUAGES,
    "tool": w.TOOLS,
    "tool2": w.TOOLS,
    "product": w.PRODUCTS,
}

_CHAT = (
    "{opener}, can you {verb} {topic} for {audience}? {s1}.",
    "I need {form} about {topic} for {audience}, in a {adjective} tone",
    "{opener} what is the difference between {topic} and {topic2}?",
    "{verb} {topic} in {int} words",
    "Write {form} for {name} who works at {place} and cares about {topic}. {s2}.",
    "{s1}. {s3}. What should I do about it?",
    "{opener}, {name} from {place} says that {topic} matter more than {topic2}, is that true?",
    "my {adjective} neighbour {name} has {int} {things}, how do I store them near {place}",
)
_FOLLOW = (
    "{follow}",
    "{opener}, {follow}",
    "{follow}, {name} says {s1}",
    "{follow}? {s2}.",
    "I meant {topic}, {follow}",
)
_MATHS = (
    "{name} keeps {int} {things} at {place}. {other} brings {int1} more every day and gives away {int2} on Fridays. How many {things} are there after {int3} days?",
    "A box at {place} holds {int} {things}. {name} packs {int1} boxes and {other} unpacks {int2}. How many {things} are left in boxes?",
    "{name} buys {int} {things} for {int1} each and sells them for {int2} each. {other} takes {int3} percent of the profit. What does {name} keep?",
    "There are {int} {things} and {int1} {more} at {place}. If {name} swaps every third one, how many {more} are there in the end?",
    "{name} walks {int} steps a minute and {other} walks {int1}. They start {int2} metres apart at {place}. When do they meet?",
    "Find the remainder when the product of {int} and {int1} plus {int2} is divided by {int3}.",
    "The sum of three numbers of {things} is {int}. The second is {int1} more than the first, the third twice the second. Find all three.",
)
_CODE = (
    "Write a {language} function to {function}. It takes {int} {things} at most and must handle empty input.",
    "def solve({things}, limit={int}):\n    # {function}, then {s1}\n    ...\nComplete the function so that solve([{int1}, {int2}], {int3}) works.",
    "In {language}, {function} without using the standard library. Add tests for {int} and {int1} {things}.",
    "This {language} code should {function} but it returns {int} for {name}. Find the bug. {s2}.",
    "Implement a class in {language} that can {function} and {topic} lookups, with a limit of {int} entries.",
)
_TOOL = (
    "You can call {tool} and {tool2}. {name} wants to know about {topic} near {place} before {int} o'clock. Which calls are needed, with which arguments?",
    "Tools: {tool}(id), {tool2}(query, limit). Task: {s1}. Produce the calls as JSON for customer {int}.",
    "Use {tool} for order {int} of {name}, then {tool2} for {things} at {place}. What is the result if the first call fails?",
    "Plan the steps to {function} with {tool} and report to {other}. {s3}.",
)
_DOCUMENT = (
    "{s1}. {s2}. {s3}. {s4}. {name} added that {topic} were not discussed.",
    "From: {name}\nTo: {other}\nSubject: {topic}\n\n{s1}. {s2}. Please send {int} {things} to {place}. {s4}.",
    "Minutes, item {int}: {s2}. {name} asked about {topic}. {s3}. {other} will report on {topic2}. {s1}.",
    "{product} review by {name}: {s3}. The {things} arrived after {int} days. {s1}. I would {verb} it to {audience}.",
    "{s4}. According to {name}, {int} {things} were moved to {place}; {s2}. {s1}.",
)
_ANSWER = (
    "Question: {topic} for {audience}?\nAnswer A: {s1}. {s2}.\nAnswer B: {s3}. {s4}.",
    "Prompt: {verb} {topic}. Response: {s1}. {s3}. {name} counts {int} {things}.",
    "Task: write {form} on {topic2}. Output: {s2}. {s4}. Reference: {s1}.",
)
_FOREIGN = tuple(t.replace("{t}", "{topic}") for t in w.FOREIGN)


def chat(rng: Rng, n: int) -> pl.Series:
    """First turns of people, a tenth in other languages."""
    patterns = (*_CHAT, *_FOREIGN)
    weights = [0.9 / len(_CHAT)] * len(_CHAT) + [0.1 / len(_FOREIGN)] * len(_FOREIGN)
    return compose(rng, patterns, _SLOTS, n, weights)


def follow_up(rng: Rng, n: int) -> pl.Series:
    """Later turns of people."""
    return compose(rng, _FOLLOW, _SLOTS, n)


def maths(rng: Rng, n: int) -> pl.Series:
    """Word problems."""
    return compose(rng, _MATHS, _SLOTS, n)


def code(rng: Rng, n: int) -> pl.Series:
    """Programming tasks."""
    return compose(rng, _CODE, _SLOTS, n)


def tool_task(rng: Rng, n: int) -> pl.Series:
    """Tasks for tools."""
    return compose(rng, _TOOL, _SLOTS, n)


def document(rng: Rng, n: int) -> pl.Series:
    """Texts to be worked on."""
    return compose(rng, _DOCUMENT, _SLOTS, n)


def answers(rng: Rng, n: int) -> pl.Series:
    """Answers to be judged."""
    return compose(rng, _ANSWER, _SLOTS, n)


def mixed(rng: Rng, n: int) -> pl.Series:
    """All of it: what a curriculum is made of."""
    patterns = (*_MATHS, *_CODE, *_TOOL, *_CHAT)
    return compose(rng, patterns, _SLOTS, n)
