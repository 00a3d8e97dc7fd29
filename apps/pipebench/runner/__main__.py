"""Compares pipeactor with its peers: python3 apps/pipebench/runner [--quick] [...]

Servers run in turn, in random order, several rounds, each on one core with the load on
another; what counts is the ratio to the reference in the same round. Writes the data as JSON
and a page of tables; with matplotlib also plots.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import cells
import document
import machine
import running
import servers
from servers import PIPEACTOR


def parse():
    parser = argparse.ArgumentParser(prog="pipebench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, default=Path("build/bin"))
    parser.add_argument("--output", type=Path, default=Path("build/benchmark"),
                        help="folder of results.json, results.md and images/ (default: "
                             "%(default)s)")
    parser.add_argument("--docs", type=Path, metavar="FOLDER",
                        help="write results.md and images/ into this folder, too")
    parser.add_argument("--quick", action="store_true", help="a few cells, under two minutes")
    parser.add_argument("--only", default="", metavar="TEXT",
                        help="cells whose name holds one of these texts, separated by ';'")
    parser.add_argument("--servers", default="", metavar="NAMES",
                        help="only these servers, separated by commas")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=PROGRAM",
                        help="another build of pipecat, beside pipeactor in each cell")
    parser.add_argument("--before", action="append", default=[], metavar="REVISION",
                        help="pipecat of that revision, too, which is built in build/before")
    parser.add_argument("--history", action="store_true",
                        help="build pipecat of the revision that brought pipebench, for the cells "
                             "that show what was gained since")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--warm-up", type=float, default=0.3, metavar="SECONDS",
                        help="of each run, before what counts (default 0.3)")
    parser.add_argument("--retries", type=int, default=3, metavar="N",
                        help="repeat a run up to N times if others use the machine (default 3)")
    parser.add_argument("--no-syscalls", action="store_true", help="do not count system calls")
    parser.add_argument("--from", dest="source", type=Path, metavar="JSON",
                        help="measure nothing: tables and plots of an earlier run's data")
    return parser.parse_args()


def chosen(options):
    result = cells.quick() if options.quick else cells.full()
    for name, _, program in (x.partition("=") for x in options.also):
        servers.add_build(name, program)
        result = [dataclasses.replace(c, servers=(*c.servers, name)) if PIPEACTOR in c.servers
                  else c for c in result]
    if options.only:
        result = [c for c in result if any(t in c.name for t in options.only.split(";"))]
    if options.servers:
        names = [*options.servers.split(","), *(x.partition("=")[0] for x in options.also)]
        result = [dataclasses.replace(c, servers=tuple(s for s in c.servers if s in names))
                  for c in result]
    return [c for c in result if c.servers]


def build_before(options):
    """Makes each revision of --before another build of pipecat."""
    for revision in options.before:
        try:
            options.also.append(f"{PIPEACTOR} {revision}={revisions.pipecat_of(revision)}")
        except LookupError as err:
            sys.exit(f"pipebench: {err}")


def build_first():
    """Builds what the cells of the part `history` compare with, if git has it."""
    try:
        revisions.pipecat_of(revisions.FIRST)
    except LookupError as err:
        print(f"pipebench: {err}: what was gained since is not measured", file=sys.stderr)


def measure(options):
    build_before(options)
    plan = running.Plan(binaries=options.binaries.resolve(),
                        rounds=options.rounds or (3 if options.quick else 5),
                        seconds=options.seconds or 0.5, warm_up=options.warm_up,
                        syscalls=not options.no_syscalls, retries=options.retries)
    if not (plan.binaries / "pipebench-load").exists():
        sys.exit(f"pipebench: no pipebench-load in {plan.binaries}: scripts/benchmark.sh builds it")
    picked = chosen(options)
    if options.history and any(cell.part == "history" for cell in picked):
        build_first()
    record = {"machine": machine.describe(), "entries": []}
    for cell in picked:
        if cell.part == "history" and len(running.available(cell, plan)) < 2:
            continue
        entry = {"cell": {**dataclasses.asdict(cell), "name": cell.name},
                 "results": running.run(cell, plan)}
        record["entries"].append(entry)
        save(record, options.output)
    return record


def save(record, folder):
    (folder / "results.json").write_text(json.dumps(record, indent=1), encoding="utf-8")


def drawing():
    """Returns the module that draws plots, or None if there is no matplotlib."""
    try:
        import plots
    except ImportError:
        return None
    return plots


def publish(record, text, folder, plots):
    """Writes the page of results and its plots into `folder`."""
    (folder / "results.md").write_text(text, encoding="utf-8")
    if plots:
        (folder / "images").mkdir(exist_ok=True)
        for _ in plots.draw(record, folder / "images"):
            pass
    print(f"written: {folder}/results.md")


def main():
    options = parse()
    plots = drawing()
    if options.docs and not plots:
        sys.exit("pipebench: --docs needs plots: install python3-matplotlib")
    if options.docs and (options.quick or options.only or options.servers):
        sys.exit("pipebench: --docs needs a whole run: leave --quick, --only and --servers out")
    options.output.mkdir(parents=True, exist_ok=True)
    if options.source:
        record = json.loads(options.source.read_text(encoding="utf-8"))
    else:
        record = measure(options)
    text = document.page(record["machine"], document.sections(record))
    print(text)
    if not plots:
        print("No plots: python3-matplotlib is not installed.", file=sys.stderr)
    for folder in filter(None, (options.output, options.docs)):
        publish(record, text, folder, plots)


main()
