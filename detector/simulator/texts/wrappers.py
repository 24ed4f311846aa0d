"""Fixed texts around what varies: system prompts of products, wrappers of campaigns; each drawn once, worded anew a seed."""

from detector.simulator.texts import words as w
from detector.simulator.texts.compose import Rng

_TASKS = ("problem", "question", "exercise", "task", "case", "puzzle")
_STEPS = (
    "every single step",
    "each intermediate thought",
    "the whole chain of thought",
    "all of your working",
    "each deduction in order",
)
_TAGS = ("<work>", "[[steps]]", "<trace>", "=== reasoning ===", "<scratch>", "## Derivation")
_FINALS = (
    "the final result on a line of its own",
    "the answer after the word RESULT",
    "a one-line conclusion",
    "the final value in brackets",
)
_NOTES = (
    "Do not skip anything, even if it looks obvious.",
    "Leave nothing out and do not summarise.",
    "A reader must be able to repeat your path without thinking.",
    "Number the steps and keep them short.",
    "Write as you think and correct yourself openly.",
    "If you change your mind, say why.",
)
_OPENINGS = (
    "Below is a {task} from our collection.",
    "You receive one {task} at a time.",
    "Here comes the next {task}.",
    "Consider this {task} with care.",
    "Treat what follows as a {task} for an expert panel.",
)
_GRADES = (
    "from 1 to 10",
    "on a five-point scale",
    "as pass or fail with a margin",
    "between 0 and 100",
    "with a letter from A to F",
)
_CRITERIA = (
    "accuracy",
    "depth",
    "clarity",
    "safety",
    "helpfulness",
    "style",
    "faithfulness",
    "coverage",
    "concision",
    "tone",
)
_SYNTHESIS = (
    "question and answer pairs",
    "instruction examples",
    "dialogues",
    "practice items",
    "counterexamples",
    "rewritten variants",
)
_RULES = (
    "vary the subject",
    "keep the difficulty",
    "never copy the seed",
    "use other names and numbers",
    "stay under a page",
    "make one of them hard",
    "mix short and long ones",
    "leave no hints",
    "avoid lists",
    "prefer everyday settings",
)
_RULE_WORDS = ("Rules", "Conditions", "Please note", "Constraints", "House style", "Checklist")
_COMMISSIONS = (
    "As a {role} you prepare material.",
    "You work as a {role} on a collection.",
    "Imagine a {role} with an empty page.",
    "We need the help of a {role}.",
    "Take the part of a {role}.",
)
_STARTS = (
    "Starting from this seed, write {n} {what}:",
    "Make {n} {what} out of the following:",
    "Here is one specimen; produce {n} {what} like it:",
    "Turn what comes next into {n} {what}:",
    "Grow {n} {what} from this:",
)
_ROLES = ("teacher", "tutor", "examiner", "editor", "archivist", "instructor", "curator")


def _one(rng: Rng, options: tuple[str, ...] | list[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _some(rng: Rng, options: tuple[str, ...] | list[str], n: int) -> list[str]:
    return [options[int(i)] for i in rng.choice(len(options), n, replace=False)]


def reasoning(rng: Rng) -> tuple[str, str]:
    """What stands before and after an item when the reasoning is wanted."""
    task, tag = _one(rng, _TASKS), _one(rng, _TAGS)
    before = f"{_one(rng, _OPENINGS).format(task=task)} Act as a patient {_one(rng, _ROLES)}.\n\n"
    after = f"\n\nWrite out {_one(rng, _STEPS)} under {tag}, then give {_one(rng, _FINALS)}. {' '.join(_some(rng, _NOTES, 2))}"
    return before, after


def grading(rng: Rng) -> tuple[str, str]:
    """The same for rubric grading."""
    a, b, c = _some(rng, _CRITERIA, 3)
    before = (
        f"You are the {_one(rng, _ROLES)} of a scoring panel. Judge the following strictly by {a}, {b} and {c}.\n\n"
    )
    after = f"\n\nGive a score {_one(rng, _GRADES)} for each of {a}, {b} and {c}, justify each in one sentence, then {_one(rng, _FINALS)}."
    return before, after


def synthesis(rng: Rng) -> tuple[str, str]:
    """The same for data synthesis."""
    n, what = int(rng.integers(3, 25)), _one(rng, _SYNTHESIS)
    before = f"{_one(rng, _COMMISSIONS).format(role=_one(rng, _ROLES))} {_one(rng, _STARTS).format(n=n, what=what)}\n\n"
    rules = ", ".join(_some(rng, _RULES, 3))
    after = (
        f"\n\n{_one(rng, _RULE_WORDS)}: {rules}; mark each with {_one(rng, _TAGS)}. {' '.join(_some(rng, _NOTES, 2))}"
    )
    return before, after


def agentic(rng: Rng) -> tuple[str, str]:
    """The same for tool-use trajectories."""
    before = f"{_one(rng, _OPENINGS).format(task='mission')} You may only act through the tools named in it.\n\n"
    after = (
        f"\n\nProduce the complete trajectory under {_one(rng, _TAGS)}: thought, call, observation, next thought, until done. "
        f"{' '.join(_some(rng, _NOTES, 2))} End with {_one(rng, _FINALS)}."
    )
    return before, after


def product_system(rng: Rng) -> str:
    """A system prompt of somebody's product."""
    name, first, second = _one(rng, w.PRODUCTS), *_some(rng, w.DUTIES, 2)
    return (
        f"You are the assistant of {name} {int(rng.integers(10, 99))}. Your job is to {first} and to {second} for {_one(rng, w.AUDIENCES)}. "
        f"Keep a {_one(rng, w.ADJECTIVES)} tone and never discuss {_one(rng, w.TOPICS)}. {_one(rng, list(w.SENTENCES))}."
    )


def office_system(rng: Rng) -> str:
    """An internal assistant's system prompt."""
    return f"You are the internal assistant of {_one(rng, w.PRODUCTS)} {int(rng.integers(100, 999))}. {'. '.join(_some(rng, list(w.SENTENCES), 3))}."


def framework_prompt(rng: Rng) -> str:
    """A prompt that a popular library ships and that many products use unchanged."""
    first, second = _some(rng, w.DUTIES, 2)
    return (
        f"Use the following context to {first}. If you do not know, say so and do not invent anything; {second} only when asked. "
        f"{_one(rng, list(w.SENTENCES))}. Answer in a {_one(rng, w.ADJECTIVES)} way.\n----\nContext:"
    )


def agent_system(rng: Rng) -> str:
    """The long system prompt of an open-source agent."""
    rules = " ".join(f"{i + 1}. {s}." for i, s in enumerate(_some(rng, list(w.SENTENCES), 6)))
    return f"You are {_one(rng, w.PRODUCTS)} agent, a coding assistant in a terminal. You have tools and a workspace. Rules: {rules} Always call one tool at a time."


def judge_system(rng: Rng) -> str:
    """A customer's own judge."""
    a, b = _some(rng, _CRITERIA, 2)
    return (
        f"Evaluate the output of our {_one(rng, w.PRODUCTS)} assistant for {a} and {b}. "
        f"Return JSON with a score {_one(rng, _GRADES)}. {_one(rng, list(w.SENTENCES))}."
    )
