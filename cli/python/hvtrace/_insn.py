# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Instructions as text, when there is a disassembler: Debian's python3-capstone."""
try:
    import capstone
except ImportError:
    capstone = None

CODE32, CODE16 = 0x40, 0x80
_CACHED = 65536
_engines, _cache = {}, {}


def _engine(flags):
    mode = (capstone.CS_MODE_32 if flags & CODE32 else
            capstone.CS_MODE_16 if flags & CODE16 else capstone.CS_MODE_64)
    if mode not in _engines:
        _engines[mode] = capstone.Cs(capstone.CS_ARCH_X86, mode)
    return _engines[mode]


def decode(ip, data, flags):
    """(text, length) of the instruction at ip; (None, len(data)) when it is not known."""
    if not capstone or not data:
        return None, len(data)
    key = ip, data, flags & (CODE32 | CODE16)
    if key not in _cache:
        if len(_cache) >= _CACHED:
            _cache.clear()
        found = next(_engine(flags).disasm_lite(data, ip, 1), None)
        _cache[key] = ((found[2] + " " + found[3]).rstrip(), found[1]) if found else (None, len(data))
    return _cache[key]
