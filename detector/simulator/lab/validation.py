"""The closed loop: what an attacker's student learns from what the gateway lets through."""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from detector.simulator.lab import oof
from detector.simulator.lab.arms.race import race, small, whole
from detector.simulator.lab.enforcement import MODES, in_full, passed, spread
from detector.simulator.lab.experiment import Job, exam_of, gather, prepare_worker, run, run_all
from detector.simulator.lab.findings import Findings, Json, Marks, curve_of
from detector.simulator.lab.parts import Parts
from detector.simulator.lab.plan import BUDGET, PLATEAU, Attention, Plan
from detector.simulator.lab.study import Study, TeacherName, Variation
from detector.simulator.lab.through import Through, through_gateway
from detector.simulator.lab.vocabulary import Tokens
from detector.simulator.lab.watch import Watched, watch
from detector.simulator.world import load_world

Say = Callable[[str], None]
Studied = dict[Variation, list[tuple["Future[list[Marks]]", int]]]  # by seed: a job of several, and which of them
NOTHING: Final[Tokens] = np.zeros(0, np.int64)
FEW_SEEDS: Final = 3  # of students of another size than the plan's, which cost much more


@dataclass(frozen=True)
class Lab:
    """Where students are trained.

    Attributes:
        plan: how large the validation is.
        folder: of finished parts.
        pool: of processes.
    """

    plan: Plan
    folder: Path
    pool: ProcessPoolExecutor

    def gather(self) -> None:
        """Has every harvest written: students share it."""
        p, study = self.plan, self.plan.study
        futures = [self.pool.submit(_gather, s, p.harvest, self.folder, "strong") for s in p.seeds]
        # A second teacher is trained first, by one process; then all may ask it.
        weak = study is not None and any(v.teacher == "weak" for v in study.variations())
        if study and weak:
            self.pool.submit(_gather, p.seeds[0], study.exchanges, self.folder, "weak").result()
            futures += [self.pool.submit(_gather, s, study.exchanges, self.folder, "weak") for s in p.seeds[1:]]
        for future in futures:
            future.result()

    def students(self, name: str, rows: Tokens, bare: Tokens = NOTHING, size: str = "") -> "list[Future[Marks]]":
        """Starts one student a seed.

        Args:
            name: of the condition.
            rows: exchanges of the harvest that they get with reasoning.
            bare: exchanges of which they get question and answer only.
            size: of the students; the plan's where it is empty.
        """
        p, size = self.plan, size or self.plan.size
        seeds = p.seeds if size == p.size else p.seeds[:FEW_SEEDS]
        jobs = [Job(f"{name}-seed{s}", s, size, rows, bare, p.harvest, p.recipe, p.exam) for s in seeds]
        return [self.pool.submit(run, job, self.folder) for job in jobs]

    def study(self) -> "Studied":
        """Starts the students of other kinds, one a seed and variation."""
        study = self.plan.study
        if study is None:
            return {}
        made: Studied = {v: [] for v in study.variations()}
        for seed in self.plan.seeds:
            votes = []
            for v in made:
                job = self._varied(study, v, seed)
                if v.kind == "votes":
                    votes.append(job)
                else:
                    made[v].append((self.pool.submit(run_all, [job], self.folder), 0))
            if votes:
                # In one process: they share the teachers that vote, and differ in the noise.
                together = self.pool.submit(run_all, votes, self.folder)
                for number, v in enumerate(v for v in made if v.kind == "votes"):
                    made[v].append((together, number))
        return made

    def _varied(self, study: Study, v: Variation, seed: int) -> Job:
        harvest = self.plan.harvest if v.teacher == "strong" else study.exchanges
        return Job(
            name=f"{v.name}-seed{seed}",
            seed=seed,
            size=v.size,
            rows=np.arange(study.exchanges),
            bare=NOTHING,
            harvest=harvest,
            recipe=v.recipe(study.recipe),
            exam=self.plan.exam,
            kind=v.kind,
            teacher=v.teacher,
            voting=replace(study.voting, noise=v.noise),
        )

    def against(self, races: dict[str, Json], budget: int) -> "dict[tuple[str, str], list[Future[Marks]]]":
        """Starts the students of attackers that adapt: by world, of the first round and of the last one.

        What passed decides how many exchanges of the budget they get; which ones makes no difference, for they are in no order.
        """
        ends = {
            (world, end): each["rounds"][k] for world, each in races.items() for end, k in (("first", 0), ("last", -1))
        }
        return {
            (world, end): self.students(f"{world}-{end}", np.arange(round(played["of_harvest"]["suspend"] * budget)))
            for (world, end), played in ends.items()
        }

    def through(self, scratch: Path) -> "Future[Json] | None":
        """Starts the loop through the gateway."""
        p = self.plan
        if p.gateway is None:
            return None
        asked = Through(p.gateway, p.seeds[0], p.recipe, p.size, p.exam)
        return self.pool.submit(through_gateway, asked, self.folder, scratch)

    def tables(self) -> "dict[str, Future[dict[str, Any]]]":
        """Starts the tabular track."""
        p = self.plan
        return {
            table_name(name, wrong, attention): self.pool.submit(
                _tabular, name, wrong, attention, p.splits, self.folder
            )
            for name in p.datasets
            for wrong in p.wrong
            for attention in p.attention
        }


