# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Decompresses one zstd frame: by Python's own module (3.14), or by libzstd, which every
Debian has because dpkg needs it."""
import ctypes
import ctypes.util
import threading


class Broken(Exception):
    """Not a zstd frame of the size that was announced."""


def _by_python():
    from compression import zstd

    def decompress(data, size):
        d = zstd.ZstdDecompressor()
        try:
            out = d.decompress(data, max_length=size + 1)
        except zstd.ZstdError as e:
            raise Broken(str(e)) from None
        if len(out) != size or not d.eof or d.unused_data:
            raise Broken("it has another size")
        return out
    return decompress


def _by_library():
    lib = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    lib.ZSTD_createDCtx.restype = ctypes.c_void_p
    lib.ZSTD_decompressDCtx.restype = ctypes.c_size_t
    lib.ZSTD_decompressDCtx.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
                                        ctypes.c_char_p, ctypes.c_size_t]
    mine = threading.local()

    def decompress(data, size):
        if not hasattr(mine, "context"):
            mine.context = lib.ZSTD_createDCtx()
        data, out = bytes(data), bytearray(size or 1)
        to = (ctypes.c_char * len(out)).from_buffer(out)
        if lib.ZSTD_decompressDCtx(mine.context, to, size, data, len(data)) != size:
            raise Broken("it is not a zstd frame of that size")
        return out if size else b""
    return decompress


try:
    decompress = _by_python()
except ImportError:
    decompress = _by_library()
