#!/usr/bin/env python3
"""The walls of the shards that `skep serve` really starts, seen from outside through /proc; and what
serve says on a machine where the walls can't be had."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKEP = os.environ.get("SKEP", os.path.join(ROOT, "build", "skep"))
START_S = 60
NAMESPACES = ("user", "mnt", "pid", "net", "ipc", "uts")

results = {"passed": 0, "failed": 0}


def check(name, ok, detail=""):
    results["passed" if ok else "failed"] += 1
    print(f"{'PASS' if ok else 'FAIL'} {name}{'' if ok else ': ' + str(detail)}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`skep serve` on a folder of its own; ended with the block."""

    def __init__(self, *options, prefix=()):
        self.options = options
        self.prefix = list(prefix)
        self.port = free_port()

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        with open(os.path.join(self.folder.name, "hello.js"), "w", encoding="utf-8") as file:
            file.write("export default { fetch() { return new Response('hello'); } };\n")
        config = os.path.join(self.folder.name, "skep.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'data_dir = "{self.folder.name}/data"\nshards = 2\n'
                       f'[[listen]]\naddress = "127.0.0.1:{self.port}"\n'
                       f'[[worker]]\npath = "{self.folder.name}/hello.js"\nname = "hello"\nroutes = ["*/*"]\n')
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        self.process = subprocess.Popen([*self.prefix, SKEP, "serve", "--config", config, *self.options],
                                        stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        start_new_session=True)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def answer(self):
        """The body of the first answer; None when there is none in time."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as response:
                    return response.read()
            except OSError:
                time.sleep(0.1)
        return None

    def log_text(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()


def descendants(pid):
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, left = [], [pid]
    while left:
        more = children.get(left.pop(), [])
        found += more
        left += more
    return found


def status(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def shards_of(broker):
    """Those of the broker's processes that have a pid namespace of their own: two numbers or more."""
    return [pid for pid in descendants(broker) if len(status(pid).get("NSpid", "").split()) > 1]


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def check_status(facts, name):
    check(f"{name}: not root outside", "0" not in facts["Uid"].split(), facts["Uid"])
    check(f"{name}: pid 1 of its namespace", facts["NSpid"].split()[-1] == "1", facts["NSpid"])
    check(f"{name}: no new privileges", facts["NoNewPrivs"] == "1", facts["NoNewPrivs"])
    check(f"{name}: seccomp filters", facts["Seccomp"] == "2", facts["Seccomp"])
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        check(f"{name}: {kind} empty", int(facts[kind], 16) == 0, facts[kind])


def check_threads(pid, name):
    """The walls hold on each thread, V8's helpers included."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as file:
            text = file.read()
        check(f"{name}: thread {thread} filtered", "\nSeccomp:\t2\n" in text)


def check_as_root(pid, broker, name):
    for kind in NAMESPACES:
        check(f"{name}: own {kind} namespace", namespace(pid, kind) != namespace(broker, kind))
    check(f"{name}: empty root", os.listdir(f"/proc/{pid}/root/") == [], os.listdir(f"/proc/{pid}/root/"))
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8") as file:
        mounts = file.read().splitlines()
    check(f"{name}: one mount", len(mounts) == 1, mounts)
    options = set(mounts[0].split()[5].split(","))
    check(f"{name}: read-only, nosuid, nodev, noexec", {"ro", "nosuid", "nodev", "noexec"} <= options, options)
    with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
        limits = file.read()
    check(f"{name}: no core", "Max core file size        0                    0" in limits, limits)
    targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    files = [target for target in targets if target.startswith("/") and target != "/dev/null"]
    log = [target for target in files if target.endswith("/log")]
    check(f"{name}: holds no file but its stderr", files == log, files)


def test_shards():
    with Server() as server:
        answer = server.answer()
        check("serve answers", answer == b"hello", f"{answer} {server.log_text()}")
        broker = server.process.pid
        shards = shards_of(broker)
        check("two shards", len(shards) == 2, shards)
        for number, pid in enumerate(shards):
            name = f"shard {number}"
            check_status(status(pid), name)
            check_threads(pid, name)
            if os.geteuid() == 0:  # a shard can't be looked into by its own user: it is not dumpable
                check_as_root(pid, broker, name)


# A machine without user namespaces, as far as the program can see: this script, called so, puts itself
# into a namespace that allows none inside, and becomes the program.
WITHOUT_USER_NAMESPACES = (sys.executable, os.path.abspath(__file__), "--without-user-namespaces")
CLONE_NEWUSER = 0x10000000


def write_maps(pid, count):
    if count == 1:
        with open(f"/proc/{pid}/setgroups", "w", encoding="utf-8") as file:
            file.write("deny")
    for kind, own in (("uid", os.geteuid()), ("gid", os.getegid())):
        with open(f"/proc/{pid}/{kind}_map", "w", encoding="utf-8") as file:
            file.write(f"{own} {own} {count}")


def become_without_user_namespaces(command):
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    ready, tell = os.pipe()
    pid, count = os.getpid(), 65536 if os.geteuid() == 0 else 1
    mapper = os.fork()
    if mapper == 0:  # stays outside, where it may map us
        os.read(ready, 1)
        write_maps(pid, count)
        os._exit(0)
    if unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"unshare: {os.strerror(ctypes.get_errno())}")
    os.write(tell, b"1")
    os.waitpid(mapper, 0)
    with open("/proc/sys/user/max_user_namespaces", "w", encoding="utf-8") as file:
        file.write("0")
    os.execv(command[0], command)


def test_missing_piece():
    with Server(prefix=WITHOUT_USER_NAMESPACES) as server:
        try:
            code = server.process.wait(START_S)
        except subprocess.TimeoutExpired:
            code = None
        check("serve refuses to start without a piece", code not in (None, 0), code)
        text = server.log_text()
        check("and names it", "user namespace" in text and "max_user_namespaces" in text, text)
        check("and says the way past it", "--sandbox=reduced" in text, text)


def test_reduced():
    with Server("--sandbox=reduced", prefix=WITHOUT_USER_NAMESPACES) as server:
        answer = server.answer()
        text = server.log_text()
        check("reduced: serve answers", answer == b"hello", f"{answer} {text}")
        check("reduced: the log says what is missing", "user namespace" in text, text)


def main():
    if sys.argv[1:2] == ["--without-user-namespaces"]:
        become_without_user_namespaces(sys.argv[2:])
    test_shards()
    test_missing_piece()
    test_reduced()
    print(f"{results['passed']} passed, {results['failed']} failed")
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
