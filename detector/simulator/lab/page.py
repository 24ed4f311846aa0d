"""`validation.html`: one page that needs nothing else."""

from statistics import fmean
from typing import Final

from detector.report.markup import Child, Html, h, join
from detector.simulator.lab.cells import Json, accuracy, marks, table
from detector.simulator.lab.kinds_section import kinds_section
from detector.simulator.lab.more_sections import adaptive_sections, gateway_section
from detector.simulator.lab.plots import Series, bars, lines

MODE_NAMES: Final = {"shadow": "no enforcement", "throttle": "throttle", "degrade": "degrade", "suspend": "suspend"}
STUDENT_NAMES: Final = {"degrade": "degrade, all kept", "degrade_sorted": "degrade, only reasoning kept"}
_STYLE: Final = Html("""
:root{color-scheme:light dark;--a:#2563a8;--b:#c2571a;--c:#3a7d44;--d:#7d4fa1;--e:#8a6d00;
--ink:#1c1f23;--soft:#5c6470;--rule:#d9dde3;--page:#fff}
@media(prefers-color-scheme:dark){:root{--a:#7db4f0;--b:#f0a070;--c:#86c98f;--d:#c5a3e0;--e:#d9bd5a;
--ink:#e8eaed;--soft:#a2aab5;--rule:#3a4048;--page:#16181b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:1040px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:1.5rem;margin:0 0 4px}h2{font-size:1.1rem;margin:36px 0 6px}p{margin:4px 0 10px;max-width:70ch}
.muted{color:var(--soft)}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{white-space:nowrap;padding:5px 14px 5px 0;text-align:right;border-bottom:1px solid var(--rule)}
th:first-child,td:first-child{text-align:left;white-space:normal}
th{font-weight:600;color:var(--soft)}.missed{color:var(--b);font-weight:600}
.wide{overflow-x:auto}figure{margin:8px 0}svg{width:100%;height:auto;display:block}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .small{font-size:10px}.mid{text-anchor:middle}.end{text-anchor:end}
.grid{stroke:var(--rule)}figcaption span{margin-right:18px;white-space:nowrap}
figcaption i{display:inline-block;width:14px;height:4px;margin-right:6px;vertical-align:middle}
path{fill:none;stroke-width:2}.line0{stroke:var(--a)}.line1{stroke:var(--b)}.line2{stroke:var(--c)}.line3{stroke:var(--d)}.line4{stroke:var(--e)}
.fill0{fill:var(--a)}.fill1{fill:var(--b)}.fill2{fill:var(--c)}.fill3{fill:var(--d)}.fill4{fill:var(--e)}
.key0{background:var(--a)}.key1{background:var(--b)}.key2{background:var(--c)}.key3{background:var(--d)}.key4{background:var(--e)}
""")


def page(found: Json) -> str:
    """The page of a validation's keys."""
    body = h(
        "body",
        h("h1", "Does stopping them stop the student?"),
        h("p", _scale(found), class_="muted"),
        h("p", _verdict(found)),
        h("h2", "Goals"),
        _goals(found),
        h("h2", "Students"),
        _students(found),
        h("h2", "Capability against exchanges harvested"),
        h("p", "Without enforcement. Bars are 95 % intervals over seeds.", class_="muted"),
        lines([_curve(found)], "exchanges harvested", "exact answers", logarithmic=True),
        h("h2", "Capability while the attack goes on"),
        h(
            "p",
            "Lines read the curve above at what was answered in full so far; the dots at the end are students trained on all "
            "that was answered. Under degrade, accounts that were named get answers without reasoning and log-probabilities; its "
            "dot is a student that learns from these too, and is the worse for it where it takes up their form.",
            class_="muted",
        ),
        _modes(found),
        h("h2", "What each campaign gets through"),
        bars(
            {
                name: [each["passed_share"][m] for m in ("throttle", "suspend")]
                for name, each in found["campaigns"].items()
            },
            ["passed under throttle", "passed under suspend"],
        ),
        h("h2", "Time to detect, and what a student would gain from one campaign alone"),
        _campaigns(found),
        h("h2", "Benign requests refused"),
        _refused(found),
        *_race(found["arms_race"]),
        *adaptive_sections(found["adaptive"]),
        *gateway_section(found["gateway"]),
        *_other_students(found),
        *kinds_section(found["distillation"]),
        h("h2", "Tabular track: labels in context against out of fold"),
        h(
            "p",
            "A teacher that sees the row it labels, and attends to the nearest rows most, repeats that row's label. One that "
            "spreads its attention hardly notices the row. Held-out scores of students; “wrong” is the share of training "
            "labels drawn anew; the margin is taken split by split.",
            class_="muted",
        ),
        _tables(found),
        h("p", ", ".join(f"{name} {v}" for name, v in found["versions"].items()), class_="muted"),
    )
    head = h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width,initial-scale=1"),
        h("title", "Revenuer: validation"),
        h("style", _STYLE),
    )
    return f"<!doctype html>\n{h('html', head, body, lang='en')}\n"


