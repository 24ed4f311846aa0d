"""The whole way: records in a topic, the service beside it, alerts over REST and as a gateway's configuration."""

import itertools
import json
import time

import making
import pytest
from broker import broker, lasting
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from revenuer import Served
from running import Deadline

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
DEAD = "dead-letter"
# Where it is the service that is killed, what a client does is the same as in `tests/streams/test_kafka.py`, which has both.
CLIENTS = ["kafka-python", pytest.param("confluent", marks=pytest.mark.soak)]


@pytest.fixture
def serve():
    """Starts a service; all are ended."""
    running = []

    def start(data, address, token="", *options, ready=True, **settings):
        given = {"checkpoint_s": 1, "kafka_bootstrap": address} | settings
        running.append(Served(data, token, given, *options, ready=ready, forked=True))
        return running[-1]

    yield start
    for one in running:
        one.kill()


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


def topics(address, *names):
    # One partition each: this is about the way, and the order of several is the source's own matter.
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1) for name in names])
    admin.close()


def produce(address, records):
    with KafkaSink(KafkaSettings([address])) as sink:
        for record in records:
            sink.send("exchanges", record, record["account_id"])


def everything(client):
    return sorted(
        (a["id"], tuple(a["account_detected_at"].items()), a["exchanges"])
        for a in client.get("/v1/alerts").json()["items"]
    )


@pytest.fixture(scope="module")
def expected(world, tmp_path_factory):
    """What a service finds that nobody stops."""
    with broker() as address:
        topics(address, "exchanges")
        produce(address, world[1])
        given = {"kafka_bootstrap": address}
        served = Served(folder_of(world, tmp_path_factory.mktemp("whole") / "data"), "", given, forked=True)
        served.settle(len(world[1]))
        found = everything(served.client)
        served.end()
    assert found
    return found


