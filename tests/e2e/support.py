"""What the end-to-end tests share: a skep of their own, requests, counts. Not a test itself."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKEP = os.environ.get("SKEP", os.path.join(ROOT, "build", "skep"))
# AddressSanitizer keeps what was freed for a while: the memory of such a build says nothing.
SANITIZED = "build-sanitize" in SKEP
START_S = 60

_counts = {"passed": 0, "failed": 0}


def check(name, ok, detail=""):
    _counts["passed" if ok else "failed"] += 1
    print(f"{'PASS' if ok else 'FAIL'} {name}{'' if ok else ': ' + str(detail)[:1000]}", flush=True)


def finish():
    print(f"{_counts['passed']} passed, {_counts['failed']} failed")
    sys.exit(1 if _counts["failed"] or not _counts["passed"] else 0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prefix():
    done = subprocess.run([os.path.join(ROOT, "tools/setup"), "--print-prefix"], check=True,
                          capture_output=True, text=True)
    return done.stdout.strip()


def run(*arguments, cwd=None):
    """A skep command that ends by itself: (status, output)."""
    done = subprocess.run([SKEP, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, timeout=120,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return done.returncode, done.stdout


class Folder(tempfile.TemporaryDirectory):
    """A folder that shards' broker may read, with files."""

    def __enter__(self):
        path = super().__enter__()
        os.chmod(path, 0o755)
        return path


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Skep:
    """`skep dev` or `skep serve`, ended with the block."""

    def __init__(self, *arguments, port):
        self.arguments = arguments
        self.port = port

    def __enter__(self):
        self.log = tempfile.NamedTemporaryFile("w+b")
        self.process = subprocess.Popen([SKEP, *self.arguments], stdout=self.log, stderr=self.log,
                                        stdin=subprocess.DEVNULL, start_new_session=True)
        self.wait_for_log(r"ready at|serves \d+")
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()

    def stop(self):
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        return self.process.returncode

    def log_text(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_for_log(self, pattern, timeout_s=START_S):
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if re.search(pattern, self.log_text()):
                return True
            if self.process.poll() is not None:
                return False
            time.sleep(0.05)
        return False

    def connect(self, timeout_s=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def ask(self, path="/", method="GET", body=None, host=None, headers=None, timeout_s=30):
        """(status, headers, body); (0, {}, reason) when the connection broke."""
        connection = self.connect(timeout_s)
        try:
            headers = dict(headers or {})
            if host:
                headers["Host"] = host
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, {}, repr(error).encode()
        finally:
            connection.close()

    def shards(self):
        """Process ids of the shards, by index."""
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                    name, rest = re.fullmatch(r"\d+ \((.*)\) (.*)\n?", file.read(), re.S).groups()
                with open(f"/proc/{rest.split()[1]}/stat", encoding="utf-8") as file:
                    grandparent = int(file.read().rpartition(")")[2].split()[1])
            except (OSError, AttributeError):
                continue
            if name.startswith("skep-shard-") and grandparent == self.process.pid:
                found[int(name.removeprefix("skep-shard-"))] = int(entry)
        return found


def dev(path, *options):
    port = free_port()
    return Skep("dev", path, "--port", str(port), *options, port=port)


def serve(folder, workers, more="", shards=1):
    """`skep serve` with (name, file, routes) workers; `more` goes before them in skep.toml."""
    port = free_port()
    text = f'data_dir = "{folder}/data"\nshards = {shards}\n{more}\n'
    text += f'[[listen]]\naddress = "127.0.0.1:{port}"\n'
    for name, path, routes in workers:
        text += f'[[worker]]\nname = "{name}"\npath = "{path}"\n'
        if routes:
            text += f"routes = {list(routes)!r}\n".replace("'", '"')
    return Skep("serve", "--config", write(folder, "skep.toml", text), port=port)


class Listening:
    """A server of the test's own on loopback: run(connection) on a thread for each who comes; counts them."""

    def __init__(self, address="127.0.0.1", port=0):
        self.listener = socket.create_server((address, port), backlog=2048,
                                             family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        self.connections = 0

    def __enter__(self):
        threading.Thread(target=self.accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()
