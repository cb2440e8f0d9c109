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
    sent = asyncio.run(arguments(text.encode("utf-8", "replace"), LIMIT))
    assert json.loads(sent) == json.loads(text.encode("utf-8", "replace"))
    assert not set(sent.decode()) & set(LINE_ENDS)


async def test_too_large_is_413() -> None:
    with pytest.raises(Refusal, match="limit is 100") as caught:
        encoded(["x" * 100], 100)
    assert caught.value.status == 413
    with pytest.raises(Refusal, match="limit is 100") as caught:
        await arguments(json.dumps(["x" * 100]).encode(), 100)
    assert caught.value.status == 413


def test_what_has_no_form_to_be_sent_in_is_400() -> None:
    with pytest.raises(InvalidRequestError, match="Out of range") as caught:
        encoded({"x": 1e400}, 100)
    assert answers.of_error(caught.value).status_code == 400


@pytest.mark.parametrize("size", [10, 100_000])  # the second is looked through by a thread
@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"[" + b"1" * 5000 + b"]", "the body is not JSON: a number has more than 4300 digits"),
        (b"[" * 5000, "the body is nested too deeply"),
        (b'{"a": NaN}', "the body is not JSON: expected value at line 1 column 7"),
        (b'["\xff"]', "the body is not JSON: byte 2 is not UTF-8"),
        (b'"text"', "the body is JSON, but not an object or an array: arguments have names"),
        (b"", "the body is empty: send a JSON object, such as {}"),
    ],
)
async def test_what_is_no_arguments(body: bytes, why: str, size: int) -> None:
    with pytest.raises(Refusal) as caught:
        await arguments(body + b" " * size, LIMIT)
    assert (caught.value.status, caught.value.message) == (400, why)


async def test_large_arguments_keep_nobody_waiting() -> None:
    """The loop takes its turns while a thread looks."""
    turns = 0
    body = b"[" + b"[]," * 3_000_000 + b"[]]"
    looking = asyncio.ensure_future(arguments(body, len(body)))
    while not looking.done():
        turns += 1
        await asyncio.sleep(0)
    assert await looking == body
    assert turns > 10


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
