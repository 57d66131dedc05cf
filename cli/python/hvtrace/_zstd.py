# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Decompresses one zstd frame: by Python's own module (3.14), or by libzstd, which every
Debian has because dpkg needs it."""
import ctypes
import ctypes.util


class Broken(Exception):
    """Not a zstd frame of the size that was announced."""


def _by_python():
    from compression import zstd

    def decompress_to(address, size, data):
        d = zstd.ZstdDecompressor()
        try:
            out = d.decompress(data, max_length=size + 1)
        except zstd.ZstdError as e:
            raise Broken(str(e)) from None
        if len(out) != size or not d.eof or d.unused_data:
            raise Broken("it has another size")
        ctypes.memmove(address, out, size)
    return decompress_to


def _by_library():
    try:
        lib = ctypes.CDLL("libzstd.so.1")
    except OSError:
        lib = ctypes.CDLL(ctypes.util.find_library("zstd"))
    lib.ZSTD_createDCtx.restype = ctypes.c_void_p
    run = lib.ZSTD_decompressDCtx
    run.restype = ctypes.c_size_t
    run.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    idle = []  # contexts; threads take and return them

    def decompress_to(address, size, data):
        try:
            context = idle.pop()
        except IndexError:
            context = lib.ZSTD_createDCtx()
        done = run(context, address, size, bytes(data), len(data))
        idle.append(context)
        if done != size:
            raise Broken("it is not a zstd frame of that size")
    return decompress_to


# decompress_to(address, size, data): that many bytes of memory are the caller's
try:
    decompress_to = _by_library()
except (OSError, TypeError, AttributeError):
    decompress_to = _by_python()


def decompress(data, size):
    out = bytearray(size)
    if size:
        decompress_to(ctypes.addressof(ctypes.c_char.from_buffer(out)), size, data)
    else:
        decompress_to(None, 0, data)
    return out
