"""The page of results: every table of a run, in Markdown, as docs/results.md holds it."""

import textwrap

import bars
import report
from servers import SERVERS

COLUMNS = 120

HEAD = """\
Written by `scripts/benchmark.sh --docs docs` from the data of one run: do not edit it, run it
again. How the figures are measured and what they mean: [performance.md](performance.md).
"""
SERVED = """\
Names of servers in the tables. Their sources are `apps/pipebench/peers` and `apps/pipecat`.
"""
BARS = """\
What pipeactor must reach (`apps/pipebench/runner/bars.py`), and what it reached. The median of the
rounds counts.
"""
GRID = """\
Messages per second of `pipecat listen --echo` as a ratio to another server. "-" is not measured:
more than 256 MiB would be on their way at once.
"""
CELLS = """\
The ratio is the median of the rounds, and "rounds" are the smallest and the largest. "server CPU
us" is processor time per message, "syscalls" the number of system calls per message.
"""
GAINED = """\
`pipecat` of today as a ratio to the `pipecat` of the revision that brought pipebench, in turn.
"""
GROWTH = """\
Each cost, and its exponent since the point before: 0 is a cost that does not grow, 1 one that grows
as fast as what it is plotted against. The last line is the exponent of the straight line through
all points.
"""
DOUBTS = """\
Workloads whose rounds differ by more than 1.5x, or during which others used the machine.
"""


def wrapped(text):
    return textwrap.fill(text, COLUMNS, break_on_hyphens=False, break_long_words=False) + "\n"


def measured(machine):
    """Returns a paragraph about the machine and the programs."""
    packages = ", ".join(f"{name.removesuffix('-dev')} {version}"
                         for name, version in machine["packages"].items())
    call = machine.get("system_call_us")
    cost = f" A trivial system call costs {call:.2f} us." if call is not None else ""
    return wrapped(f"Measured {machine['date']} on {machine['processor']}, {machine['cores']} "
                   f"cores, kernel {machine['kernel']}; {packages}.{cost}")


def plot(name, text):
    return f"![{text}](images/{name}.svg)\n"


def servers_table(names):
    return ["| name | what it is |", "|---|---|",
            *(f"| {name} | {server.about} |" for name, server in SERVERS.items() if name in names)]


def sections(record):
    """Yields the title, the paragraphs and the tables (lists of lines) of each section."""
    entries = record["entries"]
    compared = [report.table(e) for e in entries if e["cell"]["part"] == "compared"]
    growths = list(report.growths(entries))
    names = {name for e in entries for name in e["results"]}
    yield "Servers", [wrapped(SERVED)], [servers_table(names)]
    yield "Bars", [wrapped(BARS)], [bars.table(entries)]
    yield ("Sizes, connections, messages in flight", [wrapped(GRID)],
           list(report.grid_tables(entries)))
    yield "All workloads", [wrapped(CELLS), plot("ratios", "Ratios to libuv")], compared
    yield "What was gained", [wrapped(GAINED)], [report.history_table(entries)]
    yield ("Growth", [wrapped(GROWTH), *(plot(report.growth_file(growth), f"Cost against {growth}")
                                         for growth, _ in growths)],
           [report.growth_table(growth, points) for growth, points in growths])
    doubts = report.noise(entries) or ["none"]
    yield "Doubtful figures", [wrapped(DOUBTS)], [[f"- {line}" for line in doubts]]


def page(machine, parts):
    """Returns the page as text: `parts` are such as `sections` yields; empty ones are left out."""
    blocks = ["# Results\n", wrapped(HEAD), measured(machine)]
    for title, text, tables in parts:
        tables = [lines for lines in tables if lines]
        if tables:
            blocks += [f"## {title}\n", *text, *("\n".join(lines) + "\n" for lines in tables)]
    return "\n".join(blocks)
