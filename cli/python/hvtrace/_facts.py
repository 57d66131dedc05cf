# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""What a log says beside its events: the clock, watches, names, processes and their memory.

Facts are only added, never edited away, so a question about the past is answered with the
past.
"""
import bisect
import struct
from collections import namedtuple

from . import _stream
from ._stream import Damage

PAGE = 4096
RANGES_MAX = 64
FORKS_MAX = 64  # how far a look-up follows forks of forks

Watch = namedtuple("Watch", "id access pid addr len physical coalesce filter spec")
Trace = namedtuple("Trace", "id flags pid addr len begin end after count on only skip spec")
Trace.__doc__ = "Whose instructions are in the log; begin and end are its --from and --to, 0: none."
Symbol = namedtuple("Symbol", "name off obj obj_off kernel")
Symbol.__doc__ = "A named address; name or obj are None when they are not known."
Task = namedtuple("Task", "pid tid ppid comm since")
Task.__doc__ = "A thread; since is when it was first met or forked, in ns."

_ROUND = struct.Struct("<Q")
_CLOCK = struct.Struct("<QQQQ")
_WATCH = struct.Struct("<IIiIQQII")
_TRACE = struct.Struct("<IIiIQQQQQQIIII")
_KSYM = struct.Struct("<QQII")
_TASK = struct.Struct("<QIIIIII")
_MAP = struct.Struct("<QQQQIIII")
_OBJECT = struct.Struct("<IIIIII")
_SEGMENT = struct.Struct("<QQQQII")
_SYMTAB = struct.Struct("<IIII")
SEEN, FORK, COMM, EXEC, EXIT = range(1, 6)
UNREADABLE = 1


def text(data):
    """Bytes of a stranger as a string: what is not UTF-8 is U+FFFD."""
    return bytes(data).split(b"\0", 1)[0].decode("utf-8", "replace")


def take(layout, payload):
    """The members of a struct at the start of a payload, and what follows it."""
    if len(payload) < layout.size:
        raise Damage("a section that is too short")
    return layout.unpack_from(payload), payload[layout.size:]


def split(rest, *lengths):
    """Parts of these lengths, one behind the other."""
    at, parts = 0, []
    for n in lengths:
        if n > len(rest) - at:
            raise Damage("a string that is not there")
        parts.append(bytes(rest[at:at + n]))
        at += n
    return parts


class Clocks:
    """TSC to CLOCK_MONOTONIC."""

    def __init__(self):
        self.tscs, self.ties = [], []

    def add(self, payload):
        tie, _ = take(_CLOCK, payload)
        if tie[3] and (not self.tscs or tie[0] > self.tscs[-1]):
            self.tscs.append(tie[0])
            self.ties.append(tie)

    def ns(self, tsc):
        if not self.ties:
            return 0
        at, mono, _, khz = self.ties[max(bisect.bisect_right(self.tscs, tsc) - 1, 0)]
        ticks = (tsc - at) * 1000000
        ns = mono + (ticks // khz if ticks >= 0 else -(-ticks // khz))
        return min(max(ns, 0), 2**64 - 1)

    def ns_array(self, numpy, tsc):
        """The same of an array. A large difference is split so that no product exceeds 64 bits."""
        ns = numpy.zeros(len(tsc), "u8")
        for i, (at, mono, _, khz) in enumerate(self.ties):
            here = slice(numpy.searchsorted(tsc, at) if i else 0,
                         numpy.searchsorted(tsc, self.tscs[i + 1]) if i + 1 < len(self.ties) else None)
            if not len(tsc[here]):
                continue
            if at <= tsc[here].min() and (int(tsc[here].max()) - at) * 1000000 < 2**63:
                ticks = tsc[here] - numpy.uint64(at)
                ticks *= numpy.uint64(1000000)
                ticks //= numpy.uint64(khz)
                ns[here] = numpy.add(ticks, numpy.uint64(mono), out=ticks)
                continue
            ticks = (tsc[here] - numpy.uint64(at)).view("i8")
            size = numpy.abs(ticks)
            size = size // khz * 1000000 + size % khz * 1000000 // khz
            ns[here] = numpy.maximum(mono + numpy.where(ticks < 0, -size, size), 0)
        return ns


class Ksyms:
    """Kernel names, and those of physical memory; of equal starts the last holds."""

    def __init__(self):
        self._starts, self._names, self.n = [], [], 0

    def add(self, payload):
        (start, length, name_len, module_len), rest = take(_KSYM, payload)
        name, module = split(rest, name_len, module_len)
        at = bisect.bisect_right(self._starts, start)
        self._starts.insert(at, start)
        self._names.insert(at, (self.n, start, length, text(name), text(module)))
        self.n += 1

    def find(self, addr, known):
        """What covered addr when `known` names were known: (start, name, module) or None."""
        for at in range(bisect.bisect_right(self._starts, addr) - 1, -1, -1):
            age, start, length, name, module = self._names[at]
            if age < known:
                return (start, name, module) if addr - start < length else None
        return None


class Object:
    """A mapped file: its load segments and symbols, as far as the log has them."""

    def __init__(self, path):
        slash = -1 if path.startswith("[") else path.rfind("/")
        self.path, self.base = path, path[slash + 1:] or path
        self.segments, self._values, self._names = None, [], []

    def add_symtab(self, nr, table, names):
        if self.segments is None or self._values:
            raise Damage("symbols of an object that has none")
        at = value = 0

        def uleb():
            nonlocal at
            shift = result = 0
            while at < len(table) and shift < 64:
                byte = table[at]
                at += 1
                result |= (byte & 0x7f) << shift
                shift += 7
                if byte < 0x80:
                    return result & 2**64 - 1
            raise Damage("a number without an end")

        strings = names.split(b"\0")
        if nr > len(strings):
            raise Damage("symbols without names")
        for i in range(nr):
            value += uleb()
            size = uleb()
            at += 1  # st_info
            if value >= 2**64 or at > len(table):
                raise Damage("a symbol that is not there")
            self._values.append(value)
            self._names.append((value, size, strings[i].decode("utf-8", "replace")))

    def vaddr(self, map_off, executable, off):
        """The link-time address of byte `off` of the file, and its segment's end; or None."""
        best, best_score = None, -1
        for s_off, filesz, vaddr, memsz, prot in self.segments or ():
            # the loader maps whole pages: neighbours may share one in the file
            if not s_off & -PAGE <= map_off <= s_off + filesz:
                continue
            score = 2 * (bool(prot & 4) == executable) + (s_off <= off < s_off + memsz)
            if score > best_score:
                best, best_score = (vaddr + off - s_off & 2**64 - 1, vaddr + memsz), score
        return best

    def symbol(self, vaddr):
        """(name, offset) of the symbol that covers it, or None."""
        last = bisect.bisect_right(self._values, vaddr)
        for back in range(min(last, 64)):
            value, size, name = self._names[last - 1 - back]
            if vaddr - value < size if size else back == 0:
                return name, vaddr - value
        return None


