"""FaaSProfiler: 13 functions in Python and Node that do what people deploy.

They do what the functions of FaaSProfiler do (Mohammad Shahrad, Jonathan Balkind and David Wentzlaff,
"Architectural Implications of Function-as-a-Service Computing", MICRO 2019; MIT licence), in the same sizes.
They are written from that description: no code, text or picture of it is here. What differs:

- ``http-endpoint`` answers its parameters instead of the time, which is never the same twice;
- long results are answered as a checksum;
- ``autocomplete`` knows made-up towns; ``sentiment-analysis`` reads a review of a hotel;
- sieves are of flags instead of numbers.

Functions in Node run from the folder that `installing` makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundhog.bench.suite.case import Case, Language
from groundhog.bench.suite.faasprofiler import payloads

_HERE = Path(__file__).parent
_STRINGS = {"size": 1_000_000, "rounds": 100}
_POINTS = payloads.coordinates()
_CENTRE = {"x": 0.49624694334467134, "y": 0.5058769303076304, "z": 0.5057613864388489}
_MARS = (
    "abridge aby adale adon afield aford aham ahurst aley amouth aport astead aton awell awick "
    "bebridge beby bedale bedon befield"
)


def _python(name: str, file: str, payload: Any, answer: Any, *, packages: tuple[str, ...] = ()) -> Case:
    source = _HERE / "python" / f"{file}.py"
    return Case("faasprofiler", name, Language.PYTHON, source, payload, answer, packages)


def _node(
    name: str,
    file: str,
    payload: Any,
    answer: Any,
    *,
    packages: tuple[str, ...] = (),
    programs: tuple[str, ...] = (),
) -> Case:
    source = _HERE / "nodejs" / f"{file}.js"
    return Case("faasprofiler", name, Language.NODE, source, payload, answer, packages, programs)


def _both(name: str, file: str, payload: Any, answer: Any) -> tuple[Case, Case]:
    """In both languages, with the same answer."""
    return (
        _python(f"{name}-python", file, payload, answer),
        _node(f"{name}-node", file, payload, answer),
    )


CASES: tuple[Case, ...] = (
    _python(
        "markdown-to-html",
        "markdown_to_html",
        {"markdown": payloads.document()},
        {"bytes": 27_932, "crc32": 108_112_087},
        packages=("markdown",),
    ),
    _python(
        "sentiment-analysis",
        "sentiment_analysis",
        {"text": payloads.REVIEW},
        {"sentences": 15, "polarity": 0.198675265, "subjectivity": 0.509603175},
        packages=("textblob",),
    ),
    _node(
        "autocomplete",
        "autocomplete",
        {"term": "Mar"},
        {"found": [f"Mar{end}" for end in _MARS.split()]},
    ),
    _node(
        "img-resize",
        "img_resize",
        {"sizes": [196, 144, 96, 72, 48]},
        {"icons": 5, "sha256": "93b65cdbd0196838"},
        packages=("jimp",),
    ),
    _node(
        "ocr-img",
        "ocr_img",
        {"image": payloads.picture()},
        {"text": "The warm function forgets\nwhat it was asked before: 42"},
        programs=("tesseract",),
    ),
    *_both("base64", "base64_strings", _STRINGS, {"encoded": 133_333_600, "decoded": 100_000_000}),
    *_both("http-endpoint", "http_endpoint", {"name": "Lena"}, {"received": {"name": "Lena"}}),
    *_both("json", "json_coordinates", _POINTS, _CENTRE),
    *_both("primes", "primes", {"limit": 10_000_000}, {"primes": 664_579}),
)
