# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Reads hvtrace logs: who accessed this memory, when, from where.

    import hvtrace
    for e in hvtrace.open("hvtrace.data"):
        print(e.ns, e.comm, e.access, hex(e.addr), e.old, e.new, e.sym)

    df = hvtrace.open("hvtrace.data").pandas("ns", "tid", "addr", "new", "ip")
    df = hvtrace.open("hvtrace.data").pandas("ns", "tid", "ip", kind="insn")

It needs nothing but Python (3.9) and libzstd; with numpy whole columns are read at once (faster
where libhvtrace is installed), with capstone instructions are text. Names come from the log
alone. hvtrace.data(5) describes what is read here.
"""
from ._columns import COLUMNS
from ._event import Access, Event, Lost, Mark, Remap
from ._facts import Symbol, Task, Trace, Watch
from ._log import Log
from ._stream import Error
from ._trace import WHAT, Flow, Insn

__all__ = ["Access", "COLUMNS", "Error", "Event", "Flow", "Insn", "Log", "Lost", "Mark", "Remap", "Symbol", "Task",
           "Trace", "WHAT", "Watch", "open"]


def open(file="hvtrace.data"):
    """The Log in a file, given by its path or as a binary file object. Raises Error when it is
    no log, or one that is newer than this module."""
    return Log(file)