class _Image:
    """A process's memory between two execs or from a fork on."""

    def __init__(self, ns, parent=None):
        self.ns, self.parent, self.maps = ns, parent, []

    def holds(self, ns, addr, later):
        found = None
        for m in reversed(self.maps):
            if m[1] <= addr < m[2]:
                if m[0] <= ns:
                    return m
                # "at this time or before": the log names it when it is first met
                found = m if later else None
        return found

    def under(self, addr):
        """The file mapping with the highest start at or below addr."""
        found = None
        for m in reversed(self.maps):
            if m[5] and m[5].path.startswith("/") and m[1] <= addr and (not found or m[1] > found[1]):
                found = m
        return found


class Facts:
    """All of a log; add() takes its sections, in their order."""

    def __init__(self):
        self.clocks, self.ksyms, self.watches = Clocks(), Ksyms(), []
        self.traces, self._named, self._int80 = [], {}, {}
        self.host = self.schema = self.end = None
        self.stats, self.armed, self.round, self.tasks = [], False, 0, []
        self._images, self._exited = {}, set()
        self._objects, self._by_id, self._filters = {}, [], set()

    def add(self, s):
        p = s.payload
        if s.type == _stream.CLOCK:
            self.clocks.add(p)
        elif s.type == _stream.KSYM:
            self.ksyms.add(p)
        elif s.type == _stream.TASK:
            self._add_task(p)
        elif s.type == _stream.MAP:
            self._add_map(p)
        elif s.type == _stream.OBJECT:
            self._add_object(p)
        elif s.type == _stream.SYMTAB:
            self._add_symtab(p)
        elif s.type == _stream.WATCH:
            self._add_watch(p)
        elif s.type == _stream.TRACE:
            self._add_trace(p)
        elif s.type == _stream.FILTER:
            if len(p) < 8:
                raise Damage("a filter that is too short")
            self._filters.add(struct.unpack_from("<I", p, 4)[0])
        elif s.type == _stream.HOST:
            self.host = bytes(p).decode("utf-8", "replace")
        elif s.type == _stream.SCHEMA:
            self.schema = bytes(p).decode("utf-8", "replace")
        elif s.type == _stream.ROUND:
            (self.round,), _ = take(_ROUND, p)
        elif s.type == _stream.ARMED:
            self.armed = True
        elif s.type == _stream.STAT:
            if len(p) % 24:
                raise Damage("a count that is cut")
            self.stats = list(struct.iter_unpack("<QQQ", p))
        elif s.type == _stream.END:
            if len(p) < 16:
                raise Damage("an end that is too short")
            self.end, = struct.unpack_from("<I", p)

    def _add_watch(self, payload):
        (ident, access, pid, spec_len, addr, length, flags, filt), rest = take(_WATCH, payload)
        spec, = split(rest, spec_len)
        if not length or addr + length > 2**64 or filt and filt not in self._filters:
            raise Damage("a watch of nothing")
        self.watches.append(Watch(ident, access, pid, addr, length, bool(flags & 1), bool(flags & 2),
                                  filt, text(spec)))

    def _add_trace(self, payload):
        head, rest = take(_TRACE, payload)
        ident, flags, pid, spec_len, addr, length, begin, end, after, count, on, nr_only, nr_skip, _ = head
        if nr_only + nr_skip > RANGES_MAX:
            raise Damage("too many ranges")
        ranges, spec = split(rest, 16 * (nr_only + nr_skip), spec_len)
        ranges = list(struct.iter_unpack("<QQ", ranges))
        self.traces.append(Trace(ident, flags, pid, addr, length, begin, end, after, count, on,
                                 ranges[:nr_only], ranges[nr_only:], text(spec)))

    def _object(self, path, build_id):
        key = bytes(path).split(b"\0", 1)[0], build_id
        if key not in self._objects:
            self._objects[key] = Object(text(path))
        return self._objects[key]

    def _add_object(self, payload):
        (ident, flags, nr, id_len, path_len, _), rest = take(_OBJECT, payload)
        segments, build_id, path = split(rest, nr * _SEGMENT.size, id_len, path_len)
        if ident != len(self._by_id) + 1 or id_len > 64:
            raise Damage("an object out of turn")
        self._by_id.append(self._object(path, build_id))
        if not flags & UNREADABLE:
            self._by_id[-1].segments = [s[:5] for s in _SEGMENT.iter_unpack(segments)]

    def _add_symtab(self, payload):
        (ident, nr, table_len, names_len), rest = take(_SYMTAB, payload)
        table, names = split(rest, table_len, names_len)
        if not 0 < ident <= len(self._by_id):
            raise Damage("symbols of no object")
        self._by_id[ident - 1].add_symtab(nr, table, names)

    # --- processes

    def _image_at(self, pid, ns):
        images = self._images.get(pid)
        if not images:
            return None
        i = len(images)
        while i > 1 and images[i - 1].ns > ns:
            i -= 1
        return images[i - 1]

    def _new_image(self, pid, ns, parent=None):
        images = self._images.setdefault(pid, [])
        image = _Image(ns, parent)
        images.insert(bisect.bisect_right([i.ns for i in images], ns), image)
        self._exited.discard(pid)
        return image

    def _add_task(self, payload):
        (ns, what, pid, tid, ppid, ptid, comm_len), rest = take(_TASK, payload)
        comm, = split(rest, comm_len)
        self.tasks.append((tid, ns, len(self.tasks), what, pid, ppid, ptid, text(comm)))
        bisect.insort(self._named.setdefault(tid, []),
                      (ns, len(self.tasks), what, ptid, comm.split(b"\0", 1)[0]))
        if what == FORK and pid != ppid:
            self._new_image(pid, ns, self._image_at(ppid, ns))
        elif what == EXEC or what == SEEN and (pid in self._exited or pid not in self._images):
            self._new_image(pid, ns)
        elif what == EXIT and pid == tid:
            self._exited.add(pid)

    def comm(self, pid, tid, ns):
        """What a thread was called at ns, as bytes; b"" when that is not known."""
        facts = self._named.get(tid) or self._named.get(pid)
        for _ in range(FORKS_MAX):
            if not facts:
                break
            i = bisect.bisect_right(facts, (ns, 2**64))
            if not i:  # who is met for the first time had been there before
                return next((f[4] for f in facts if f[4]), b"")
            for fact in reversed(facts[:i]):
                if fact[4]:
                    return fact[4]
                if fact[2] == FORK:
                    break
            if fact[2] != FORK:
                break
            ns, facts = fact[0], self._named.get(fact[3])
        return b""

    def is_ia32(self, tid, begins, int80):
        """Is the thread's system call, which begins or ends, one of INT 0x80?"""
        slot = tid % 64
        if begins and int80:
            self._int80[slot] = tid
        elif begins and self._int80.get(slot) == tid:
            self._int80[slot] = 0
        return bool(tid) and self._int80.get(slot) == tid

    def _add_map(self, payload):
        (ns, start, end, offset, pid, prot, id_len, path_len), rest = take(_MAP, payload)
        build_id, path = split(rest, id_len, path_len)
        if id_len > 64 or start >= end:
            raise Damage("a mapping of nothing")
        image = self._image_at(pid, ns) or self._new_image(pid, ns)
        m = (ns, start, end, offset, prot, self._object(path, build_id) if path else None)
        image.maps.insert(bisect.bisect_right([m[0] for m in image.maps], ns), m)

    def mapping(self, pid, ns, addr, below=False):
        """The mapping that held addr at ns; below: the file mapping that addr follows."""
        image, found = self._image_at(pid, ns), None
        for depth in range(FORKS_MAX):
            if not image or found:
                break
            found = image.under(addr) if below else image.holds(ns, addr, depth == 0)
            ns = min(ns, image.ns)  # what the parent mapped after the fork is not ours
            image = image.parent
        return found

    def processes(self, ns):
        """The threads that there were at ns, by pid and tid."""
        threads, there = {}, []
        for fact in sorted(self.tasks):
            threads.setdefault(fact[0], []).append(fact)
        for tid, facts in threads.items():
            task = None
            for i, (_, when, _, what, pid, ppid, ptid, comm) in enumerate(facts):
                # who was seen first had been there before
                if when > ns and not (what == SEEN and i == 0):
                    break
                if what == EXIT:
                    task = None
                elif what in (SEEN, FORK) or not task:
                    if what == FORK and not comm:
                        comm = next((f[7] for f in reversed(threads.get(ptid, ())) if f[1] <= when and f[7]), "")
                    task = Task(pid, tid, ppid, comm, when)
                else:
                    task = task._replace(pid=pid, comm=comm or task.comm)
            if task:
                there.append(task)
        return sorted(there)

    # --- names

    def symbol(self, pid, ns, addr, known=None):
        """The Symbol of a linear address in a process at a time."""
        if addr >> 63:
            k = self.ksyms.find(addr, self.ksyms.n if known is None else known)
            if k:
                return Symbol(k[1], addr - k[0], k[2] or "[kernel]", 0, True)
            return Symbol(None, 0, "[kernel]", 0, True)
        m = self.mapping(pid, ns, addr)
        bss = not m or not m[5]
        if bss:
            m = self.mapping(pid, ns, addr, below=True)
        if not m:
            return Symbol(None, 0, None, 0, False)
        _, start, _, offset, prot, obj = m
        off = offset + addr - start & 2**64 - 1
        linked = obj.vaddr(offset, bool(prot & 4), off)
        if bss and (not linked or linked[0] >= linked[1]):
            return Symbol(None, 0, None, 0, False)
        name, distance = linked and obj.symbol(linked[0]) or (None, 0)
        return Symbol(name, distance, obj.base, off, False)

    def physical_symbol(self, gpa, known=None):
        """The Symbol of what lies at a physical address."""
        k = self.ksyms.find(gpa, self.ksyms.n if known is None else known)
        return Symbol(k[1], gpa - k[0], None, 0, False) if k else Symbol(None, 0, None, 0, False)
