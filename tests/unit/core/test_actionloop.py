"""ActionLoop without I/O: however the bytes are cut up, the same events come out."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundhog.errors import HookError, InvalidRequestError, PayloadTooLargeError, ProtocolError
from groundhog.protocols import json_text
from groundhog.protocols.actionloop import (
    NOT_AN_OBJECT,
    Ack,
    AnswerDecoder,
    Freshness,
    encode_request,
    encode_value,
    excerpt,
    noop_line,
    parse_ack,
    parse_answer,
)

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

NAMES = st.text().filter(lambda name: name not in {"value", "groundhog"} and not {"=", "\0"} & {*name})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
LIMIT = 1 << 20


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


class TestRequests:
    @given(JSON)
    def test_one_line_that_means_the_same(self, params: Any) -> None:
        line = encode_request(params)
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1
        assert json.loads(line) == {"value": params}

    @given(
        st.dictionaries(
            NAMES, JSON.filter(lambda item: not isinstance(item, str) or "\0" not in item), max_size=4
        )
    )
    def test_context_stands_beside_the_value(self, context: dict[str, Any]) -> None:
        line = encode_request({"a": 1}, context)
        assert line.count(b"\n") == 1
        assert json.loads(line) == {"value": {"a": 1}, **context}

    @pytest.mark.parametrize("end", "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
    def test_nobody_can_end_the_line_for_runtimes_that_know_other_ends(self, end: str) -> None:
        forged = f'{end}{{"value":{{"forged":1}},"api_key":"another one\'s"}}{end}'
        for value in ({"a": forged}, {forged: 1}):
            as_it_came = json_text.line(json.dumps(value, ensure_ascii=False).encode())
            for params, context in ((value, {}), (as_it_came, {}), ({}, value)):
                line = encode_request(params, context).decode()
                assert len(line.splitlines()) == 1
                assert json.loads(line) == {"value": value if params else {}, **context}

    def test_compact_and_in_utf_8(self) -> None:
        assert encode_request({"a": ["❄", 1]}) == '{"value":{"a":["❄",1]}}\n'.encode()

    def test_half_a_surrogate_pair_is_escaped(self) -> None:
        assert encode_request("\ud800") == b'{"value":"\\ud800"}\n'

    @pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, b"bytes", {("a",): 1}, nested(100_000)])
    def test_what_is_not_json(self, value: Any) -> None:
        with pytest.raises(InvalidRequestError, match="the parameters are not JSON: "):
            encode_request(value)

    def test_context_that_is_not_json(self) -> None:
        with pytest.raises(InvalidRequestError, match="the context of the request is not JSON: "):
            encode_request({}, {"a": {1}})

    @pytest.mark.parametrize("name", ["value", "groundhog"])
    def test_no_caller_can_forge_a_control_line(self, name: str) -> None:
        with pytest.raises(InvalidRequestError, match=f"cannot have a member '{name}'"):
            encode_request({}, {name: "noop"})

    @pytest.mark.parametrize("name", ["a=b", "a\0b", "a\ud800"])
    def test_names_that_no_variable_has(self, name: str) -> None:
        with pytest.raises(InvalidRequestError, match="context cannot have the name 'a"):
            encode_request({}, {name: 1})

    def test_names_that_are_numbers(self) -> None:
        context: dict[Any, Any] = {1: "a"}
        assert json.loads(encode_request({}, context)) == {"value": {}, "1": "a"}

    @pytest.mark.parametrize("value", ["a\0b", "\ud800"])
    def test_text_that_no_variable_has(self, value: str) -> None:
        with pytest.raises(
            InvalidRequestError, match="'name' of a request's context has a zero byte or half a"
        ):
            encode_request({}, {"name": value})
        assert json.loads(encode_request({}, {"name": [value]})) == {"value": {}, "name": [value]}

    def test_too_long(self) -> None:
        assert len(encode_value("a" * 98, 100)) == 100
        with pytest.raises(PayloadTooLargeError, match="the request is 101 bytes of JSON, the limit is 100"):
            encode_value("a" * 99, 100)

    def test_json_that_came_as_such_is_passed_on(self) -> None:
        assert encode_request(json_text.line(b'{\n "a": 1.50\n}')) == b'{"value":{  "a": 1.50 }}\n'

    def test_noop(self) -> None:
        assert noop_line() == b'{"groundhog":"noop"}\n'
        assert json.loads(noop_line(b',"a":1')) == {"groundhog": "noop", "a": 1}


class TestAck:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            (b'{"ok":true}', Ack(ok=True)),
            (b'{"ok":true,"groundhog":1}', Ack(ok=True, control=True)),
            (b'{"ok":false,"error":"no such module"}', Ack(ok=False, error="no such module")),
            (b'{"ok":false,"error":{"code":1}}', Ack(ok=False, error="{'code': 1}")),
        ],
    )
    def test_read(self, line: bytes, expected: Ack) -> None:
        assert parse_ack(line) == expected

    @pytest.mark.parametrize("line", [b"", b"{}", b"hello", b'{"ok":1}', b"[true]", b"\xff", b"[" * 100_000])
    def test_anything_else(self, line: bytes) -> None:
        with pytest.raises(ProtocolError, match="expected the acknowledgement"):
            parse_ack(line)

    def test_one_of_megabytes_is_not_read(self) -> None:
        """The event loop would stand still for as long as parsing takes."""
        line = b'{"ok":true,"more":[%b0]}' % (b"[]," * (1 << 20))
        with pytest.raises(ProtocolError, match=r"expected the acknowledgement .* bytes more$"):
            parse_ack(line)


class TestAnswers:
    @given(st.dictionaries(st.text(), JSON) | st.lists(JSON))
    def test_objects_and_arrays(self, value: Any) -> None:
        assert parse_answer(json.dumps(value).encode()) == value

    @pytest.mark.parametrize("line", [b"1", b'"text"', b"null", b"true", b"1.5"])
    def test_anything_else_in_openwhisks_words(self, line: bytes) -> None:
        with pytest.raises(ProtocolError) as caught:
            parse_answer(line)
        assert str(caught.value) == NOT_AN_OBJECT == "The action did not return a dictionary or array."

    @pytest.mark.parametrize(
        "line", [b"", b"{", b"{} {}", b"{'a': 1}", b'{"a": NaN}', b"[-Infinity]", b"\xff", b"\xef\xbb\xbf{}"]
    )
    def test_not_json(self, line: bytes) -> None:
        with pytest.raises(ProtocolError, match="the function's answer is not JSON "):
            parse_answer(line)

    def test_nesting_that_would_exhaust_the_stack(self) -> None:
        with pytest.raises(ProtocolError, match="nested too deeply"):
            parse_answer(b"[" * 100_000 + b"]" * 100_000)

    def test_more_than_there_is_memory_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def give_up(_: str) -> None:
            raise MemoryError

        monkeypatch.setattr("groundhog.protocols.json_text.decode", give_up)
        with pytest.raises(ProtocolError, match="more memory than there is"):
            parse_answer(b"{}")

    def test_numbers_that_take_long_to_read(self) -> None:
        with pytest.raises(ProtocolError, match="not JSON"):
            parse_answer(b"[" + b"9" * 100_000 + b"]")

    def test_excerpts_are_short_and_printable(self) -> None:
        assert excerpt(b"a\x00\xff\n") == r"'a\x00\ufffd\n'"
        assert excerpt(b"a" * 100) == "'" + "a" * 80 + "' and 20 bytes more"


class TestDecoder:
    @given(st.binary().filter(lambda line: b"\n" not in line), st.data())
    def test_however_it_is_cut_up(self, line: bytes, data: DataObject) -> None:
        decoder = AnswerDecoder(LIMIT)
        for _ in range(2):  # and a second time, with nothing left of the first
            decoder.expect()
            stream = line + b"\n"
            cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
            pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
            answers = [answer for piece in pieces if (answer := decoder.feed(piece)) is not None]
            assert answers == [line]
            assert not decoder.awaiting
            assert decoder.pending == 0

    @given(st.integers(0, 20), st.integers(0, 20))
    def test_the_limit_holds_before_the_end_is_seen(self, limit: int, length: int) -> None:
        decoder = AnswerDecoder(limit)
        decoder.expect()
        if length > limit:
            with pytest.raises(PayloadTooLargeError, match=f"longer than the limit of {limit} bytes"):
                decoder.feed(b"a" * length)
        else:
            assert decoder.feed(b"a" * length) is None
            assert decoder.feed(b"\n") == b"a" * length

    @pytest.mark.parametrize("rest", [b"x", b"{}\n", b"\n"])
    def test_more_than_one_line(self, rest: bytes) -> None:
        decoder = AnswerDecoder(LIMIT)
        decoder.expect()
        with pytest.raises(ProtocolError, match="more than one line for one request"):
            decoder.feed(b"{}\n" + rest)
        assert not decoder.awaiting

    def test_bytes_that_nobody_asked_for(self) -> None:
        with pytest.raises(ProtocolError, match="though no answer was owed"):
            AnswerDecoder(LIMIT).feed(b"{}\n")

    def test_two_requests_at_once(self) -> None:
        decoder = AnswerDecoder(LIMIT)
        decoder.expect()
        with pytest.raises(ProtocolError, match="before the last one was answered"):
            decoder.expect()

    def test_cancelling_forgets_what_has_come(self) -> None:
        decoder = AnswerDecoder(LIMIT)
        decoder.expect()
        decoder.feed(b"old")
        decoder.cancel()
        decoder.expect()
        assert decoder.feed(b"new\n") == b"new"

    def test_nothing_is_nothing(self) -> None:
        assert AnswerDecoder(LIMIT).feed(b"") is None


class TestFreshness:
    FRESH = Freshness(bytes(range(Freshness.SIZE)), 255)

    def test_its_parts_have_the_places_that_launchers_know(self) -> None:
        prefix = self.FRESH.prefix
        assert prefix[:1] == b"@"
        assert prefix[1:81] == bytes(range(32)).hex().encode() + b"00000000000000ff"
        assert prefix[81:113] == bytes(range(32, 48)).hex().encode()
        assert len(prefix) == 113

    def test_an_answer_with_the_token_is_acknowledged(self) -> None:
        assert self.FRESH.acknowledged(b"{} " + self.FRESH.token) == b"{} "

    def test_a_failed_hook_is_told_by_a_launcher_not_by_an_answer(self) -> None:
        line = b'{"groundhog":"hook","error":"gone"}'
        with pytest.raises(HookError, match="gone"):
            self.FRESH.acknowledged(line)
        assert self.FRESH.acknowledged(line + self.FRESH.token) == line

    def test_of_one_that_tells_megabytes_only_the_beginning_is_told(self) -> None:
        line = b'{"groundhog":"hook","error":[%b0]}' % (b"[]," * (1 << 20))
        with pytest.raises(HookError, match=r"bytes more$") as caught:
            self.FRESH.acknowledged(line)
        assert len(str(caught.value)) < 300

    @pytest.mark.parametrize("line", [b"", b"{}", b"{}" + b"0" * 32])
    def test_any_other_is_not(self, line: bytes) -> None:
        message = "the function process answered without saying that its random numbers are fresh: "
        with pytest.raises(ProtocolError, match=f"^{message}"):
            self.FRESH.acknowledged(line)

    def test_the_token_does_not_count_for_the_limit(self) -> None:
        decoder = AnswerDecoder(2)
        decoder.expect(32)
        assert decoder.feed(b"{}" + self.FRESH.token + b"\n") == b"{}" + self.FRESH.token
        decoder.expect()
        with pytest.raises(PayloadTooLargeError):
            decoder.feed(b"{ }\n")
