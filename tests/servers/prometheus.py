"""A real Prometheus for tests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import yaml
from running import answers, free_port, program, running


class Prometheus:
    """Asks a Prometheus."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an instant vector, each with `metric` and `value`."""
        answer = self._client.get("/api/v1/query", params={"query": expr}).json()
        assert answer["status"] == "success", answer
        assert answer["data"]["resultType"] == "vector", expr
        return answer["data"]["result"]

    def rules(self) -> dict[str, dict[str, Any]]:
        """Name → what became of the rule."""
        groups = self._client.get("/api/v1/rules").raise_for_status().json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}


@contextmanager
def prometheus(folder: Path, targets: dict[str, str], rules: Sequence[Path]) -> Iterator[Prometheus]:
    """A Prometheus that scrapes job → host:port twice a second, and looks at its rules as often."""
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"},
        "rule_files": [str(_often(path, folder)) for path in rules],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [address]}]} for job, address in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    at = f"127.0.0.1:{free_port()}"
    command = [
        program("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={at}",
        "--log.level=warn",
    ]
    with (
        running(command, folder / "prometheus.log", lambda: answers(f"http://{at}/-/ready")),
        Prometheus(f"http://{at}") as asked,
    ):
        yield asked


def _often(path: Path, folder: Path) -> Path:
    """A file of rules without intervals of its own, for a test has no half minute to wait."""
    groups = yaml.safe_load(path.read_text())["groups"]
    for group in groups:
        group.pop("interval", None)
    made = folder / path.name
    made.write_text(yaml.safe_dump({"groups": groups}))
    return made
