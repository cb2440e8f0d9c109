"""Says of a text how favourable and how subjective its sentences are, by TextBlob's own lexicon."""

from __future__ import annotations

import re
from statistics import fmean
from typing import Any

from textblob import TextBlob

_END = re.compile(r"(?<=[.!?])\s+")  # TextBlob finds the ends by data of NLTK, which are a download
TextBlob("good").sentiment  # noqa: B018 - reads the lexicon, which would else be read by the first request


def main(params: dict[str, Any]) -> dict[str, float]:
    """Answer the means over the sentences of ``text``."""
    found = [TextBlob(sentence).sentiment for sentence in _END.split(params["text"])]
    return {
        "sentences": len(found),
        "polarity": round(fmean(each.polarity for each in found), 9),
        "subjectivity": round(fmean(each.subjectivity for each in found), 9),
    }
