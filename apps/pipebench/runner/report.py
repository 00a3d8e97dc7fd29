"""Tables of what was measured. document.py puts them together."""

import math
from statistics import median

from cells import in_bytes
from running import MOST_OTHERS
from servers import BEFORE, PIPEACTOR, REFERENCE

# A ratio whose rounds differ by more than this factor says little.
MOST_SPREAD = 1.5


# Workloads that have a single figure, and which one.
SINGLE = {"idle": ("server_bytes_per_connection", "bytes per connection", ",.0f"),
          "writing": ("waits_per_message", "times a thread slept, per message", ".3f"),
          "starting": ("start_ms", "ms until clients may connect", ".1f")}


def values(results, server, key):
    return [r[key] for r in results.get(server, []) if r and key in r]


def middle(results, server, key):
    found = values(results, server, key)
    return median(found) if found else None


def ratios(results, server, reference, key="messages_per_second"):
    """Returns the ratios round by round, of rounds in which both gave a figure."""
    pairs = zip(results.get(server, []), results.get(reference, []))
    return [a[key] / b[key] for a, b in pairs
            if a and b and key in a and b.get(key)]


def reference_of(results):
    return REFERENCE if REFERENCE in results else next(iter(results))


def spread(found):
    return max(found) / min(found) if found and min(found) > 0 else 1.0


def table(entry):
    """Returns the lines of a cell's table, in Markdown."""
    cell, results = entry["cell"], entry["results"]
    reference = reference_of(results)
    if cell["work"] in SINGLE:
        key, words, number = SINGLE[cell["work"]]
        lines = [f"| {cell['name']} | {words} |", "|---|---|"]
        lines += [f"| {name} | {middle(results, name, key):{number}} |"
                  for name in results if values(results, name, key)]
        return lines
    lines = [f"| {cell['name']} | messages/s | ratio to {reference} | rounds | server CPU us | "
             "syscalls | p50 us | p99 us |",
             "|---|---|---|---|---|---|---|---|"]
    for name in results:
        if not values(results, name, "messages_per_second"):
            lines.append(f"| {name} | failed | | | | | | |")
            continue
        found = ratios(results, name, reference)
        syscalls = middle(results, name, "syscalls_per_message")
        lines.append(
            f"| {name} | {middle(results, name, 'messages_per_second'):,.0f} "
            f"| {median(found) if found else 0:.2f} "
            f"| {min(found, default=0):.2f} to {max(found, default=0):.2f} "
            f"| {middle(results, name, 'server_cpu_us_per_message'):.2f} "
            f"| {'-' if syscalls is None else f'{syscalls:.2f}'} "
            f"| {middle(results, name, 'p50_us'):,.0f} | {middle(results, name, 'p99_us'):,.0f} |")
    return lines


def grid_tables(entries):
    """Yields the lines of a table for each peer of the grid: messages per second of pipeactor as
    a ratio to it."""
    points = [e for e in entries if e["cell"]["part"] == "grid"]
    columns = sorted({e["cell"]["connections"] for e in points})
    for peer in [n for n in points[0]["results"] if n != PIPEACTOR] if points else []:
        rows = {}
        for entry in points:
            cell = entry["cell"]
            found = ratios(entry["results"], PIPEACTOR, peer)
            row = rows.setdefault((cell["size"], cell["in_flight"]), {})
            row[cell["connections"]] = f"{median(found):.2f}" if found else "failed"
        yield [f"| to {peer}: size, in flight | " + " | ".join(f"{n:,} conn" for n in columns) + " |",
               "|---" * (len(columns) + 1) + "|",
               *(f"| {in_bytes(size)}, {in_flight} | "
                 + " | ".join(row.get(n, "-") for n in columns) + " |"
                 for (size, in_flight), row in rows.items())]


def history_table(entries):
    """Returns the lines of the table of what was gained: processor time and messages per second
    of pipeactor as a ratio to an earlier build."""
    lines = []
    for entry in entries:
        cell, results = entry["cell"], entry["results"]
        if cell["part"] != "history" or not ratios(results, PIPEACTOR, BEFORE):
            continue
        speed = ratios(results, PIPEACTOR, BEFORE)
        cpu = ratios(results, PIPEACTOR, BEFORE, "server_cpu_us_per_message")
        lines.append(f"| {cell['name']} | {median(cpu):.2f} | {min(cpu):.2f} to {max(cpu):.2f} "
                     f"| {median(speed):.2f} | {min(speed):.2f} to {max(speed):.2f} |")
    return ["| workload | server CPU, now to before | rounds "
            "| messages/s, now to before | rounds |",
            "|---|---|---|---|---|", *lines] if lines else []


def growths(entries):
    """Yields each growth that has at least two points, and its entries."""
    for growth in dict.fromkeys(e["cell"]["growth"] for e in entries):
        points = [e for e in entries if e["cell"]["growth"] == growth]
        if growth and len(points) > 1:
            yield growth, points


def growth_file(growth):
    """Returns the name of a growth's plot, without folder and suffix."""
    return f"growth-{growth.replace(' ', '-')}"


def growth_key(growth):
    return ("server_bytes_per_connection" if growth == "idle connections"
            else "server_cpu_us_per_message")


def growth_line(growth, points, server):
    """Returns a server's points (place, figure) of a growth."""
    line = [(p["cell"]["place"], middle(p["results"], server, growth_key(growth))) for p in points]
    return [(x, y) for x, y in line if y]


def exponent(line):
    """Returns the slope of the straight line nearest to the points, both axes logarithmic."""
    xs = [math.log(x) for x, _ in line]
    ys = [math.log(y) for _, y in line]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys))
    return above / sum((x - x_mean) ** 2 for x in xs)


def growth_table(growth, points):
    """Returns the lines of a growth's table: a cost and its exponent since the point before."""
    idle = growth == "idle connections"
    unit, number = ("bytes", ",.0f") if idle else ("us", ".2f")
    rows = {x["cell"]["place"]: [f"{x['cell']['place']:,}"] for x in points}
    head = [growth]
    last = ["all"]
    for server in points[0]["results"]:
        line = growth_line(growth, points, server)
        if len(line) < 2:
            continue
        head += [f"{server}, {unit}", "exponent"]
        last += ["", f"{exponent(line):.2f}"]
        found = dict(line)
        steps = {b[0]: f"{exponent([a, b]):.2f}" for a, b in zip(line, line[1:])}
        for place, row in rows.items():
            row += [f"{found[place]:{number}}" if place in found else "failed",
                    steps.get(place, "")]
    lines = [head, ["---"] * len(head), *rows.values(), last]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def noise(entries):
    """Returns what makes the figures doubtful, a line for each doubt."""
    lines = []
    for entry in entries:
        cell, results = entry["cell"], entry["results"]
        name = cell["name"] + ("" if cell["part"] == "compared" else f" ({cell['part']})")
        others = [r["others"] for runs in results.values() for r in runs if r and "others" in r]
        busy = sum(1 for x in others if x > MOST_OTHERS)
        if cell["work"] not in SINGLE and busy:
            lines.append(f"{name}: others used the machine in {busy} of {len(others)} runs")
        reference = reference_of(results)
        wide = spread(ratios(results, PIPEACTOR, reference))
        if wide > MOST_SPREAD:
            lines.append(f"{name}: rounds differ by {wide:.1f}x")
    return lines
