"""What a server's metrics say of the time between two looks at them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "groundhog_"


@dataclass(frozen=True)
class Reading:
    """One look at ``/_/metrics``.

    Args:
        text: in Prometheus's text format.

    Raises:
        ValueError: it is in another one, or a bucket of a histogram has no bound.
    """

    counts: Mapping[tuple[str, str], float]
    """By name, without its prefix and ``_total``, and by its label's value."""

    @classmethod
    def of(cls, text: str) -> Reading:
        """Take in the text of one look."""
        counts = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                label = next(iter(sample.labels.values()), "")
                if sample.name.endswith("_bucket"):
                    float(label)
                counts[sample.name.removeprefix(_PREFIX).removesuffix("_total"), label] = sample.value
        return cls(counts)

    def all(self, name: str) -> dict[str, float]:
        """The values of what goes by that name, by its label."""
        return {label: value for (its, label), value in self.counts.items() if its == name}

    def one(self, name: str) -> float:
        """The value of what has no label; 0 where there is none."""
        return self.counts.get((name, ""), 0.0)


@dataclass(frozen=True)
class Interval:
    """What happened between two looks, ``seconds`` apart."""

    before: Reading
    after: Reading
    seconds: float
    grown: Mapping[tuple[str, str], float] = field(init=False)

    def __post_init__(self) -> None:
        """Take the differences. A server that has started anew since counts from 0."""
        old = self.before.counts
        restarted = any(self.after.counts.get(key, 0) < value for key, value in old.items() if _counts(key))
        grown = {
            key: value - (0 if restarted else old.get(key, 0)) for key, value in self.after.counts.items()
        }
        object.__setattr__(self, "grown", grown)

    def rates(self, name: str) -> dict[str, float]:
        """What has grown by that name, a second, by its label."""
        return {
            label: value / self.seconds for (its, label), value in self.grown.items() if its == name and value
        }

    def mean(self, name: str) -> float | None:
        """The mean of what a histogram took in; None: nothing."""
        count = self.grown.get((f"{name}_count", ""), 0)
        return self.grown[f"{name}_sum", ""] / count if count else None

    def quantile(self, name: str, share: float) -> float | None:
        """A bound below which that share of what a histogram took in lies, put on a line between the ends of
        its bucket, as Prometheus's ``histogram_quantile`` does; None: it took in nothing.
        """
        buckets = sorted(
            (float(bound), value) for (its, bound), value in self.grown.items() if its == f"{name}_bucket"
        )
        if not buckets or not buckets[-1][1]:
            return None
        rank = share * buckets[-1][1]
        low, below = 0.0, 0.0
        for bound, count in buckets:
            if count >= rank:
                if math.isinf(bound):
                    return low
                return low + (bound - low) * (rank - below) / (count - below)
            low, below = bound, count
        return low

    def phases(self) -> dict[str, float]:
        """The mean time of a restore that each phase took, in seconds, longest first."""
        count = self.grown.get(("restore_seconds_count", ""), 0)
        if not count:
            return {}
        name = "restore_phase_seconds"
        spent = {label: value / count for (its, label), value in self.grown.items() if its == name and value}
        return dict(sorted(spent.items(), key=lambda item: -item[1]))


def _counts(key: tuple[str, str]) -> bool:
    """Whether it can only grow."""
    name, _ = key
    return name in {"requests", "answers", "retirements"} or name.endswith(("_count", "_bucket"))
