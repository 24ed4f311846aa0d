"""The whole way: records in a topic, the service beside it, alerts over REST and as a gateway's configuration."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time

import httpx
import making
import pytest
from broker import broker
from kafka import KafkaConsumer
from kafka.admin import KafkaAdminClient, NewTopic

from detector.alerts.notify.topic import ALERTS, RECOMMENDATIONS
from detector.alerts.store import Store
from detector.config import ChannelSettings
from detector.service.channels import channels_of
from detector.service.outbox import Outbox
from detector.simulator.generate import write
from detector.simulator.world import load_world
from streams.kafka import KafkaSettings
from streams.sinks.kafka import KafkaSink

pytestmark = pytest.mark.slow


def served(data, address, token=None):
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
    env = os.environ | {
        "REVENUER_HASH_KEY": "7",
        "REVENUER_CHECKPOINT_S": "1",
        "REVENUER_KAFKA_BOOTSTRAP": address,
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    console = process.stdout.readline()
    assert console.startswith("console: "), process.stderr.read()
    token = token or "Bearer " + process.stdout.readline().removeprefix("token: ").strip()
    url = console.removeprefix("console: ").strip().removesuffix("/console/")
    return process, httpx.Client(base_url=url, headers={"Authorization": token}, timeout=30)


def accepted(client):
    for line in client.get("/metrics").text.splitlines():
        if line.startswith('revenuer_exchanges_total{outcome="accepted"}'):
            return int(float(line.split()[-1]))
    return 0


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write(load_world("tiny"), folder)
    records = [json.loads(text) for text in (folder / "requests.ndjson").read_text().splitlines()]
    return folder, records


def folder_of(world, data):
    data.mkdir()
    for name in ("accounts.ndjson", "events.ndjson"):
        (data / name).write_bytes((world[0] / name).read_bytes())
    return data


def topic(address):
    # One partition: this is about the way, and the order of several is the source's own matter.
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(name="exchanges", num_partitions=1, replication_factor=1)])
    admin.close()


def produce(address, records):
    with KafkaSink(KafkaSettings([address])) as sink:
        for record in records:
            sink.send("exchanges", record, record["account_id"])


def wait_for(client, count):
    for _ in range(600):
        if accepted(client) == count and "\nrevenuer_lag_records 0.0" in client.get("/metrics").text:
            return
        time.sleep(0.2)
    assert accepted(client) == count


def ended(process, client):
    client.close()
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    _out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert time.monotonic() - started < 10


def everything(client):
    return sorted(
        (a["id"], tuple(a["account_detected_at"].items()), a["exchanges"])
        for a in client.get("/v1/alerts").json()["items"]
    )


def test_a_service_killed_in_between_ends_like_one_that_was_not(world, tmp_path):
    records = world[1]
    cuts = [0, len(records) // 3, 2 * len(records) // 3, len(records)]
    with broker() as address:
        topic(address)
        cut = folder_of(world, tmp_path / "cut")
        token = None
        for start, stop in itertools.pairwise(cuts):
            produce(address, records[start:stop])
            process, client = served(cut, address, token)
            token = client.headers["Authorization"]
            wait_for(client, stop)
            if stop < len(records):
                client.close()
                time.sleep(1.5)  # a checkpoint is written each second
                process.kill()
                process.communicate(timeout=30)
        found = everything(client)
        ended(process, client)
        whole = folder_of(world, tmp_path / "whole")
        process, client = served(whole, address)
        wait_for(client, len(records))
        expected = everything(client)
        ended(process, client)
    assert found == expected
    assert expected


def test_alerts_and_recommendations_go_into_topics_under_their_keys(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with broker() as address:
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics(
            [NewTopic(name=n, num_partitions=1, replication_factor=1) for n in (ALERTS, RECOMMENDATIONS)]
        )
        admin.close()
        channel = ChannelSettings(name="bus", kind="kafka", to=address, severity="low")
        box = Outbox(store, channels_of([channel], tmp_path))
        box.start()
        time.sleep(0.5)
        store.alerts.upsert([making.alert("alr_1"), making.alert("alr_2")])
        found = {name: read(address, name, 2) for name in (ALERTS, RECOMMENDATIONS)}
        box.stop()
    assert [json.loads(r.value)["id"] for r in found[ALERTS]] == ["alr_1", "alr_2"]
    assert [json.loads(r.value)["alert_id"] for r in found[RECOMMENDATIONS]] == ["alr_1", "alr_2"]
    for records in found.values():
        keys = [dict(r.headers)["idempotency-key"].decode() for r in records]
        assert [key.partition(".")[0] for key in keys] == ["alr_1", "alr_2"]
    store.close()


def read(address, name, count):
    consumer = KafkaConsumer(name, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=15_000)
    records = list(itertools.islice(consumer, count))
    consumer.close()
    return records


def test_from_the_topic_to_a_gateway(world, tmp_path):
    data, records = folder_of(world, tmp_path / "data"), world[1]
    with broker() as address:
        topic(address)
        produce(address, records)
        process, client = served(data, address)
        try:
            wait_for(client, len(records))
            found = client.get("/v1/alerts", params={"severity": "medium"}).json()
            (alert, *_) = found["items"]
            made = client.get("/v1/recommendations", params={"format": "litellm"})
            assert made.status_code == 200, made.text
            assert alert["kind"] == "cluster"
        finally:
            ended(process, client)
        truth = json.loads((world[0] / "truth.json").read_text())
        hostile = {a for ids in truth["campaigns"].values() for a in ids}
        assert set(alert["accounts"]) & hostile
