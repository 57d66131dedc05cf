# SPDX-License-Identifier: GPL-2.0-only
"""Copies of a trace that are wrong in one place each: the comparison has to notice."""

import copy

from compare import masked_store, number


def mutations(events, described):
    """(what was done, the events) for each way to be wrong; @described: values and widths
    are compared too."""
    def clear(i):
        """Without values an instruction is compared by its last access, a long one by any part of it."""
        e, beside = events[i], events[max(0, i - 1):i + 2]
        return e["size"] is not None and (described or e["size"] <= 8 and not masked_store(e) and
                                          sum(o["tsc"] == e["tsc"] for o in beside) == 1)

    middle = next(i for i in range(len(events) // 2, len(events)) if clear(i))

    def mutated(what, function):
        wrong = copy.copy(events)
        wrong[middle] = dict(events[middle])
        function(wrong)
        return what, wrong

    def swap(e):
        # The records keep their times: what is said of the two instructions is exchanged.
        keys = ("ip", "gpa", "new") if described else ("ip", "gpa")
        other = next(i for i in range(middle + 1, len(e))
                     if any(e[i][k] != e[middle][k] for k in keys))
        e[other] = dict(e[other])
        for key in e[middle].keys() & e[other].keys() - {"tsc", "cpu"}:
            e[middle][key], e[other][key] = e[other][key], e[middle][key]

    def kind(e):
        e[middle]["access"] = "write" if e[middle]["access"] == "read" else "read"

    def earlier(e):
        e[middle]["gpa"] = hex(int(e[middle]["gpa"], 16) - 1)

    def width(e):
        e[middle]["size"] -= 1
        for key in "old", "new":
            e[middle][key] = number(e[middle][key], e[middle]["size"] + 1)[:-1].hex()

    def value(e):
        key = "old" if e[middle]["access"] == "read" else "new"
        data = number(e[middle][key], e[middle]["size"])
        e[middle][key] = (data[:-1] + bytes([data[-1] ^ 1])).hex()

    def later(e):
        e[middle]["tsc"] = e[-1]["tsc"]

    yield mutated("one event removed", lambda e: e.pop(middle))
    yield mutated("the last event removed", lambda e: e.pop())
    yield mutated("one event twice", lambda e: e.insert(middle, e[middle]))
    yield mutated("one event twice, with a time of its own",
                  lambda e: e.insert(middle, dict(e[middle], tsc=e[middle]["tsc"] - 1)))
    if len({(e["ip"], e["gpa"]) for e in events[middle:]}) > 1 or described:
        yield mutated("two events swapped", swap)
    yield mutated("a read that is called a write, or a write a read", kind)
    yield mutated("another physical address", earlier)
    yield mutated("another time", later)
    if described:
        yield mutated("a byte less", width)
        yield mutated("another value", value)
