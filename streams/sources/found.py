"""Which files are meant by paths, globs and folders, and which in them are known to be no logs."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from streams.sources import SourceError

SUFFIXES: Final = (".ndjson", ".jsonl", ".json", ".gz", ".zst", ".parquet")
RESULTS: Final = frozenset(
    (
        "alerts.ndjson",
        "recommendations.ndjson",
        "dead_letter.ndjson",
        "accounts.parquet",
        "clusters.parquet",
        "run.json",
    )
)
_TRUTH: Final = "truth.json"


@dataclass(frozen=True)
class NoLogs:
    """What is passed over in a folder or glob.

    Attributes:
        out: folder of results.
        files: others, such as the account file.
    """

    out: Path | None = None
    files: Sequence[Path] = ()

    def has(self, path: Path, root: Path) -> bool:
        """Whether a file is one of them.

        Args:
            path: the file.
            root: folder that was searched. Where results go into it or above it, they are known by their names.
        """
        whole = path.resolve()
        if path.name == _TRUTH or whole in {f.resolve() for f in self.files}:
            return True
        if self.out is None:
            return False
        out = self.out.resolve()
        if root.resolve().is_relative_to(out):
            return whole.parent == out and path.name in RESULTS
        return whole.is_relative_to(out)


@dataclass
class Found:
    """Files that were found.

    Attributes:
        named: given by themselves.
        others: of folders and globs.
        passed: of folders and globs, and no logs.
    """

    named: set[Path] = field(default_factory=set)
    others: set[Path] = field(default_factory=set)
    passed: set[Path] = field(default_factory=set)


def find(paths: Sequence[str | Path], no_logs: NoLogs) -> Found:
    """Files of paths, globs and folders (recursively).

    Raises:
        SourceError: a path or pattern matches nothing that may be a log.
    """
    found = Found()
    for given in paths:
        path = Path(given)
        if path.is_file():
            found.named.add(path)
            continue
        root = path if path.is_dir() else _root(path)
        inside = set(_inside(path))
        passed = {p for p in inside if no_logs.has(p, root)}
        if inside == passed:
            what = (
                f"log files ({', '.join(SUFFIXES)}) in this folder" if path.is_dir() else "such file, folder or pattern"
            )
            raise SourceError(f"{path}: no {what}")
        found.others |= inside - passed
        found.passed |= passed
    found.others -= found.named
    return found


def _inside(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (p for p in path.rglob("*") if p.is_file() and p.suffix in SUFFIXES)
    else:
        matched = map(Path, glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        yield from (p for p in matched if p.is_file())


def _root(pattern: Path) -> Path:
    """The folder that a glob searches."""
    return next(parent for parent in pattern.parents if not glob.has_magic(str(parent)))
