"""What the requests of the larger functions carry: the same in every process, of the published sizes."""

from __future__ import annotations

import base64
import random
from pathlib import Path
from typing import Any

_POINTS = 1000
_CHAPTERS = 26
_CHAPTER = """\
## Chapter {number}: how to run it

Start the program with `run --level {number}`, and wait until it says *ready*.
There are **three** ways to do that;
the [manual](https://example.org/manual/{number}) describes each, with its price.

1. Install the package, and look at what it says.
2. Write a file of settings:

    - the `port` at which it listens,
    - the `level`, a number from 0 to {number}.

3. Start it, and open the page.

```
$ run --level {number}
ready
```

> It keeps nothing between two requests. What a program keeps, somebody will find:
> so the shortest chapter of this manual is the one about *secrets*.

    for (int i = 0; i < {number}; i++) {{
        serve(next_request());   /* <- one at a time & no more */
    }}

![A picture of the settings](settings-{number}.png "Settings") See also <https://example.org/help>.

---

"""

REVIEW = (
    "We stayed for three nights in May, and the small hotel by the harbour was a wonderful surprise. "
    "The room was clean and quiet, although the bathroom was really too small for two people! "
    "Breakfast was excellent: fresh bread, good coffee, and the friendliest waiter in town. "
    "Dinner on the second evening was a disappointment. The soup was cold, the fish was dry, and nobody came "
    "when we complained. It was not a bad restaurant, but it was certainly overpriced. "
    "The next morning the owner apologized, and did not let us pay for the meal, which was very kind of her. "
    "The beach is ten minutes away and extremely beautiful at sunset. Parking is a nightmare. "
    "The wireless network was slow and unreliable, so I could not work at all. Perhaps that was good. "
    "My husband hated the bed, I loved it. The view from the roof is simply perfect. "
    "Would we come again? Absolutely, if the kitchen gets better and the prices do not get worse."
)
"""A text as people write them."""


def document() -> str:
    """A manual in Markdown, about 21 kB of it, as base64."""
    chapters = "".join(_CHAPTER.format(number=number) for number in range(1, _CHAPTERS + 1))
    return base64.b64encode(f"# The manual\n\n{chapters}".encode()).decode()


def coordinates() -> dict[str, Any]:
    """A thousand points, each with a name and options that nobody reads."""
    numbers = random.Random(1)  # noqa: S311 - no secrets: the same points every time
    points = [
        {
            **{axis: numbers.random() for axis in "xyz"},
            "name": f"point {numbers.randrange(10_000)}",
            "options": {"1": [1, True]},
        }
        for _ in range(_POINTS)
    ]
    return {"coordinates": points, "info": "measured"}


def picture() -> str:
    """Two lines of black text on white, 440 pixels wide: a file of PNG, as base64."""
    return base64.b64encode((Path(__file__).parent / "text.png").read_bytes()).decode()
