#!/usr/bin/env python3
"""tools/tidy finds what it is there for: each check is shown a small tree with the fault in it."""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tools", "lib"))

from tidy import calls, dead, documents, layers, shape, words  # noqa: E402
from tidy.source import Tree, strip_cpp  # noqa: E402


def complaints(check, files):
    with tempfile.TemporaryDirectory() as root:
        subprocess.run(["git", "init", "-q", root], check=True)
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return list(check(Tree(root)))


def long_function(lines):
    return "Foo::Foo(int a) : a_{a}, b_(1) {\n" + "  f();\n" * (lines - 2) + "}\n"


LONG_LAMBDA = "class X {\n  int value_ = 1;\n  void f() const {\n" + "    g([] { h(); });\n" * 79 + "  }\n};\n"
# (name, check, files, words of the one message wanted; None: no complaint)
CASES = [
    ("layer above", layers.check, {"src/loop/a.cc": '#include "net/b.h"\n'}, "layer above"),
    ("layer below", layers.check, {"src/net/a.cc": '#include "loop/b.h"\n'}, None),
    ("broker and V8", layers.check, {"src/broker/a.cc": "#include <v8-isolate.h>\n"}, "must not include V8"),
    ("broker and isolate", layers.check, {"src/broker/a.h": '#include "isolate/arena.h"\n'}, "tenant's code"),
    ("shard and config", layers.check, {"src/shard/a.h": '#include "config/value.h"\n'}, "opens nothing"),
    ("unknown folder", layers.check, {"src/other/a.h": "// x\n"}, "no place"),
    ("function of 81 lines", shape.check, {"src/base/a.cc": long_function(81)}, "Foo::Foo has 81 lines"),
    ("function of 80 lines", shape.check, {"src/base/a.cc": long_function(80)}, None),
    ("member function with lambdas", shape.check, {"src/base/a.cc": LONG_LAMBDA}, "function f has 81 lines"),
    ("data of any length", shape.check,
     {"src/base/a.cc": "constexpr int kTable[] = {\n" + "    1,\n" * 100 + "};\n"}, None),
    ("long file", shape.check, {"src/base/a.cc": "//\n" * 1001}, "split the file"),
    ("long line", shape.check, {"src/base/a.cc": "// " + "x" * 98 + "\n"}, "101 columns"),
    ("white space", shape.check, {"docs/a.md": "a \n"}, "white space"),
    ("no newline", shape.check, {"docs/a.md": "a"}, "no newline"),
    ("header without a paragraph", shape.check, {"src/base/a.h": "#pragma once\n"}, "paragraph"),
    ("header without its guard", shape.check, {"src/base/a.h": "// A.\n"}, "pragma once"),
    ("banned call", calls.check, {"src/net/a.cc": "void f() {\n  std::strcpy(a, b);\n}\n"}, "strcpy is banned"),
    ("banned call in a comment", calls.check, {"src/net/a.cc": '// strcpy(a, b)\nauto x = "strcpy(";\n'}, None),
    ("a member of that name", calls.check, {"src/net/a.cc": "void f() { a.select(b); }\n"}, None),
    ("thread outside isolate", calls.check, {"src/net/a.cc": "std::thread t;\n"}, "only isolate/ and storage/ have threads"),
    ("thread in isolate", calls.check, {"src/isolate/a.cc": "std::thread t;\n"}, None),
    ("thread in a test", calls.check, {"src/net/a_test.cc": "std::thread t;\n"}, None),
    ("regex in a test", calls.check, {"src/net/a_test.cc": "std::regex r;\n"}, "std::regex is banned"),
    ("eval in the runtime", calls.check, {"src/api/a.js": "eval(x);\n"}, "eval is off"),
    ("source that is not built", dead.check,
     {"src/net/a.cc": "\n", "src/net/meson.build": "x = ['b.cc']\n"}, "no meson.build names it"),
    ("source built in a loop", dead.check,
     {"src/net/a_test.cc": "\n", "src/meson.build": "foreach x : ['net/a']\n"}, None),
    ("header that nobody includes", dead.check, {"src/net/a.h": "\n"}, "nothing includes it"),
    ("module that nobody imports", dead.check, {"src/api/a.js": "\n"}, "no module imports it"),
    ("link that leads nowhere", documents.check, {"docs/a.md": "[b](b.md)\n"}, "there is no docs/b.md"),
    ("heading that is not there", documents.check, {"README.md": "# One\n[x](#two)\n"}, "no such heading"),
    ("heading that is there", documents.check, {"README.md": "# One two\n[x](#one-two)\n"}, None),
    ("path that is not there", documents.check, {"docs/architecture.md": "`src/x/y.cc`\n"}, "no src/x/y.cc"),
    ("machine path", words.check, {"README.md": "see /ro" "ot/x\n"}, "one machine"),
    ("unfinished", words.check, {"src/a.cc": "// TO" "DO: more\n"}, "finish it"),
]


def check_strip():
    code = strip_cpp("a /* b\n */ c // d\n\"e\\\"f\" R\"x(g\")x\" 'h' 1'000'000")
    return "b" not in code and "d" not in code and "e" not in code and "g" not in code and \
        code.count("\n") == 2 and "1'000'000" in code


def main():
    passed = failed = 0
    for name, check, files, wanted in CASES:
        found = [message for _, _, message in complaints(check, files)]
        if (found == []) if wanted is None else (len(found) == 1 and wanted in found[0]):
            passed += 1
        else:
            failed += 1
            print(f"FAIL {name}: {found}, wanted {wanted}")
    if check_strip():
        passed += 1
    else:
        failed += 1
        print("FAIL comments and strings are taken out")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
