#!/usr/bin/env python3
"""Prints how many tests passed, failed and were skipped, then the failed ones, a line each:
count_tests.py JUNIT_REPORT_OF_CTEST"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

tests = list(ElementTree.parse(sys.argv[1]).iter("testcase"))
results = Counter(test.get("status") for test in tests)
print(results.pop("run", 0), results.pop("fail", 0), sum(results.values()))
for test in tests:
    if test.get("status") == "fail":
        print(test.get("name"))
