# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Which watches does an access touch?

A watch is on memory, not on an address: the kernel reaches the same page through other linear
addresses. An access inside the watch's own pages is compared by address, any other one by its
offset in the page, and a watch on physical memory by physical address alone. Which pages that
can have been the record's own watch tells: it is one that root saw there.
"""
from ._facts import PAGE

MASK, TOP = PAGE - 1, 2**64 - 1
GPA_NONE = TOP
IDS_MAX = 16


def _meet(a, a_last, b, b_last):
    return max(a, b) <= min(a_last, b_last)


class Place:
    """The bytes of an access: addr to last, of which gla is at gpa."""

    def __init__(self, addr, size, gla, gpa, pid, whole_page):
        self.addr, self.gla, self.gpa, self.pid = addr, gla, gpa, pid
        self.last = min(addr + max(size, 1) - 1, TOP)
        # offsets in gla's page, of which the record's own watch has one
        first = gla & MASK
        last = first + (size - 1 if size else MASK)
        whole_page = last > MASK if size else whole_page
        self.seen = 0 if whole_page else first, min(last, MASK)

    def physical(self, w):
        if self.gpa == GPA_NONE:
            return True
        below = self.gpa & MASK
        above = MASK - below
        if self.addr > self.gla + above or self.last < self.gla - below:
            return False
        low = self.gpa + max(self.addr - self.gla, -below)
        high = self.gpa + min(self.last - self.gla, above)
        return _meet(low, high, w.addr, w.addr + w.len - 1)

    def by_offset(self, w):
        page, last = self.gla & ~MASK, w.addr + w.len - 1
        if not _meet(self.addr, self.last, page, page | MASK):
            return False
        low, high = max(self.addr, page) & MASK, min(self.last, page | MASK) & MASK
        pages = last // PAGE - w.addr // PAGE
        if pages == 0:
            return _meet(low, high, w.addr & MASK, last & MASK)
        return pages > 1 or _meet(low, high, w.addr & MASK, MASK) or _meet(low, high, 0, last & MASK)

    def in_pages(self, w):
        return w.addr & ~MASK <= self.gla <= (w.addr + w.len - 1 | MASK)

    def meets(self, w):
        if w.physical:
            return self.physical(w)
        if not self.in_pages(w):
            return self.by_offset(w)
        return _meet(self.addr, self.last, w.addr, w.addr + w.len - 1)

    def same_memory(self, own, w):
        """Of a watch or own watch that is on physical memory, or if there is no own watch."""
        if w.physical:
            return self.gpa != GPA_NONE
        return not own or self.in_pages(w) and (not w.pid or w.pid == self.pid)

    def on_own_page(self, own, w):
        """Through another address than the own watch's. Pages between the first and the last
        that both are on are watched by both as a whole: one stands for all of them."""
        page = self.gla & ~MASK
        if not _meet(self.addr, self.last, page, page | MASK):
            return False
        here = max(self.addr, page) & MASK, min(self.last, page | MASK) & MASK
        first = max(own.addr, w.addr) & ~MASK
        last = min(own.addr + own.len - 1, w.addr + w.len - 1) & ~MASK
        return any(_meet(q + self.seen[0], q + self.seen[1], own.addr, own.addr + own.len - 1) and
                   _meet(q + here[0], q + here[1], w.addr, w.addr + w.len - 1)
                   for q in {first, min(first + PAGE, last), last} if first <= last)


def touched(watches, own_id, access, place):
    """Ids of the watches, that of the record first if it is one of them."""
    own = next((w for w in watches if w.id == own_id), None) if own_id else None
    direct = bool(own) and not own.physical and _meet(
        place.addr & ~MASK, place.last | MASK, own.addr, own.addr + own.len - 1)
    ids = []
    for w in ([own] if own else []) + [w for w in watches if w is not own]:
        if not w.access & access:
            continue
        if direct and not w.physical:
            touches = w.pid == own.pid and _meet(place.addr, place.last, w.addr, w.addr + w.len - 1)
        elif own and w is not own and not own.physical and not w.physical:
            touches = w.pid == own.pid and place.on_own_page(own, w)
        else:
            touches = (w is own or place.same_memory(own, w)) and place.meets(w)
        if touches:
            ids.append(w.id)
    return (ids or [own_id] if own_id else ids)[:IDS_MAX]
