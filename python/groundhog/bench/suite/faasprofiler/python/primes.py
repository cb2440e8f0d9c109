"""Counts the prime numbers up to ten million by the sieve of Eratosthenes, in a list of the odd ones."""

from __future__ import annotations

from math import isqrt
from typing import Any


def main(params: dict[str, Any]) -> dict[str, int]:
    """Answer how many there are up to ``limit``."""
    limit = params["limit"]
    prime = [True] * ((limit + 1) // 2)  # prime[i] says it of 2 * i + 1; that of 1 stands for the 2
    for number in range(3, isqrt(limit) + 1, 2):
        if prime[number // 2]:
            crossed = range(number * number // 2, len(prime), number)
            prime[crossed.start :: number] = [False] * len(crossed)
    return {"primes": prime.count(True)}
