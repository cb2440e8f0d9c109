"""The evaluation: 58 functions in three suites, as anybody could deploy them, in several modes side by side.

The published evaluation of isolation by reverting a process measured the same functions: Groundhog (EuroSys
2023), after the benchmark programs of Python, PolyBench/C and FaaSProfiler.
"""
