"""Size and shape: length of files, functions and lines, white space, how a header begins."""

import re

from .source import line_of

FILE_LINES = 1000
FUNCTION_LINES = 80
LINE_COLUMNS = 100
CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")
# `{` after one of these begins a value, not a body.
VALUE = re.compile(r"(=|\breturn|,|\()\s*$")
CONTROL = re.compile(r"^\s*(requires|concept)\b")


def check(tree):
    for path in tree.with_suffix(".cc", ".h", ".c", ".js", ".mjs", ".ts", ".py", ".sh", ".capnp", ".build"):
        yield from check_file_length(tree, path)
    for path in tree.with_suffix(".cc", ".h", ".c"):
        yield from check_functions(tree, path)
        yield from check_columns(tree, path)
    for path in tree.with_suffix(".h"):
        yield from check_header(tree, path)
    for path in tree.text_files():
        yield from check_white_space(tree, path)


def check_file_length(tree, path):
    lines = tree.text(path).count("\n")
    if lines > FILE_LINES:
        yield path, FILE_LINES, f"{lines} lines; split the file ({FILE_LINES} at most)"


def check_functions(tree, path):
    for name, first, last in functions(tree.code(path)):
        lines = last - first + 1
        if lines > FUNCTION_LINES:
            yield path, first, f"function {name} has {lines} lines; split it ({FUNCTION_LINES} at most)"


def check_columns(tree, path):
    for number, line in enumerate(tree.text(path).split("\n"), 1):
        # A line that can't be broken: an include, a URL.
        if len(line) > LINE_COLUMNS and not line.startswith("#include") and "://" not in line:
            yield path, number, f"{len(line)} columns; {LINE_COLUMNS} at most"


def check_header(tree, path):
    text = tree.text(path)
    if not text.startswith("//"):
        yield path, 1, "a header opens with a paragraph: what it is for, who owns it, in which process"
    if "#pragma once" not in text:
        yield path, 1, "#pragma once is missing"


def check_white_space(tree, path):
    text = tree.text(path)
    if text and not text.endswith("\n"):
        yield path, text.count("\n") + 1, "no newline at the end of the file"
    if "\r\n" in text and not path.startswith("tests/"):
        yield path, 1, "lines end in CR LF; LF alone is wanted"
    for match in re.finditer(r"[ \t]+$", text, re.M):
        # Two spaces break a line in Markdown.
        if not (path.endswith(".md") and match.group(0) == "  "):
            yield path, line_of(text, match.start()), "white space at the end of the line"
    for match in re.finditer(r"^(<{7}|>{7}) ", text, re.M):
        yield path, line_of(text, match.start()), "a merge conflict was left"
    if path.endswith((".cc", ".h", ".js", ".py")) and "\t" in text:
        yield path, line_of(text, text.index("\t")), "a tab; spaces are wanted"


def functions(code):
    """(name, first line, last line) of each function body, of member functions too."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code, flags=re.M)
    stack = []  # of (kind, name, line)
    head = ""  # what stands between the last ; { } and here
    line = 1
    found = []
    index = 0
    while index < len(code):
        character = code[index]
        if character == "\n":
            line += 1
        inside = any(kind == "body" for kind, _, _ in stack)
        if character == "{":
            stack.append(classify(head, inside) + (line,))
            if not (stack[-1][0] == "value"):
                head = ""
        elif character == "}" and stack:
            kind, name, first = stack.pop()
            if kind == "body" and not any(k == "body" for k, _, _ in stack):
                found.append((name, first, line))
            if kind != "value":
                head = ""
        elif character == ";" and not any(kind == "value" for kind, _, _ in stack):
            head = ""
        elif not inside:
            head += character
        index += 1
    return found


def classify(head, inside):
    """(kind, name) of a block that begins after `head`."""
    if inside:
        return ("block", "")
    text = head.strip()
    parameters = text.find("(")
    before = text[:parameters] if parameters >= 0 else text
    initialisers = re.search(r"\)\s*(?:noexcept\s*)?:[^:]", text)
    # `Foo::Foo() : a_` and its list go on until the body's brace, which follows `}` or `)`.
    if initialisers and re.search(r"\w\s*$", text) and not text.endswith(("override", "const", "noexcept")):
        return ("value", "")
    if parameters < 0 or re.search(r"(^|[^=!<>])=([^=]|$)", before) and "operator" not in before:
        if CONTAINER.search(before) and "=" not in before:
            return ("container", "")
        return ("value", "") if before and not CONTROL.match(text) else ("container", "")
    if re.match(r"(inline\s+)?(namespace|class|struct|union|enum)\b", re.sub(r"template\s*<[^()]*>", "", text).strip()) \
            and not re.search(r"\)\s*(const|noexcept|override|final)*\s*$", text):
        return ("container", "")
    name = re.search(r"([~\w:]+|operator\s*\S+)\s*$", before)
    return ("body", name.group(1) if name else "?")
