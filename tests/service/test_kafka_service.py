"""The whole way: records in a topic, the service beside it, alerts over REST and as a gateway's configuration."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from kafka.admin import KafkaAdminClient, NewTopic

from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.sinks.kafka import KafkaSink
from streams.sources.kafka import KafkaSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "streams"))
from broker import broker

pytestmark = pytest.mark.slow


def served(data, address):
    command = [
        sys.executable,
        "-c",
        "from detector.cli import main; main()",
        "serve",
        "--data",
        str(data),
        "--port",
        "0",
    ]
    env = os.environ | {"REVENUER_HASH_KEY": "7", "REVENUER_KAFKA_BOOTSTRAP": address, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    console = process.stdout.readline()
    assert console.startswith("console: "), process.stderr.read()
    token = process.stdout.readline().removeprefix("token: ").strip()
    url = console.removeprefix("console: ").strip().removesuffix("/console/")
    return process, httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)


def accepted(client):
    for line in client.get("/metrics").text.splitlines():
        if line.startswith('revenuer_exchanges_total{outcome="accepted"}'):
            return int(float(line.split()[-1]))
    return 0


def test_from_the_topic_to_a_gateway(tmp_path):
    write(load_world("tiny"), tmp_path / "world")
    data = tmp_path / "data"
    data.mkdir()
    for name in ("accounts.ndjson", "events.ndjson"):
        (data / name).write_bytes((tmp_path / "world" / name).read_bytes())
    records = [json.loads(text) for text in (tmp_path / "world" / "requests.ndjson").read_text().splitlines()]
    with broker() as address:
        # One partition: this is about the way, and the order of several is the source's own matter.
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics([NewTopic(name="exchanges", num_partitions=1, replication_factor=1)])
        admin.close()
        with KafkaSink(KafkaSettings([address])) as sink:
            for record in records:
                sink.send("exchanges", record, record["account_id"])
        process, client = served(data, address)
        try:
            for _ in range(600):
                if accepted(client) == len(records) and "\nrevenuer_lag_records 0.0" in client.get("/metrics").text:
                    break
                time.sleep(0.2)
            assert accepted(client) == len(records)
            found = client.get("/v1/alerts", params={"severity": "medium"}).json()
            (alert, *_) = found["items"]
            made = client.get("/v1/recommendations", params={"format": "litellm"})
            assert made.status_code == 200, made.text
            assert alert["kind"] == "cluster"
        finally:
            client.close()
            process.send_signal(signal.SIGTERM)
            _out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        truth = json.loads((tmp_path / "world" / "truth.json").read_text())
        hostile = {a for ids in truth["campaigns"].values() for a in ids}
        assert set(alert["accounts"]) & hostile
