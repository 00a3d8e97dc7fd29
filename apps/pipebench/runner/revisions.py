"""Earlier revisions of pipecat, built to compare with."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# The revision that brought pipebench.
FIRST = "748daf19574077e31969b80ca9c13a1d11c3b97b"


def pipecat_of(revision):
    """Builds that revision's pipecat in a folder of its own, and returns its path.

    Raises LookupError if git does not have the revision: a copy of the sources has no history.
    """
    named = subprocess.run(["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"],
                           cwd=ROOT, capture_output=True, text=True, check=False)
    if named.returncode:
        raise LookupError(f"git does not have the revision {revision}")
    commit = named.stdout.strip()
    if not program_of(commit).exists():
        build(commit)
    return program_of(commit)


def program_of(commit):
    """Returns the path that pipecat has or would have, by a commit's full name."""
    return tree_of(commit) / "build/bin/pipecat"


def tree_of(commit):
    return ROOT / "build/before" / commit


def build(commit):
    tree = tree_of(commit)
    tree.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE,
                             check=True)
    subprocess.run(["tar", "-x", "-C", tree], input=archive.stdout, check=True)
    jobs = os.environ.get("PIPEACTOR_JOBS") or str(os.cpu_count())
    # Standard output is for the tables.
    for command in (["cmake", "-S", tree, "-B", tree / "build", "-G", "Ninja",
                     "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -DNDEBUG",
                     "-DPIPEACTOR_BUILD_TESTS=OFF"],
                    ["cmake", "--build", tree / "build", "--target", "pipecat",
                     "--parallel", jobs]):
        subprocess.run(command, stdout=sys.stderr, check=True)