def _gather(seed: int, n: int, folder: Path, teacher: TeacherName) -> None:
    gather(seed, n, folder, teacher)


def table_name(name: str, wrong: float, attention: Attention) -> str:
    """Of a tabular comparison: the data set's, with what is done to it."""
    return name + (f"_{100 * wrong:.0f}pct_wrong" if wrong else "") + ("_spread" if attention == "spread" else "")


def _tabular(name: str, wrong: float, attention: Attention, splits: int, folder: Path) -> Json:
    asked = {"name": name, "wrong": wrong, "attention": attention, "splits": splits}
    return {"dataset": name, "wrong": wrong, "attention": attention} | Parts(folder).get(
        f"tabular-{table_name(name, wrong, attention)}",
        asked,
        lambda: {
            kind: asdict(each) for kind, each in oof.compare(name, tuple(range(splits)), wrong, attention).items()
        },
    )


def validate(plan: Plan, out: Path, say: Say) -> Findings:
    """Runs what is not finished yet.

    Args:
        plan: how large it is.
        out: folder; parts that it holds are used again.
        say: told what is being done, one line at a time.

    Raises:
        WorldError: there is no such world.
        DetectorError: the detector failed.
        OSError: the folder cannot be written.
    """
    load_world(plan.world)  # a wrong name is said before anything is begun
    out.mkdir(parents=True, exist_ok=True)
    prepare_worker()
    with (
        ThreadPoolExecutor(1) as aside,
        ProcessPoolExecutor(plan.workers, get_context("spawn"), prepare_worker) as pool,
    ):
        try:
            say(f"detector: replays the world {plan.world}")
            watching = aside.submit(watch, plan.world, plan.world_seed, out / "world")
            racing = aside.submit(race, plan.rounds, out / "parts", small())
            adapting = {
                name: aside.submit(race, plan.adaptive_rounds, out / "parts", arena)
                for name, arena in whole(plan.adaptive).items()
            }
            lab = Lab(plan, out / "parts", pool)
            return _run(lab, watching, racing, adapting, lab.through(out / "gateway"), say)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            aside.shutdown(wait=False, cancel_futures=True)
            raise


def _run(
    lab: Lab,
    watching: "Future[Watched]",
    racing: "Future[Json | None]",
    adapting: "dict[str, Future[Json | None]]",
    passing: "Future[Json] | None",
    say: Say,
) -> Findings:
    plan = lab.plan
    say(f"teacher: answers {plan.harvest:,} questions for each of {len(plan.seeds)} seeds")
    lab.gather()
    sizes = {n: lab.students(f"worked-{n}", np.arange(n)) for n in (0, *plan.sizes)}
    studied = lab.study()
    tables = lab.tables()
    say(f"students: learn from {', '.join(f'{n:,}' for n in plan.sizes)} exchanges")
    points = {n: _results(futures) for n, futures in sizes.items()}
    needed = max(1, curve_of(points).needed(PLATEAU))
    watched = watching.result()
    answered = watched.log.harvested()
    say(f"attack: {BUDGET * needed:,} questions in {len(answered):,} answered attack requests")
    travels = answered[spread(BUDGET * needed, len(answered))]
    through = {mode: passed(watched.log, watched.orders, mode) for mode in MODES}
    full = {mode: in_full(watched.log, watched.orders, mode) for mode in MODES}
    everything = np.arange(len(travels))
    runs = {"answers_only": lab.students("answers_only", NOTHING, everything)}
    for mode in MODES:
        name = "unprotected" if mode == "shadow" else mode
        whole = full[mode][travels]
        runs[name] = lab.students(name, np.flatnonzero(whole), np.flatnonzero(through[mode][travels] & ~whole))
    # Whoever throws answers without reasoning away is left with what suspending leaves.
    runs["degrade_sorted"] = runs["suspend"]
    others = {size: lab.students(f"unprotected-{size}", everything, size=size) for size in plan.other_sizes}
    say(f"students: {', '.join(runs)}")
    adaptive = {name: future.result() for name, future in adapting.items()}
    against = lab.against({name: each for name, each in adaptive.items() if each is not None}, BUDGET * needed)
    return Findings(
        plan=plan,
        teacher_accuracy=exam_of(plan.exam, lab.folder)[1],
        points=points,
        needed=needed,
        runs={name: _results(futures) for name, futures in runs.items()},
        sizes={size: _results(futures) for size, futures in others.items()},
        studied={v: [future.result()[number] for future, number in each] for v, each in studied.items()},
        strengths={name: exam_of(plan.exam, lab.folder, name)[1] for name in sorted({v.teacher for v in studied})},
        watched=watched,
        travels=travels,
        through=through,
        full=full,
        tables={name: future.result() for name, future in tables.items()},
        race=racing.result(),
        adaptive=adaptive,
        against={name: _results(futures) for name, futures in against.items()},
        gateway=passing.result() if passing else None,
    )


def _results(futures: "list[Future[Marks]]") -> list[Marks]:
    return [future.result() for future in futures]
