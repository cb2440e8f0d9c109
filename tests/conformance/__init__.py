"""The cases of other projects' suites, by their names and what they expect, written anew: `python -m
tests.conformance` tries all of them, and writes docs/conformance.md.
"""
