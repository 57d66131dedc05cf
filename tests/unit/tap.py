# SPDX-License-Identifier: GPL-2.0-only
"""TAP on stdout, for the tests that are Python and for the Python in shell tests."""
import sys

number = failed = 0


def ok(good, what, why=""):
    global number, failed
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {what}")
    if not good:
        print("".join(f"# {line}\n" for line in str(why).splitlines()[:20]), end="")


def skip(what, why):
    global number
    number += 1
    print(f"ok {number} - {what} # SKIP {why}")


def finish():
    print(f"1..{number}")
    sys.exit(failed != 0)