def _scale(found: Json) -> str:
    plan = found["plan"]
    return (
        f"World {plan['world']}, {len(found['seeds'])} seeds, {plan['name']} run. The student needs "
        f"{found['exchanges_needed']:,} exchanges to reach 95 % of its plateau, {found['exchanges_to_half']:,} to reach half; "
        f"the attack asks for {found['budget']:,}."
    )


def _verdict(found: Json) -> str:
    shares = {name: found["gained"][name] for name in ("throttle", "degrade", "degrade_sorted", "suspend")}
    if any(share is None for share in shares.values()):
        return "The unprotected student learned nothing, so there is nothing to compare."
    said = ", ".join(
        f"{share['mean']:.0%} under {STUDENT_NAMES.get(name, name)}" for name, share in shares.items() if share
    )
    return f"Of what an unprotected student learns over an untrained one, the student still gains {said}."


def _goals(found: Json) -> Html:
    rows: list[list[Child]] = [
        [g["name"], g["wanted"], g["measured"], "reached" if g["met"] else h("span", "missed", class_="missed")]
        for g in found["goals"]
    ]
    return table(["goal", "wanted", "measured", ""], rows)


def _gain(each: Json | None) -> str:
    return f"{each['mean']:.0%} ({each['low']:.0%} to {each['high']:.0%})" if each else "—"


def _students(found: Json) -> Html:
    heads = ["student", "exchanges", "exact answers (95 %)", "agrees with teacher", "divergence, nats", "gained (95 %)"]
    rows: list[list[Child]] = [
        ["teacher", "", f"{found['teacher_accuracy']:.1%}", "", "", ""],
        ["untrained", "0", accuracy(found["untrained_accuracy"]), "", "", ""],
    ]
    for name, each in found["students"].items():
        gained = "100%" if name == "unprotected" else _gain(found["gained"][name])
        rows.append([STUDENT_NAMES.get(name, name.replace("_", " ")), *marks(each), gained])
    return table(heads, rows)


def _curve(found: Json) -> Series:
    points = found["curve"]
    return Series(
        "unprotected student",
        [(p["exchanges"], p["mean"]) for p in points],
        [(p["low"], p["high"]) for p in points],
        marked=True,
    )


def _modes(found: Json) -> Html:
    read = [Series(MODE_NAMES[m], [(asked, y) for asked, _, y in line]) for m, line in found["lines"].items()]
    ends = []
    for mode in found["lines"]:
        each = found["student_accuracy"]["unprotected" if mode == "shadow" else mode]
        ends.append((each["mean"], (each["low"], each["high"])))
    measured = [
        Series(s.name, [(found["budget"], y)], [bounds], marked=True) for s, (y, bounds) in zip(read, ends, strict=True)
    ]
    return lines(read, "questions asked", "exact answers", measured=measured)


