"""What a rehearsal tells of a function's connections, and what becomes of processes that lost some."""

from __future__ import annotations

import pytest
import structlog.testing

from groundhog import Connections, Function, Limits, Pool
from groundhog.errors import ConfigError
from groundhog.worker import ConnectionPolicy
from groundhog.worker.connections import Trial, failure

ADVICE = "connect in the request, or in a hook after the restore (docs/tuning.md, Connections)"
FIRST, SECOND = b'{"n":1}', b'{"n":2}'


def policy(configured: str = "auto", *, has_warmup: bool = True) -> ConnectionPolicy:
    return ConnectionPolicy(Connections(configured), "shop", has_warmup=has_warmup)


class TestAnswers:
    def test_those_who_never_get_one_are_waited_for_once(self) -> None:
        its = policy()
        assert its.answered_within_s > 0
        its.unanswered()
        assert its.answered_within_s == 0

    def test_nobody_waits_where_processes_serve_on_anyway(self) -> None:
        assert policy("shut").answered_within_s == 0


class TestTrial:
    def test_as_long_as_nothing_was_shut_anything_goes(self) -> None:
        trial = Trial([FIRST])
        trial.restored(0)
        assert trial.answered(FIRST, b'{"error":"no"}') is None
        assert not trial.shut
        assert trial.settled

    @pytest.mark.parametrize(
        ("before", "after", "wrong"),
        [
            ("", "", None),
            ("", "gone", "a hook before a restore failed (gone)"),
            ("no collector", "gone", None),
        ],
    )
    def test_what_is_wrong_with_hooks_before_a_restore(
        self, before: str, after: str, wrong: str | None
    ) -> None:
        trial = Trial([FIRST])
        assert trial.finished(before) is None
        trial.restored(1)
        assert trial.finished(after) == wrong

    @pytest.mark.parametrize(
        ("answer", "wrong"),
        [
            (b'{"error":"connection closed"} ', "failed (connection closed)"),
            (b'{"error":"gone\\n\\tfor good"}', "failed (gone for good)"),
            (b'{"error":"' + b"x" * 300 + b'"}', f"failed ({'x' * 200}...)"),
            (b"5", "failed (The action did not return a dictionary or array.)"),
            (b'{"v":null}', """was answered by '{"v":null}' instead of '{"v":1}'"""),
            (b'{"v":1}', None),
        ],
    )
    def test_what_is_wrong_with_an_answer_afterwards(self, answer: bytes, wrong: str | None) -> None:
        trial = Trial([SECOND, FIRST])
        for _ in range(2):
            assert trial.answered(FIRST, b'{"v":1}') is None
        trial.restored(1)
        said = trial.answered(FIRST, answer)
        assert said == (f"warm-up request 2 {wrong}" if wrong else None)

    @pytest.mark.parametrize("before", [[b'{"v":1}'], [b'{"v":1}', b'{"v":2}'], []])
    def test_answers_that_differ_anyway_are_not_compared(self, before: list[bytes]) -> None:
        trial = Trial([FIRST])
        for answer in before:
            trial.answered(FIRST, answer)
        trial.restored(1)
        assert trial.answered(FIRST, b'{"v":3}') is None

    @pytest.mark.parametrize(
        ("before", "after", "differs"),
        [
            ('{"id":%d,"status":200}', '{"id":9,"status":500}', True),
            ('{"id":%d,"status":200}', '{"id":9,"status":200}', False),
            ('{"id":%d,"rows":[1]}', '{"id":9,"rows":[]}', True),
            ('{"id":%d,"rows":[1]}', '{"id":9}', True),
            ('{"id":%d,"name":"Ada"}', '{"id":9,"name":null}', True),
            ('{"id":%d}', '{"id":9,"reason":"gone"}', True),
            ('{"id":%d}', '{"id":null}', True),
            ('{"id":%d}', '{"id":1.5}', False),
            (r'{"body":"{\"id\":%d,\"n\":1}"}', r'{"body":"{\"id\":9,\"n\":0}"}', True),
            (r'{"body":"{\"id\":%d,\"n\":1}"}', r'{"body":"{\"id\":9,\"n\":1}"}', False),
            ('{"body":"at %d"}', '{"body":"at 9"}', False),
            ("[[%d,2]]", "[[9,3]]", True),
        ],
    )
    def test_what_answers_have_in_common_is_compared(self, before: str, after: str, *, differs: bool) -> None:
        """Many tell a time or an identifier beside what counts."""
        trial = Trial([FIRST])
        for number in (1, 2):
            trial.answered(FIRST, (before % number).encode())
        trial.restored(1)
        assert (trial.answered(FIRST, after.encode()) is not None) == differs

    @pytest.mark.parametrize(
        ("before", "differs"),
        [(b"%d", False), (b'{"a":' * 600 + b"%d" + b"}" * 600, True)],
        ids=["no answers", "deep ones"],
    )
    def test_answers_that_cannot_be_compared(self, before: bytes, *, differs: bool) -> None:
        trial = Trial([FIRST])
        for number in (1, 2):
            trial.answered(FIRST, before % number)
        trial.restored(1)
        after = before % 3 if differs else b"{}"
        assert (trial.answered(FIRST, after) is not None) == differs

    @pytest.mark.parametrize(("shut", "unprompted"), [([0, 1], True), ([1, 1], False), ([0, 0], False)])
    def test_connections_that_no_request_has_used(self, shut: list[int], *, unprompted: bool) -> None:
        trial = Trial([FIRST])
        for connections in shut:
            trial.restored(connections)
        assert trial.unprompted == unprompted

    def test_the_last_answers_count(self) -> None:
        """The first request finds a cold process."""
        trial = Trial([FIRST])
        for answer in (b'{"cold":1}', b'{"cold":0}', b'{"cold":0}'):
            trial.answered(FIRST, answer)
        trial.restored(2)
        assert trial.answered(FIRST, b'{"cold":1}') is not None

    def test_all_of_the_warm_up_follows_the_loss(self) -> None:
        trial = Trial([FIRST, SECOND, FIRST])
        sent = []
        for request in trial.requests(2):
            sent.append(request)
            trial.answered(request, b"{}")
            trial.restored(len(sent) == 2)
        assert sent == [FIRST, SECOND, FIRST, SECOND]
        assert trial.shut
        assert trial.settled

    def test_it_ends_where_each_request_costs_a_connection(self) -> None:
        trial = Trial([FIRST, SECOND])
        count = 0
        for request in trial.requests(8):
            count += 1
            trial.answered(request, b"{}")
            trial.restored(1)
        assert count == 8 + 8 * 2
        assert not trial.settled


