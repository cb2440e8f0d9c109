"""Texts of earlier requests in later answers."""

from __future__ import annotations

from groundhog.audit.answers import Leak, Said, encoded, leaks, texts


def test_the_texts_of_a_payload_are_its_values_and_long_names() -> None:
    payload = {
        "name": "ada",
        "tags": ["first", 7, True, None],
        "id": 123456,
        "deep": {"x": 'say "hi"'},
        "no": "ab",
        "carts": {"sku-4711": 1, "ann@example.org": {"ab": 2}},
    }
    assert list(texts(payload)) == ["ada", "first", "123456", 'say \\"hi\\"', "sku-4711", "ann@example.org"]


def test_a_name_of_an_earlier_request_is_named_likewise() -> None:
    payloads = [{"cart": {"sku-4711": 2}}, {"cart": {"sku-4712": 1}}]
    said = [Said("[]"), Said('[{"sku-4711": 2}]')]
    assert leaks([0, 1], payloads, said, [Said("")] * 2) == [Leak(2, "sku-4711", 1)]


def test_a_text_of_an_earlier_request_is_named_with_its_source() -> None:
    payloads = [{"name": "ada"}, {"name": "grace"}, {"name": "linus"}]
    said = [Said('["ada"]'), Said('["ada", "grace"]'), Said("[]", printed="hello grace")]
    clean = [Said('["ada"]'), Said('["grace"]'), Said("[]")]
    found = leaks([0, 1, 2], payloads, said, clean)
    assert found == [Leak(2, "ada", 1), Leak(3, "grace", 2)]
    assert str(found[0]) == "request 2's answer contained 'ada' from request 1"


def test_texts_of_ones_own_and_of_the_function_are_no_leaks() -> None:
    payloads = [{"city": "Paris"}, {"city": "Paris, Texas"}, {"city": "Rome"}]
    said = [Said("Paris"), Said("Paris, Texas"), Said("Rome is south of Paris")]
    assert leaks([0, 1, 2], payloads, said, said) == []


def test_the_same_payload_twice() -> None:
    payloads = [{"name": "ada"}]
    assert leaks([0, 0], payloads, [Said("1"), Said("ada again")], [Said("")]) == []


def test_answers_are_compared_by_value() -> None:
    assert encoded({"b": 1, "a": "ü"}) == encoded({"a": "ü", "b": 1}) == '{"a": "ü", "b": 1}'