def _campaigns(found: Json) -> Html:
    heads = [
        "campaign",
        "attack requests",
        "before detection",
        "recall",
        "leak",
        "time to detect",
        "gained: throttle",
        "suspend",
    ]
    rows: list[list[Child]] = []
    for name, each in found["campaigns"].items():
        wait = found["time_to_detect_s"][name]
        rows.append(
            [
                name,
                f"{each['exchanges']:,}",
                f"{each['exchanges_before_detection']:,}",
                f"{found['recall'][name]:.0%}",
                f"{found['leak'][name]:.1%}",
                "never" if wait is None else f"{wait / 3600:.1f} h",
                *(_share(each["gained_alone"][m]) for m in ("throttle", "suspend")),
            ]
        )
    waits = {n: [None if w is None else w / 3600] for n, w in found["time_to_detect_s"].items()}
    return join(bars(waits, ["median hours from an account's first attack to its naming"], "hours"), table(heads, rows))


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.0%}"


def _refused(found: Json) -> Html:
    throttle, suspend = found["benign_refused"]["throttle"], found["benign_refused"]["suspend"]
    degraded, total = found["benign_degraded"], found["benign_refused_share"]
    rows: list[list[Child]] = [
        [kind, f"{each['requests']:,}", _refusals(throttle[kind]), _refusals(each), _refusals(degraded[kind])]
        for kind, each in suspend.items()
    ]
    requests = sum(each["requests"] for each in suspend.values())
    shares = (total["throttle"], total["suspend"], found["benign_degraded_share"])
    rows.append(["all", f"{requests:,}", *(f"{share:.3%}" for share in shares)])
    return table(
        ["innocents", "requests", "refused under throttle", "under suspend", "without reasoning under degrade"], rows
    )


def _refusals(each: Json) -> str:
    return f"{each['refused']:,} ({each['share']:.2%})" if each["refused"] else "0"


def _race(found: Json | None) -> list[Html]:
    """What each way to hide brought."""
    if found is None:
        return []
    rounds = [fmean(each["passed"].values()) for each in found["rounds"]]
    rows: list[list[Child]] = [
        [name, str(len(each["passed"]["values"])), accuracy(each["passed"]), _points(each["bought"])]
        for name, each in sorted(found["evasions"].items(), key=lambda pair: -pair[1]["bought"]["mean"])
    ]
    return [
        h("h2", "The arms race: what each way to hide buys"),
        h(
            "p",
            "An attacker sees which of its requests are refused and comes back with fresh accounts in a fresh world. "
            "At first it does not hide, then it tries everything once, then it draws what paid best so far. "
            f"It got through, round by round: {', '.join(f'{share:.0%}' for share in rounds)}.",
            class_="muted",
        ),
        table(["way to hide", "times", "passed under suspend (95 %)", "more than without, points"], rows),
    ]


def _points(each: Json) -> str:
    return _signed({bound: 100 * each[bound] for bound in ("mean", "low", "high")}, 1)


def _other_students(found: Json) -> list[Html]:
    rows: list[list[Child]] = [[f"{size}, whole budget", *marks(each)] for size, each in found["student_sizes"].items()]
    if not rows:
        return []
    heads = ["student", "exchanges", "exact answers (95 %)", "agrees with teacher", "divergence, nats"]
    return [h("h2", "Other sizes of student"), table(heads, rows)]


def _tables(found: Json) -> Html:
    heads = ["data set", "attention", "in context (95 %)", "out of fold (95 %)", "margin, points", "margin, log-loss"]
    rows: list[list[Child]] = []
    for each in found["oof"].values():
        wrong = f", {each['wrong']:.0%} wrong" if each["wrong"] else ""
        margin, loss = each["margin"]["accuracy"], each["margin"]["log_loss"]
        rows.append(
            [
                each["dataset"].replace("_", " ") + wrong,
                each["attention"],
                *(accuracy(each[kind]["accuracy"]) for kind in ("in_context", "out_of_fold")),
                _points(margin),
                _signed(loss, 2),
            ]
        )
    return table(heads, rows)


def _signed(each: Json, digits: int) -> str:
    return f"{each['mean']:+.{digits}f} ({each['low']:+.{digits}f} to {each['high']:+.{digits}f})"
