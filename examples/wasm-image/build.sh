#!/bin/sh
# Compiles the filter. The result is committed, so that the example runs without a compiler.
set -eu
cd "$(dirname "$0")/src"
clang-19 --target=wasm32 -O2 -nostdlib -Wl,--no-entry -Wl,--strip-all -o filter.wasm filter.c
