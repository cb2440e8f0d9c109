"""What the platforms share, where no request of theirs shows it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundhog.errors import InvalidRequestError
from groundhog.platforms import answers
from groundhog.platforms.answers import JsonAnswer, Refusal, Refusing, arguments, encode, encoded

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Message

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
)
ARGUMENTS = st.lists(VALUES) | st.dictionaries(st.text(), VALUES)
# What Python, Java and Node take for the end of a line, and more.
LINE_ENDS = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
LIMIT = 1_000_000


@given(value=ARGUMENTS)
def test_encoded_arguments_are_one_line_and_mean_the_same(value: Any) -> None:
    sent = encoded(value, LIMIT)
    assert json.loads(sent) == value
    assert len((sent.decode() + "|").splitlines()) == 1


@given(
    value=ARGUMENTS, ascii_only=st.booleans(), indent=st.none() | st.sampled_from(["\r", "\r\n", "\t", " "])
)
def test_a_body_is_sent_as_one_line_and_means_the_same(
    value: Any, ascii_only: bool, indent: str | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    sent = arguments(text.encode("utf-8", "replace"), LIMIT)
    assert json.loads(sent) == json.loads(text.encode("utf-8", "replace"))
    assert not set(sent.decode()) & set(LINE_ENDS)


@pytest.mark.parametrize("call", [encoded, lambda value, limit: arguments(json.dumps(value).encode(), limit)])
def test_too_large_is_413(call: Any) -> None:
    with pytest.raises(Refusal, match="limit is 100") as caught:
        call(["x" * 100], 100)
    assert caught.value.status == 413


def test_what_has_no_form_to_be_sent_in_is_400() -> None:
    with pytest.raises(InvalidRequestError, match="Out of range") as caught:
        encoded(answers.parse_json(b'{"x": 1e400}'), 100)
    assert answers.of_error(caught.value).status_code == 400


def test_a_number_of_too_many_digits() -> None:
    with pytest.raises(Refusal, match=r"value has 5000 digits$"):
        answers.parse_json(b"1" * 5000)


def test_half_a_surrogate_pair_stays_escaped() -> None:
    assert encode({"a": "\ud800", "b": "❄"}) == b'{"a":"\\ud800","b":"\\u2744"}'
    assert encode({"b": "❄"}) == '{"b":"❄"}'.encode()


async def test_a_client_that_goes_away_gets_no_answer() -> None:
    async def read(request: Request) -> Response:
        await answers.read_body(request, 100, 20)
        return JsonAnswer({})

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    await Refusing(read, ("POST",))(scope, receive, send)
    assert sent == []


async def test_who_is_cut_off_by_the_end_is_not_told_to_try_again() -> None:
    """The function may have charged a card."""
    begun = asyncio.Event()

    async def run(request: Request) -> Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError(request)

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    call = asyncio.create_task(Refusing(run, ("POST",))(scope, receive, send))
    await begun.wait()
    call.cancel()
    await call
    head, body = sent
    assert head["status"] == 503
    assert b"retry-after" not in dict(head["headers"])
    assert json.loads(body["body"]) == {"error": answers.CUT_OFF}


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"/a", "/a", b"sent.example"),
        (b"http://named.example/a%20b", "/a b", b"named.example"),
        (b"HTTPS://named.example:8443", "/", b"named.example:8443"),
        (b"http://who@named.example/a", "/a", b"named.example"),
        (b"http://[::1]:80/a", "/a", b"[::1]:80"),
    ],
)
async def test_the_authority_of_a_target_is_the_host(target: bytes, path: str, host: bytes) -> None:
    """Whatever the caller sent as that: RFC 9112, section 3.2.2."""
    seen: list[Any] = []

    async def note(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
        seen.append(scope)

    headers = [(b"host", b"sent.example"), (b"accept", b"*/*")]
    scope = {"type": "http", "path": "/a", "raw_path": target, "headers": headers}
    await answers._OriginForm(note)(scope, None, None)  # type: ignore[arg-type]
    (scope,) = seen
    assert (scope["path"], dict(scope["headers"])[b"host"]) == (path, host)
    assert len(scope["headers"]) == 2
