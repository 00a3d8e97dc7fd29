"""Plots of what was measured, as SVG."""

import math
from statistics import median

import matplotlib

matplotlib.use("svg")
# The same figures give the same file.
matplotlib.rcParams["svg.hashsalt"] = "pipebench"

# pylint: disable=wrong-import-position
from matplotlib import pyplot

import report
from servers import PIPEACTOR

OURS, OTHERS = "#1f6f8b", "#b8c4cc"
LABELS = {"connections": "connections", "message size": "bytes of a message",
          "subscribers": "subscribers", "writers": "actors that write",
          "active connections": "connections with messages, of 1,000",
          "bridges": "bridges (I/O threads)", "idle connections": "idle connections"}


def draw(record, folder):
    """Draws all plots that there are figures for. Returns the files."""
    entries = record["entries"]
    yield from draw_ratios(entries, folder / "ratios.svg")
    for growth, points in report.growths(entries):
        yield draw_growth(growth, points, folder / f"{report.growth_file(growth)}.svg")


def save(figure, path):
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
    return path


def draw_ratios(entries, path):
    shown = [e for e in entries if e["cell"]["part"] == "compared" and len(e["results"]) > 2
             and e["cell"]["work"] in ("echo", "broadcast") and not e["cell"]["rate"]]
    if not shown:
        return
    columns = 2
    rows = math.ceil(len(shown) / columns)
    figure, axes = pyplot.subplots(rows, columns, figsize=(10, 1.9 * rows), squeeze=False)
    for axis in axes.flat[len(shown):]:
        axis.set_visible(False)
    for axis, entry in zip(axes.flat, shown):
        results = entry["results"]
        reference = report.reference_of(results)
        found = {n: report.ratios(results, n, reference) for n in results}
        bars = sorted(((median(r), n) for n, r in found.items() if r))
        names = [n for _, n in bars]
        middles = [m for m, _ in bars]
        errors = [[m - min(found[n]) for m, n in bars], [max(found[n]) - m for m, n in bars]]
        axis.barh(names, middles, xerr=errors, height=0.7, ecolor="#666666",
                  color=[OURS if n.startswith(PIPEACTOR) else OTHERS for n in names])
        axis.axvline(1, color="#666666", linewidth=0.6)
        axis.set_title(entry["cell"]["name"], fontsize=9)
        axis.tick_params(labelsize=8)
        axis.set_xlabel(f"messages/s, ratio to {reference}", fontsize=8)
    yield save(figure, path)


def draw_growth(growth, points, path):
    figure, axis = pyplot.subplots(figsize=(6, 3.6))
    for server in points[0]["results"]:
        color = OURS if server.startswith(PIPEACTOR) else OTHERS
        line = report.growth_line(growth, points, server)
        if len(line) < 2:
            continue
        axis.plot(*zip(*line), marker="o", color=color,
                  label=f"{server}, grows by n^{report.exponent(line):.2f}")
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel(LABELS[growth])
    axis.set_ylabel("bytes per connection" if growth == "idle connections"
                    else "server CPU us per message")
    axis.grid(True, which="both", linewidth=0.3)
    axis.legend()
    return save(figure, path)
