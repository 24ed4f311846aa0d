"""The container files, read as text; what can be run of them is in the file beside this one."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker"
TAG = re.compile(r"^[\w./-]+:v?\d+\.\d+(\.\d+)?[\w.-]*(@sha256:[0-9a-f]{64})?$")
SERVE = ["serve", "--host", "0.0.0.0", "--port", "8000", "--data", "/data"]  # noqa: S104 # inside the container


def dockerfile():
    """(instruction, rest) with continued lines joined."""
    text = (FOLDER / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def only(name):
    return [rest for instruction, rest in dockerfile() if instruction == name]


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def services(compose):
    return compose["services"]


def test_base_images_are_pinned_and_alike():
    images = [rest.split()[0] for rest in only("FROM")]
    assert len(images) == 2, "one stage builds, the other runs"
    assert len(set(images)) == 1
    assert TAG.match(images[0])


def test_nothing_of_the_building_stage_but_wheels_reaches_the_image():
    last = [i for i, (name, _) in enumerate(dockerfile()) if name == "FROM"][-1]
    final = dockerfile()[last:]
    assert not [rest for name, rest in final if name in {"COPY", "ADD"}]
    assert any("from=build,source=/wheels" in rest for name, rest in final if name == "RUN")


def test_it_runs_as_a_user_without_rights():
    (user,) = only("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "by number, so that Kubernetes can tell it is not root"
    after = [name for name, _ in dockerfile()]
    assert after.index("USER") > max(i for i, name in enumerate(after) if name == "RUN")


def test_it_serves_on_the_port_that_its_health_check_asks():
    assert only("EXPOSE") == ["8000"]
    (check,) = only("HEALTHCHECK")
    assert "http://127.0.0.1:8000/healthz" in check
    assert yaml.safe_load(only("ENTRYPOINT")[0]) == ["revenuer"]
    assert yaml.safe_load(only("CMD")[0]) == SERVE


def test_what_is_copied_exists_and_is_let_through():
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*", "what is not named stays outside"
    for rest in only("COPY"):
        for name in rest.split()[:-1]:
            assert (ROOT / name).exists()
            assert f"!{name}" in ignored


def test_every_image_is_pinned(services):
    for name, service in services.items():
        assert TAG.match(service["image"]), name


def test_our_own_image_has_the_version_of_the_package(services):
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    own = [s["image"] for s in services.values() if s["image"].startswith("revenuer")]
    assert set(own) == {f"revenuer:{version}"}


def test_all_parts_are_there(services):
    assert {"revenuer", "kafka", "postgres", "prometheus", "alertmanager", "grafana"} <= set(services)
    assert services["revenuer"]["command"] == SERVE
    assert services["kafka"]["image"].startswith("apache/kafka:")
    assert {n for n, s in services.items() if s.get("profiles")} == {"demo-world", "demo-feed"}


def test_ports_are_open_to_this_machine_only_and_no_two_are_the_same(services):
    published = [p for s in services.values() for p in s.get("ports", [])]
    assert all(p.startswith("127.0.0.1:") for p in published)
    hosts = [p.split(":")[1] for p in published]
    assert len(set(hosts)) == len(hosts) == 5


def test_mounted_files_exist_and_are_read_only_and_volumes_are_declared(compose, services):
    named = set()
    for service in services.values():
        for volume in service.get("volumes", []):
            source, target, *mode = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert (FOLDER / source).resolve().exists(), source
                assert mode == ["ro"], f"{source} is ours, not the container's to change"
            else:
                named.add(source)
    assert named == set(compose["volumes"])


def test_the_build_context_is_the_repository(services):
    build = services["revenuer"]["build"]
    assert (FOLDER / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).exists()


def test_our_containers_can_do_little(services):
    for name in ("revenuer", "demo-world"):
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service
        assert "user" not in service, "the image's own user"


def test_secrets_come_from_outside_and_all_are_in_the_example(services):
    text = (FOLDER / "compose.yaml").read_text()
    asked = set(re.findall(r"\$\{(\w+)", text))
    assert asked == set(re.findall(r"^(\w+)=$", (FOLDER / ".env.example").read_text(), re.MULTILINE))
    assert re.findall(r"\$\{(\w+)\}", text) == [], "without a value it must refuse to start"
    for service in services.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|KEY|SECRET|TOKEN", key):
                assert str(value).startswith("${"), key


def test_what_is_waited_for_can_become_ready(services):
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for {other}"


def test_kafka_runs_without_zookeeper_and_reaches_itself(services):
    env = services["kafka"]["environment"]
    assert set(env["KAFKA_PROCESS_ROLES"].split(",")) == {"broker", "controller"}
    listeners = {e.split("://")[0]: e.rsplit(":", 1)[1] for e in env["KAFKA_LISTENERS"].split(",")}
    for part in env["KAFKA_ADVERTISED_LISTENERS"].split(","):
        name, port = part.split("://")[0], part.rsplit(":", 1)[1]
        assert listeners[name] == port
    assert f"{env['KAFKA_NODE_ID']}@kafka:{listeners['CONTROLLER']}" == env["KAFKA_CONTROLLER_QUORUM_VOTERS"]
    assert set(env["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].replace(":PLAINTEXT", "").split(",")) == set(listeners)
    assert services["revenuer"]["environment"]["REVENUER_KAFKA_BOOTSTRAP"] == f"kafka:{listeners['PLAINTEXT']}"


def test_the_demo_feeds_the_topic_that_the_service_reads(services):
    topic = services["revenuer"]["environment"]["REVENUER_KAFKA_TOPIC"]
    assert f"--topic={topic}" in services["topics"]["command"]
    assert services["topics"]["image"] == services["kafka"]["image"]
    feed = services["demo-feed"]["command"][-1]
    assert f"--topic {topic} " in feed
    out = services["demo-world"]["command"][-1]
    assert f"< {out}/requests.ndjson" in feed
    assert services["demo-feed"]["user"] == only("USER")[0], "the folder is closed to others"


def test_prometheus_scrapes_the_service_and_loads_rules_that_are_mounted(services):
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    targets = {j["job_name"]: j["static_configs"][0]["targets"] for j in config["scrape_configs"]}
    assert targets["revenuer"] == ["revenuer:8000"]
    mounts = dict(v.split(":")[1::-1] for v in services["prometheus"]["volumes"])
    for rule in config["rule_files"]:
        folder, name = rule.rsplit("/", 1)
        assert (FOLDER / mounts[folder] / name).exists()
    assert config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] == ["alertmanager:9093"]


def test_alertmanager_routes_to_receivers_that_exist():
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())
    used = {config["route"]["receiver"], *(r["receiver"] for r in config["route"]["routes"])}
    assert used == {r["name"] for r in config["receivers"]}


@pytest.mark.parametrize(
    "check",
    [
        ["promtool", "check", "config", "--syntax-only", "prometheus.yml"],
        ["amtool", "check-config", "alertmanager.yml"],
    ],
    ids=lambda c: c[0],
)
def test_their_own_parsers_read_the_configurations(check):
    if shutil.which(check[0]) is None:
        pytest.skip(f"{check[0]} is not installed")
    done = subprocess.run(check, cwd=FOLDER, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_readme_says_that_it_was_never_built():
    assert "Nothing here was ever built or started" in (FOLDER / "README.md").read_text()
