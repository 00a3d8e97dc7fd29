#!/usr/bin/env python3
"""Checks docs/mqtt-conformance.md against the tests: conformance_page_test.py [ROOT].

Each row of the page's tables is `| PARAGRAPH | "CASE" |`. Each case must be one of tests/hub, and
each case there whose name begins with a version and a paragraph ("5.0 MQTT-3.1.2-3: ...") must
have a row.
"""

import re
import sys
from pathlib import Path

PAGE = "docs/mqtt-conformance.md"
STRING = r'"(?:[^"\\]|\\.)*"'
CASE = re.compile(rf"\b(?:TEST_CASE|REFUSED\w*)\(\s*((?:{STRING}\s*)+)")
NAMED = re.compile(r"(?:3\.1\.1|5\.0) (?:MQTT-)?\d[\w.-]*(?::| and )")
ROW = re.compile(r'^\| ([\w.-]+) \| "(.+)" \|$')


def cases(root):
    """Returns the names of the hub's cases."""
    found = set()
    for path in (root / "tests" / "hub").glob("*.cpp"):
        for match in CASE.findall(path.read_text(encoding="utf-8")):
            found.add("".join(part[1:-1] for part in re.findall(STRING, match)))
    return found


def breaches(root):
    """Yields what is wrong with the page."""
    existing = cases(root)
    named = set()
    for number, line in enumerate((root / PAGE).read_text(encoding="utf-8").split("\n"), 1):
        if match := ROW.match(line):
            paragraph, name = match.groups()
            named.add(name)
            if name not in existing:
                yield f"{PAGE}:{number}: tests/hub has no case {name!r}"
            if paragraph not in name:
                yield f"{PAGE}:{number}: the case is not named after {paragraph}"
    for name in sorted(existing - named):
        if NAMED.match(name):
            yield f"{PAGE}: no row names the case {name!r}"
    if not named:
        yield f"{PAGE}: no rows were found"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    found = list(breaches(root))
    print("\n".join(found or [f"{PAGE} names the cases that exist"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
