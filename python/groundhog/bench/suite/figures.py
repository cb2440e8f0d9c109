"""Figures of what the suite has measured, as SVG and PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from groundhog.bench.lane import OFF
from groundhog.bench.suite.modes import AGAIN, CLASSIC, REQUEST

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Functions = dict[str, dict[str, dict[str, Any]]]

_COLOURS = {AGAIN: "#b8b8b8", REQUEST: "#1f6f8b", CLASSIC: "#d98c3f"}
_LEAST_SHOWN, _MOST_SHOWN = -15.0, 60.0
"""Percent; what is beyond is written beside its bar."""


def draw(functions: Functions, memcpy: float, folder: Path) -> list[Path]:
    """Draw all figures; the files.

    Args:
        functions: rows by function and mode.
        memcpy: seconds for a page of uncached memory.
        folder: where they go.

    Raises:
        ModuleNotFoundError: matplotlib is missing, which is in the extra ``[bench]``.
    """
    from matplotlib.figure import Figure

    made = [
        ("latency", Figure(figsize=(14, 4.5)), _latency),
        ("throughput", Figure(figsize=(14, 4.5)), _throughput),
        ("restore", Figure(figsize=(7, 4.5)), _restore),
    ]
    paths = []
    for name, figure, fill in made:
        fill(figure.add_subplot(), functions, memcpy)
        paths += _save(figure, folder / f"evaluation-{name}")
    return paths


def _save(figure: Figure, path: Path) -> list[Path]:
    figure.tight_layout()
    paths = [path.with_suffix(".svg"), path.with_suffix(".png")]
    figure.savefig(paths[0], metadata={"Date": None})
    figure.savefig(paths[1], dpi=120)
    return paths


def _bars(axes: Axes, functions: Functions, of: str) -> None:
    names = [name for name, modes in functions.items() if REQUEST in modes]
    for shift, mode in enumerate((AGAIN, REQUEST, CLASSIC)):
        places: list[float] = []
        values: list[float] = []
        for place, name in enumerate(names):
            modes = functions[name]
            if mode in modes:
                places.append(place + (shift - 1) * 0.28)
                values.append(_over(modes, mode, of))
        axes.bar(places, values, 0.28, color=_COLOURS[mode], label=mode)
        for where, value in zip(places, values, strict=True):
            if not _LEAST_SHOWN <= value <= _MOST_SHOWN:
                edge, side = (_MOST_SHOWN, "top") if value > 0 else (_LEAST_SHOWN, "bottom")
                axes.text(where, edge, f"{value:+.0f}", rotation=90, fontsize=6, ha="center", va=side)
    axes.set_xticks(
        range(len(names)), [functions[name][OFF]["name"] for name in names], rotation=90, fontsize=7
    )
    axes.set_xlim(-0.7, len(names) - 0.3)
    axes.axhline(0, color="black", linewidth=0.7)
    axes.legend(loc="upper left", fontsize=8)


def _over(modes: dict[str, dict[str, Any]], mode: str, of: str) -> float:
    def value(row: dict[str, Any]) -> float:
        return float(row["latency"]["p50"] if of == "latency" else row["throughput"])

    return (value(modes[mode]) / value(modes[OFF]) - 1) * 100


def _latency(axes: Axes, functions: Functions, _: float) -> None:
    _bars(axes, functions, "latency")
    axes.set_ylim(_LEAST_SHOWN, _MOST_SHOWN)
    axes.set_ylabel("latency over off, %")
    axes.set_title("Median latency of a request over that of a plain process")


def _throughput(axes: Axes, functions: Functions, _: float) -> None:
    _bars(axes, functions, "throughput")
    axes.set_ylim(-_MOST_SHOWN, -_LEAST_SHOWN)
    axes.set_ylabel("throughput over off, %")
    axes.set_title("Requests a second of one process at saturation, the restores included")


def _restore(axes: Axes, functions: Functions, memcpy: float) -> None:
    most: float = 1.0
    for mode in (REQUEST, CLASSIC):
        rows = [modes[mode] for modes in functions.values() if mode in modes]
        pages = [max(1.0, row["dirty_pages"]) for row in rows]
        axes.scatter(
            pages, [row["restore"]["p50"] * 1e3 for row in rows], s=14, color=_COLOURS[mode], label=mode
        )
        most = max([most, *pages])
    limit = [1.0, most]
    axes.plot(limit, [pages * memcpy * 1e3 for pages in limit], color="black", linewidth=0.8, label="memcpy")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("dirty pages of a request")
    axes.set_ylabel("restore, ms")
    axes.set_title("Median time of a restore over what it reverts")
    axes.legend(fontsize=8)
