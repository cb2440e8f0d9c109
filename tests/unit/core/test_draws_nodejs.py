"""What the Node launcher draws from, in a process of its own, without a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.core.launcher import Launcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Source = Callable[[str, str], Path]

pytestmark = pytest.mark.usefixtures("no_leaks")
NUMBERS = {
    "Math.random",
    "Math.random of a new context",
    "crypto.randomBytes",
    "crypto.randomFillSync",
    "crypto.randomInt",
    "crypto.randomUUID",
    "crypto.getRandomValues",
    "webcrypto.randomUUID",
}
KEYS = {"crypto.generateKeyPairSync", "crypto.generateKeySync", "ECDH.generateKeys", "subtle.generateKey"}


def drawn(path: Path) -> Any:
    """The answer, once the process has prepared for its snapshot."""
    with Launcher(path) as it:
        it.line()
        assert it.ask({"groundhog": "prepare"}) == {"ok": True, "hooks": False, "before_restore": False}
        answer = it.ask({"groundhog": "draw"})
        assert it.call({"a": 1}) == {"a": 1}, "it goes on serving"
    return answer


def test_everything_is_drawn_from(source: Source) -> None:
    answer = drawn(source("handler.js", "exports.main = (params) => params;\n"))
    assert answer["drawn"].keys() == NUMBERS | KEYS
    assert all(answer["drawn"].values())
    assert answer["refused"] == {}
    assert answer["private"] == []


def test_one_that_throws_does_not_keep_the_others(source: Source) -> None:
    text = "Math.random = () => { throw new TypeError('no luck'); };\nexports.main = (params) => params;\n"
    answer = drawn(source("handler.js", text))
    assert answer["refused"] == {"Math.random": "TypeError: no luck"}
    assert answer["drawn"].keys() == (NUMBERS | KEYS) - {"Math.random"}


def test_packages_with_pools(source: Source) -> None:
    """Of what is loaded, whatever hides behind a name like theirs."""
    source("node_modules/nanoid/index.js", "exports.nanoid = () => 'n';\nrequire('./other.js');\n")
    source("node_modules/nanoid/other.js", "exports.a = 1;\n")
    source("node_modules/nanoid/node_modules/inner/index.js", "exports.nanoid = () => 'inner';\n")
    source("node_modules/uuid/index.js", "exports.v4 = (options) => (options ? 'pooled' : 'native');\n")
    source("node_modules/not-nanoid/index.js", "exports.nanoid = () => 'else';\n")
    names = "['nanoid', 'uuid', 'not-nanoid', 'nanoid/node_modules/inner']"
    handler = source("handler.js", f"{names}.forEach(require);\nexports.main = (params) => params;\n")
    found = {one["where"]: (one["what"], one["drawn"]) for one in drawn(handler)["private"]}
    modules = handler.parent / "node_modules"
    assert found == {
        str(modules / "nanoid" / "index.js"): ("the pool of nanoid", "n"),
        str(modules / "uuid" / "index.js"): ("the pool of uuid", "pooled"),
    }


@pytest.mark.parametrize("locked", ["Object.freeze(Error);", "Error.prepareStackTrace = () => 'mine';"])
def test_bytes_are_drawn_whatever_is_done_to_errors(source: Source, locked: str) -> None:
    """Before the snapshot somebody looks who draws them."""
    text = f"{locked}\nconst size = require('crypto').randomBytes(5).length;\n"
    text += "exports.main = () => ({ size });\n"
    with Launcher(source("handler.js", text)) as it:
        it.line()
        assert it.call({}) == {"size": 5}
