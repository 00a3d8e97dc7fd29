"""Tables of what was measured."""

from statistics import median

from running import MOST_OTHERS
from servers import PIPEACTOR, REFERENCE

# A ratio whose rounds differ by more than this factor tells little.
MOST_SPREAD = 1.5


def figure(cell):
    """Returns the name of what is compared in a cell."""
    if cell["work"] == "idle":
        return "server_bytes_per_connection"
    return "p99_us" if cell["rate"] else "messages_per_second"


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
    key = figure(cell)
    if cell["work"] == "idle":
        lines = [f"| {cell['name']} | bytes per connection |", "|---|---|"]
        lines += [f"| {name} | {middle(results, name, key):,.0f} |"
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


def noise(entries):
    """Returns what makes the figures doubtful, a line each."""
    lines = []
    for entry in entries:
        cell, results = entry["cell"], entry["results"]
        others = [r["others"] for runs in results.values() for r in runs if r and "others" in r]
        busy = sum(1 for x in others if x > MOST_OTHERS)
        if cell["work"] != "idle" and busy:
            lines.append(f"{cell['name']}: others used the machine in {busy} of {len(others)} runs")
        reference = reference_of(results)
        wide = spread(ratios(results, PIPEACTOR, reference))
        if wide > MOST_SPREAD:
            lines.append(f"{cell['name']}: rounds differ by {wide:.1f}x")
    return lines


def tell_noise(record):
    """Prints whether the machine was quiet enough."""
    doubts = noise(record["entries"])
    if doubts:
        print("The machine was too noisy to tell in these; run again when nothing else runs:")
        print("\n".join("  " + line for line in doubts))
    else:
        print("The machine was quiet: rounds agree, and nobody else computed.")