def test_an_error_is_shown_in_short_and_as_text() -> None:
    assert failure(ValueError("lost\n \x1b[31mred")) == r"failed (lost \x1b[31mred)"
    assert failure("x" * 1000) == f"failed ({'x' * 200}...)"


class TestPolicy:
    def test_by_default_evidence_is_wanted(self) -> None:
        made = policy(has_warmup=False)
        assert made.judges
        assert not made.uses_up
        assert made.explain() == ""
        assert made.replaces()
        assert "without a warm-up, whether" in made.explain()

    def test_what_the_warm_up_does_not_use_it_tells_nothing_of(self) -> None:
        made = policy()
        made.passed()
        assert "answered as well without them" in made.explain()
        assert made.replaces()
        assert "neither the warm-up nor a hook uses that connection" in made.explain()

    def test_the_first_failure_is_told(self) -> None:
        made = policy()
        made.failed("warm-up request 1 failed (gone)")
        made.failed("warm-up request 2 failed (gone)")
        made.passed()
        assert made.uses_up
        assert made.replaces()
        assert made.explain() == (
            "Processes are replaced once a request has used a connection that is older than it: with such a"
            f" connection shut down, warm-up request 1 failed (gone). To keep them, {ADVICE}."
        )

    @pytest.mark.parametrize("configured", ["shut", "replace"])
    def test_what_is_configured_needs_no_evidence(self, configured: str) -> None:
        made = policy(configured, has_warmup=False)
        assert not made.judges
        assert made.uses_up == (configured == "replace")
        assert made.replaces() == (configured == "replace")
        assert "so it is configured" in made.explain()

    def test_a_connection_that_comes_to_rest_is_waited_for(self) -> None:
        made = policy()
        patience = [made.patience_s]
        while not made.uses_up:
            assert made.expects_rest
            made.unsettled(made.patience_s)
            patience.append(made.patience_s)
        assert patience == [0, 0.1, 0.5, 2.0, 2.0]
        assert not made.expects_rest, "there is nothing more to wait for"
        assert "the function uses such a connection without a request, too" in made.explain()
        assert not policy("shut").expects_rest

    def test_it_is_logged_once(self) -> None:
        made = policy()
        with structlog.testing.capture_logs() as events:
            made.failed("warm-up request 1 failed (gone)")
            for _ in range(3):
                made.replaces()
        assert events == [
            {
                "event": "processes are replaced once a request has used an older connection",
                "log_level": "warning",
                "function": "shop",
                "why": "with such a connection shut down, warm-up request 1 failed (gone)",
                "advice": ADVICE,
            }
        ]


def test_an_unknown_way_is_refused() -> None:
    function = Function.from_command(["true"])
    with pytest.raises(
        ConfigError, match=r"^unknown way with connections 'keep': choose one of auto, shut, replace$"
    ):
        Pool(function, connections="keep", limits=Limits())


@pytest.mark.parametrize("way", ["shut", "replace"])
def test_connections_are_either_kept_or_not(way: str) -> None:
    with pytest.raises(ConfigError, match=f"cannot be kept with connections='{way}': choose one of the two"):
        Pool(Function.from_command(["true"]), keep_connections=True, connections=way)
