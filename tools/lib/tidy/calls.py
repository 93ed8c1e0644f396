"""Calls that we do not make, and what to use instead."""

import re

from .source import line_of

TEST_FILE = re.compile(r"(_test|_fuzz|_bench|test_support|/testing)[./]|_test_main|(^|/)(testing\.cc|fake_\w+\.cc)|"
                       r"^(tests|bench|examples)/|/testing/")
# Small programs beside a library: they print.
PROGRAMS = ("/make_snapshot.cc", "/http_hello.cc")
CALL = r"(?<![\w.>:])(?:std::|::)?"

# (pattern, what to use instead)
IN_ALL_CODE = [
    (r"\busing\s+namespace\s+std\s*;", "names with std::"),
    (r"\bstd::(basic_)?regex\b|#include <regex>", "a hand-written scan: std::regex is slow and recursive"),
    (r"#include <(format|print)>", "fmt: libstdc++ 12 has no std::format"),
    (CALL + r"v?sprintf\s*\(", "fmt::format or snprintf"),
    (CALL + r"(gets|tmpnam|tempnam|mktemp)\s*\(", "fgets; mkstemp"),
    (CALL + r"(rand|srand|drand48|rand_r)\s*\(", "getrandom(2), in tests std::mt19937 with a seed that is printed"),
]
# Not in tests and benchmarks.
IN_SOURCES_OF_ANY_FOLDER = [
    (CALL + r"(strcpy|strcat|strncpy|strncat|stpcpy)\s*\(", "std::string or std::copy"),
    (CALL + r"(system|popen)\s*\(", "posix_spawn with an argument list"),
    (CALL + r"(atoi|atol|atoll|atof)\s*\(", "std::from_chars, which tells of errors"),
    (CALL + r"(strtok|asctime|ctime|gmtime|localtime)\s*\(", "the _r function, or std::string_view"),
    (CALL + r"(gethostbyname|inet_ntoa|inet_addr)\s*\(", "inet_ntop, inet_pton"),
    (CALL + r"(alloca|setjmp|longjmp)\s*\(", "a vector; Result<T>"),
    (r"\bstd::(cout|cerr|endl)\b|#include <iostream>", "base/log.h, or fmt::print in cli/"),
    (r"\bstd::(bind|auto_ptr)\b", "a lambda; std::unique_ptr"),
    (r"(?<![\w:])assert\s*\(", "SKEP_ASSERT, which stays on in every build"),
    (r"#include <(cassert|assert\.h)>", "base/assert.h"),
]
# (pattern, what to use instead, folders of src/ that may)
IN_SOURCES = [
    (CALL + r"(sleep|usleep|nanosleep)\s*\(|\bsleep_for\b", "loop::Timer", {"isolate"}),
    (r"\bstd::j?thread\b(?!::)|\bpthread_create\b|\bstd::async\b", "the loop: only isolate/ and storage/ have threads",
     {"isolate", "storage"}),
    (r"\bstd::(recursive_)?mutex\b|\bstd::condition_variable\b", "the loop: only isolate/ and storage/ have threads",
     {"isolate", "storage"}),
    (CALL + r"(f?printf|puts|putchar|perror)\s*\(", "base/log.h (shards: the host's log over RPC)",
     {"cli", "base", "shard"}),  # shard/: last words, where there is no link to the broker
    (CALL + r"(fork|vfork|execve?|execvp)\s*\(", "sandbox::spawn, or broker/'s zygote client", {"sandbox", "broker"}),
    (CALL + r"(epoll_\w+|select)\s*\(", "the loop", {"loop"}),
    (CALL + r"(getenv|setenv|putenv)\s*\(", "an option of the program, passed in", {"cli", "config", "broker", "base"}),
]


def check(tree):
    for path in tree.with_suffix(".cc", ".h"):
        code = tree.code(path)
        parts = path.split("/")
        folder = parts[1] if parts[0] == "src" and len(parts) > 2 else None
        rules = list(IN_ALL_CODE)
        if folder and not TEST_FILE.search(path):
            rules += IN_SOURCES_OF_ANY_FOLDER
            if not path.endswith(PROGRAMS):
                rules += [(pattern, instead) for pattern, instead, allowed in IN_SOURCES if folder not in allowed]
        for pattern, instead in rules:
            for match in re.finditer(pattern, code):
                called = match.group(0).strip("( \t")
                yield path, line_of(code, match.start()), f"{called} is banned; use {instead}"
    yield from check_runtime_javascript(tree)


def check_runtime_javascript(tree):
    """The runtime's own modules: src/api, but for tests."""
    rules = [
        (r"(?<![\w.])eval\s*\(", "eval is off in every isolate"),
        (r"\bnew\s+Function\s*\(", "code from strings is off in every isolate"),
        (r"(?<![\w.])require\s*\(", "ES modules only"),
        (r"(?<![\w.])var\s", "let or const"),
        (r"(?<![\w.])debugger\b", "left over"),
        (r"(?<![\w.#])console\.(log|debug)\s*\(", "the runtime does not speak on a worker's console"),
    ]
    for path in tree.with_suffix(".js", under="src/api/"):
        if path.endswith("_test.js") or "/testing/" in path:
            continue
        code = tree.code(path)
        for pattern, why in rules:
            for match in re.finditer(pattern, code):
                yield path, line_of(code, match.start()), f"{match.group(0).strip('( ')} in the runtime: {why}"
