#!/usr/bin/env python3
"""Writes the modules of this worker, byte by byte: no assembler for these proposals is needed.

usage: make_modules.py   (writes src/*.wasm)
"""

import os

I32 = 0x7F
HERE = os.path.dirname(os.path.abspath(__file__))


def vector(items):
    return bytes([len(items)]) + b"".join(items)


def section(number, items):
    body = vector(items)
    return bytes([number, len(body)]) + body


def name(text):
    return bytes([len(text)]) + text.encode()


def export(text, kind, index):
    return name(text) + bytes([kind, index])


def code(*instructions):
    body = b"\x00" + bytes(instructions) + b"\x0b"
    return bytes([len(body)]) + body


def function(params, results):
    return b"\x60" + vector([bytes([p]) for p in params]) + vector([bytes([r]) for r in results])


def write(file, *sections):
    with open(os.path.join(HERE, "src", file), "wb") as out:
        out.write(b"\0asm\1\0\0\0" + b"".join(sections))


UNARY = function([I32], [I32])

# i32x4.splat twice, i32x4.add, i32x4.extract_lane 2
write("simd.wasm", section(1, [UNARY]), section(3, [b"\0"]), section(7, [export("twice", 0, 0)]),
      section(10, [code(0x20, 0, 0xFD, 0x11, 0x20, 0, 0xFD, 0x11, 0xFD, 0xAE, 1, 0xFD, 0x1B, 2)]))

# struct.new, struct.get of (struct (field i32))
write("gc.wasm", section(1, [bytes([0x5F, 1, I32, 0]), UNARY]), section(3, [b"\1"]),
      section(7, [export("through", 0, 0)]),
      section(10, [code(0x20, 0, 0xFB, 0, 0, 0xFB, 2, 0, 0)]))

# raise: throw of a tag (i32); caught: the same in a try_table that catches it
write("exceptions.wasm", section(1, [function([I32], []), UNARY]), section(3, [b"\0", b"\1"]),
      section(13, [b"\0\0"]),
      section(7, [export("tag", 4, 0), export("raise", 0, 0), export("caught", 0, 1)]),
      section(10, [code(0x20, 0, 8, 0),
                   code(2, I32, 0x1F, I32, 1, 0, 0, 0, 0x20, 0, 8, 0, 0x0B, 0x0B)]))

# run: what the import `env.wait` gives, and one more
write("suspend.wasm", section(1, [UNARY]), section(2, [name("env") + name("wait") + b"\0\0"]),
      section(3, [b"\0"]), section(7, [export("run", 0, 1)]),
      section(10, [code(0x20, 0, 0x10, 0, 0x41, 1, 0x6A)]))
