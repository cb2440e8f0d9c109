"""What is passed on to callers who take it slowly."""

from __future__ import annotations

from groundhog.platforms.proxy import _Sink, _Untaken


async def test_those_whose_answers_began_first_give_way() -> None:
    untaken = _Untaken(100)
    first, second, third = (_Sink(untaken) for _ in range(3))
    first.data(b"x" * 40)
    second.data(b"y" * 50)
    assert await second.part() == b"y" * 50
    third.data(b"z" * 60)
    assert [sink.given_up for sink in (first, second, third)] == [False, False, False]
    third.data(b"z")
    assert [sink.given_up for sink in (first, second, third)] == [True, False, False]
    assert await first.part() is None
    first.data(b"more")  # for nobody
    assert first.parts.empty()
    third.give_up()
    second.data(b"y" * 100)
    assert [sink.given_up for sink in (first, second, third)] == [True, False, True]
    second.data(b"y")
    assert [sink.given_up for sink in (first, second, third)] == [True, True, True]