def thirds(records):
    """Numbers between which a third of the records lies."""
    return itertools.pairwise([0, len(records) // 3, 2 * len(records) // 3, len(records)])


@pytest.mark.parametrize("client", CLIENTS)
def test_a_service_killed_in_between_ends_like_one_that_was_not(world, expected, serve, tmp_path, client):
    records, data, token = world[1], folder_of(world, tmp_path / "data"), ""
    with broker() as address:
        topics(address, "exchanges")
        for start, stop in thirds(records):
            produce(address, records[start:stop])
            served = serve(data, address, token, kafka={"client": client})
            token = served.token
            served.settle(stop)
            if stop < len(records):
                time.sleep(1.5)  # a checkpoint is written each second
                served.kill()
        assert everything(served.client) == expected
        assert served.books() == {"accepted": len(records), "duplicate": 0, "dead_lettered": 0}
        served.end()


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_a_broker_that_is_killed_and_comes_back_is_read_on(world, expected, serve, tmp_path, client):
    records, data = world[1], folder_of(world, tmp_path / "data")
    with lasting() as own:
        topics(own.address, "exchanges")
        served = serve(data, own.address, kafka={"client": client})
        for start, stop in thirds(records):
            produce(own.address, records[start:stop])
            served.settle(stop)
            own.kill()
            time.sleep(1)
            own.start()
        # Nothing but what comes now shows that it reads again.
        produce(own.address, records[-1:])
        end = Deadline(60)
        while served.books()["duplicate"] == 0:
            assert not end.passed
            time.sleep(0.1)
        assert served.books() == {"accepted": len(records), "duplicate": 1, "dead_lettered": 0}
        assert everything(served.client) == expected
        served.end()


def test_accounts_of_a_topic_are_as_good_as_those_of_a_file(world, expected, serve, tmp_path):
    folder, records = world
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "events.ndjson").write_bytes((folder / "events.ndjson").read_bytes())
    known = [json.loads(line) for line in (folder / "accounts.ndjson").read_text().splitlines()]
    with broker() as address:
        topics(address, "exchanges", "accounts")
        with KafkaSink(KafkaSettings([address])) as sink:
            for record in [*known, {"tier": "canarybird"}]:
                sink.send("accounts", record, record.get("account_id", ""))
        token = ""
        half = len(records) // 2
        for start, stop in ((0, half), (half, len(records))):
            produce(address, records[start:stop])
            served = serve(tmp_path / "data", address, token, kafka={"accounts": "accounts"})
            token = served.token
            served.settle(stop)
            found = everything(served.client)
            served.end()
    assert found == expected
    letters = (tmp_path / "data" / "dead_letter.ndjson").read_text().splitlines()
    assert [json.loads(line)["source"] for line in letters] == ["accounts/0"]  # once, though it was read twice


def test_one_of_two_members_serves_and_the_other_takes_over_its_state(world, expected, serve, tmp_path):
    records, data = world[1], folder_of(world, tmp_path / "data")
    ends = [lambda member: member.kill(), lambda member: member.end()]
    with broker() as address:
        topics(address, "exchanges")
        active = serve(data, address)
        for start, stop in thirds(records):
            produce(address, records[start:stop])
            if not ends:
                break
            waiting = serve(data, address, active.token, "--standby", ready=False)
            waiting.line(f"standby: process {active.process.pid} serves ")
            # In the midst of it: some is in a checkpoint, some was looked at since, the rest is not read yet.
            while active.books()["accepted"] < start + 1:
                time.sleep(0.02)
            ends.pop(0)(active)
            waiting.wait()
            active = waiting
        active.settle(len(records))
        assert active.books() == {"accepted": len(records), "duplicate": 0, "dead_lettered": 0}
        assert everything(active.client) == expected
        active.end()


def test_a_folder_that_is_served_is_refused(world, serve, tmp_path):
    data = folder_of(world, tmp_path / "data")
    with broker() as address:
        topics(address, "exchanges")
        active = serve(data, address)
        second = serve(data, address, "", "--standby", ready=False)
        second.line("standby: ")
        refused = serve(data, address, ready=False)
        assert refused.process.wait(60) == 2
        assert f"process {active.process.pid} serves it; with --standby" in "".join(refused.errors)
        second.end()  # one that waits leaves in order, too
        assert active.client.get("/metrics").status_code == 200
        active.end()


@pytest.mark.parametrize("client", CLIENTS)
def test_dead_letters_go_into_their_topic_once_and_without_text(world, serve, tmp_path, client):
    data, settings = folder_of(world, tmp_path / "data"), {"client": client, "dead_letters": DEAD}
    bad = [b'{"prompt": "canarybird"}', b"canarybird", b"[1]"]
    with broker() as address:
        topics(address, "exchanges", DEAD)
        producer = KafkaProducer(bootstrap_servers=address)
        token = ""
        for round_ in range(2):
            for value in bad:
                producer.send("exchanges", value)
            producer.flush()
            served = serve(data, address, token, kafka=settings)
            token = served.token
            if round_ == 1:
                served.client.post("/v1/ingest", content=b"canarybird\n").raise_for_status()
            found = read(address, DEAD, 3 if round_ == 0 else 7)
            time.sleep(1.5)
            served.kill()
        producer.close()
        assert len(read(address, DEAD, 8, seconds=2)) == 7
    letters = [json.loads(record.value) for record in found]
    reasons = ["missing_field", "not_json", "not_object"]
    assert [(x["source"], x["position"], x["reason"]) for x in letters[:6]] == [
        ("exchanges/0", i, reasons[i % 3]) for i in range(6)
    ]
    assert [x["length"] for x in letters[:3]] == [len(value) for value in bad]
    assert (letters[6]["source"], letters[6]["reason"]) == ("http", "not_json")
    assert len({dict(record.headers)["idempotency-key"] for record in found}) == 7
    assert not any(b"canarybird" in record.value for record in found)


def test_alerts_and_recommendations_go_into_topics_under_their_keys(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    with broker() as address:
        topics(address, ALERTS, RECOMMENDATIONS)
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


def read(address, name, count, seconds=15):
    consumer = KafkaConsumer(
        name, bootstrap_servers=address, auto_offset_reset="earliest", consumer_timeout_ms=1000 * seconds
    )
    records = list(itertools.islice(consumer, count))
    consumer.close()
    return records


def test_from_the_topic_to_a_gateway(world, serve, tmp_path):
    data, records = folder_of(world, tmp_path / "data"), world[1]
    with broker() as address:
        topics(address, "exchanges")
        produce(address, records)
        served = serve(data, address)
        served.settle(len(records))
        found = served.client.get("/v1/alerts", params={"severity": "medium"}).json()
        (alert, *_) = found["items"]
        (first, *_) = served.client.get("/v1/recommendations").json()["items"]
        made = served.client.get(f"/v1/recommendations/{first['id']}", params={"format": "litellm"})
        assert made.status_code == 200, made.text
        assert alert["kind"] == "cluster"
        served.end()
        truth = json.loads((world[0] / "truth.json").read_text())
        hostile = {a for ids in truth["campaigns"].values() for a in ids}
        assert set(alert["accounts"]) & hostile
