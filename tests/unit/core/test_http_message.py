"""Requests for servers of HTTP, and their answers, as bytes and as JSON."""

from __future__ import annotations

import string
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundhog.errors import InvalidRequestError
from groundhog.protocols.http_message import Request, answer, passed_on

TOKENS = st.text(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)


def sent(request: Request) -> list[Any]:
    """What a server understands."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(request.encode(h11.Connection(h11.CLIENT)))
    events: list[Any] = []
    while not (events and isinstance(events[-1], h11.EndOfMessage)):
        events.append(server.next_event())
    return events


def test_an_empty_object_asks_for_the_root() -> None:
    head, end = sent(Request.of_json({}))
    assert (head.method, head.target) == (b"GET", b"/")
    assert dict(head.headers) == {b"host": b"localhost", b"connection": b"close"}
    assert isinstance(end, h11.EndOfMessage)


def test_all_members_are_sent() -> None:
    value = {
        "method": "POST",
        "path": "/a%20b?c=d",
        "headers": {"Host": "example.org", "X-Many": ["1", "2"], "Content-Length": "7"},
        "body": "Grüße",
    }
    head, data, _ = sent(Request.of_json(value))
    assert head.target == b"/a%20b?c=d"
    assert [text for name, text in head.headers if name == b"x-many"] == [b"1", b"2"]
    assert [text for name, text in head.headers if name == b"content-length"] == [b"7"]
    assert bytes(data.data) == "Grüße".encode()


def test_bytes_are_sent_in_base64() -> None:
    _, data, _ = sent(Request.of_json({"method": "PUT", "body": "AP8=", "base64": True}))
    assert bytes(data.data) == b"\x00\xff"


def test_a_body_that_may_be_there_has_a_length() -> None:
    head, *_ = sent(Request.of_json({"method": "POST"}))
    assert (b"content-length", b"0") in head.headers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "is an object with method"),
        ([1], "not list"),
        ({"query": "x"}, "no member 'query'"),
        ({"method": 1}, "the method of a request is a text, not int"),
        ({"headers": []}, "the headers of a request is an object"),
        ({"headers": {"a": 1}}, "texts, or lists of texts"),
        ({"headers": {"a": [1]}}, "texts, or lists of texts"),
        ({"headers": {"a": "€"}}, "encode it"),
        ({"headers": {"ä": "b"}}, "encode it"),
        ({"headers": {"a b": "c"}}, "no such request"),
        ({"headers": {"a": "b\r\nc: d"}}, "no such request"),
        ({"method": "GET /"}, "no such request"),
        ({"path": "/ /"}, "no such request"),
        ({"path": "/\r\nx: y"}, "no such request"),
        ({"path": "/ä"}, "encode it"),
        ({"body": "\ud800"}, "half a surrogate pair"),
        ({"body": "A", "base64": True}, "not in base64"),
        ({"base64": "yes"}, "true or false"),
    ],
)
def test_what_is_no_request_is_refused(value: Any, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=text):
        Request.of_json(value)


@given(
    st.dictionaries(TOKENS, VALUES, max_size=6).filter(
        lambda headers: len({name.lower() for name in headers}) == len(headers)
    )
)
def test_headers_come_out_as_they_went_in_but_those_of_connections(headers: dict[str, str]) -> None:
    kept = [(b"x-own", b"1"), *((n.lower().encode(), v.encode()) for n, v in headers.items())]
    try:
        head, *_ = sent(Request(b"GET", b"/", ((b"host", b"h"), *kept)))
    except InvalidRequestError:
        assert any(name.lower() == "host" for name in headers)  # there are two
        return
    expected = dict(passed_on([(b"host", b"h"), *kept], frozenset({b"content-length", b"expect"})))
    assert dict(head.headers) == {**expected, b"connection": b"close"}


def test_headers_that_a_connection_names_are_its_own() -> None:
    headers = [(b"Connection", b"close, X-Hop"), (b"x-hop", b"1"), (b"Keep-Alive", b"5"), (b"x-end", b"2")]
    assert passed_on(headers) == ((b"x-end", b"2"),)


def test_an_answer_is_text_where_it_can_be() -> None:
    headers = [(b"Date", b"now"), (b"set-cookie", b"a"), (b"set-cookie", b"b")]
    told = answer(200, headers, "ü".encode())
    assert told == {"status": 200, "headers": [["set-cookie", "a"], ["set-cookie", "b"]], "body": "ü"}
    assert answer(500, [], b"\xff") == {"status": 500, "headers": [], "body": "/w==", "base64": True}


def test_a_length_that_chunks_override_is_not_passed_on() -> None:
    assert passed_on([(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"5")]) == ()


def test_a_host_is_never_of_a_connection() -> None:
    assert passed_on([(b"connection", b"host, x"), (b"host", b"a"), (b"x", b"1")]) == ((b"host", b"a"),)
