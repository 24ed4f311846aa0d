"""The operator's script between Revenuer's renderings and a proxy."""

from detector.simulator.lab.gateway.enforcer import FREE, Enforcer


def call(path, **body):
    return {"method": "POST", "path": path, "body": body}


def advice(name, calls=(), degrade=(), accounts=(), *, dry_run=False):
    form = {"dry_run": dry_run, "config": {"calls": list(calls)} if calls else {}}
    return {"id": name, "degrade": list(degrade), "subject": {"accounts": list(accounts)}}, form


def enforced(*rounds):
    """What is posted round by round."""
    forms, posted = {}, []
    enforcer = Enforcer(lambda path, body: posted[-1].append((path, body)), lambda name: forms[name])
    for told in rounds:
        posted.append([])
        forms.update({made["id"]: form for made, form in told})
        enforcer.apply([made for made, _ in told])
    return posted


def test_a_call_is_posted_once_and_a_new_one_with_the_next_round():
    a, b = call("/key/block", key="a"), call("/key/block", key="b")
    first, second, third = enforced([advice("r", [a])], [advice("r", [a])], [advice("r", [a, b])])
    assert (first, second, third) == ([("/key/block", {"key": "a"})], [], [("/key/block", {"key": "b"})])


def test_what_is_not_recommended_any_more_is_taken_back_and_may_come_again():
    a = call("/key/block", key="a")
    _, back, again = enforced([advice("r", [a])], [], [advice("r", [a])])
    assert back == [("/key/unblock", {"key": "a"})]
    assert again == [("/key/block", {"key": "a"})]


def test_a_key_that_leaves_a_team_gets_one_without_limits():
    team = call("/team/new", team_id="t", rpm_limit=1)
    both = [team, *(call("/key/update", key=key, team_id="t") for key in "ab")]
    first, second = enforced([advice("r", both)], [advice("r", both[:2])])
    assert [path for path, _ in first] == ["/team/new", "/key/update", "/key/update"]
    assert second == [("/team/new", {"team_id": FREE}), ("/key/update", {"key": "b", "team_id": FREE})]


def test_a_dry_run_is_read_and_nothing_more():
    assert enforced([advice("r", degrade=["strip_logprobs"], dry_run=True)]) == [[]]


def test_what_a_proxy_cannot_do_goes_to_the_model_server_and_comes_back():
    first, second = (advice("r", degrade=["strip_logprobs"], accounts=accounts) for accounts in ("ab", "b"))
    degraded, fewer, over = enforced([first], [second], [])
    assert degraded == [("/degrade", first[0])]
    assert fewer == [("/restore", {"accounts": ["a"]}), ("/degrade", second[0])]
    assert over == [("/restore", {"accounts": ["b"]})]
