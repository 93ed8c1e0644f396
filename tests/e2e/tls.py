#!/usr/bin/env python3
"""TLS listeners, with curl, openssl and Python's ssl as clients: certificates by name, client
certificates, tickets, keys that no shard holds, bad input, reload under load."""

import glob
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

from support import Folder, Skep, check, dev, finish, free_port, write

WORKER = """
export default { fetch(request) {
  const { tlsVersion, tlsCipher, tlsClientAuth, httpProtocol } = request.cf ?? {};
  return Response.json({ url: request.url, tlsVersion, tlsCipher, tlsClientAuth, httpProtocol });
} };
"""
TIMEOUT_S = 60


def tool(*command, cwd=None, stdin=""):
    """(status, output) of a client that ends by itself."""
    done = subprocess.run(command, cwd=cwd, input=stdin, timeout=TIMEOUT_S, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return done.returncode, done.stdout


def openssl(folder, *arguments, stdin=""):
    status, output = tool("openssl", *arguments, cwd=folder, stdin=stdin)
    assert status == 0, output
    return output


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")


def certificate(folder, name, names, by="ca", key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), days=30):
    """name.pem and name.key, signed by an authority."""
    openssl(folder, "req", "-new", "-newkey", *key, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
            "-subj", f"/CN={names[0]}/O=Test")
    kinds = ",".join(("IP:" if re.fullmatch(r"[\d.]+", n) else "DNS:") + n for n in names)
    write(folder, f"{name}.ext", f"subjectAltName={kinds}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial",
            "-days", str(days), "-out", f"{name}.pem", "-extfile", f"{name}.ext")
    for path in glob.glob(f"{folder}/*.key"):
        os.chmod(path, 0o644)  # the reload happens after root was given up


def server(folder, tables, shards=1, listen=""):
    port = free_port()
    write(folder, "worker.js", WORKER)
    text = f'data_dir = "{folder}/data"\nshards = {shards}\n[[listen]]\naddress = "127.0.0.1:{port}"\ntls = true\n'
    text += listen + "".join(f"[[certificate]]\n{table}\n" for table in tables)
    text += f'[[worker]]\nname = "w"\npath = "{folder}/worker.js"\nroutes = ["*/*"]\n'
    return Skep("serve", "--config", write(folder, "skep.toml", text), port=port)


def files(name, more=""):
    return f'cert = "{name}.pem"\nkey = "{name}.key"\n{more}'


def curl(skep, folder, host, *options):
    """(status of curl, output): a request whose name leads to the server."""
    return tool("curl", "-sS", "--max-time", "30", "--cacert", f"{folder}/ca.pem", "--resolve",
                f"{host}:{skep.port}:127.0.0.1", *options, f"https://{host}:{skep.port}/x", cwd=folder)


def facts(output):
    try:
        return json.loads(output)
    except json.JSONDecodeError:
        return {}


def s_client(skep, folder, host, *options, stdin=None):
    request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n" if stdin is None else stdin
    return tool("openssl", "s_client", "-connect", f"127.0.0.1:{skep.port}", "-servername", host, "-CAfile", "ca.pem",
                "-ign_eof", *options, cwd=folder, stdin=request)[1]


def renegotiate(skep):
    """What s_client says that asks for a new handshake; it ends when the server closes."""
    with subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{skep.port}", "-tls1_2"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
        client.stdin.write(b"R\n")
        client.stdin.flush()
        return client.stdout.read().decode(errors="replace")


def names_and_versions():
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "default", ["default.example", "127.0.0.1"])
        certificate(folder, "named", ["a.example", "*.b.example"], key=("rsa:2048",))
        write(folder, "ocsp.der", "not parsed: stapled as it is")
        with server(folder, [files("default", 'ocsp = "ocsp.der"'), files("named")]) as skep:
            for version in ("1.2", "1.3"):
                status, output = curl(skep, folder, "default.example", "--tls-max", version)
                check(f"TLS {version}: answers, and tells the Worker", status == 0 and
                      facts(output).get("tlsVersion") == f"TLSv{version}", output + skep.log_text())
                check(f"TLS {version}: the URL is https", facts(output).get("url", "").startswith("https://"), output)
                check(f"TLS {version}: RSA too", curl(skep, folder, "a.example", "--tls-max", version)[0] == 0)
            check("a wildcard", curl(skep, folder, "x.b.example")[0] == 0)
            check("in capitals", curl(skep, folder, "X.B.Example")[0] == 0)
            check("by address: the default", curl(skep, folder, "127.0.0.1")[0] == 0)
            check("a wildcard is for one label", curl(skep, folder, "x.y.b.example")[0] == 60)
            check("a name without certificate gets the default, which a client refuses",
                  curl(skep, folder, "other.example")[0] == 60)
            check("TLS 1.1 is refused", curl(skep, folder, "a.example", "--tlsv1.0", "--tls-max", "1.1")[0] == 35)
            check("HTTP/2 is not offered where it is off", "ALPN protocol: http/1.1" in
                  s_client(skep, folder, "a.example", "-alpn", "h2,http/1.1"))
            output = s_client(skep, folder, "default.example", "-status")
            check("the OCSP response is stapled", "OCSP response" in output and "no response sent" not in output,
                  output)
            check("and only with its certificate", "no response sent" in s_client(skep, folder, "a.example", "-status"))
            check("early data is not offered", "Max Early Data: 0" in s_client(skep, folder, "a.example"))
            output = renegotiate(skep)
            check("renegotiation is refused", re.search(r"RENEGOTIATING[\s\S]*no.renegotiation", output), output[-500:])
            check("weak suites are refused", "Cipher is (NONE)" in
                  s_client(skep, folder, "a.example", "-tls1_2", "-cipher", "AES128-SHA:ECDHE-RSA-AES128-SHA"))
            status, output = tool("curl", "-sS", f"http://127.0.0.1:{skep.port}/")
            check("plain HTTP is told so", "This port speaks HTTPS" in output, output)
            skep.stop()


def http2():
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "one", ["a.example"])
        with server(folder, [files("one")], listen="http2 = true\n") as skep:
            status, output = curl(skep, folder, "a.example", "--http2", "-w", "\n%{http_version}")
            check("HTTP/2 where it is on", status == 0 and output.endswith("\n2"), output + skep.log_text())
            status, output = curl(skep, folder, "a.example", "--http1.1", "-w", "\n%{http_version}")
            check("HTTP/1.1 for who wants that", status == 0 and output.endswith("\n1.1"), output)
            check("an ALPN without common ground is refused",
                  "no application protocol" in s_client(skep, folder, "a.example", "-alpn", "smtp"))


def client_certificates():
    with Folder() as folder:
        authority(folder, "ca")
        authority(folder, "clients")
        certificate(folder, "open", ["open.example"])
        certificate(folder, "asked", ["asked.example"])
        certificate(folder, "closed", ["closed.example"])
        certificate(folder, "bob", ["bob.example"], by="clients")
        certificate(folder, "mallory", ["mallory.example"])
        more = 'client_ca = "clients.pem"\nclient_auth = "%s"'
        tables = [files("open"), files("asked", more % "optional"), files("closed", more % "require")]
        with server(folder, tables, listen="http2 = true\n") as skep:
            bob = ("--cert", "bob.pem", "--key", "bob.key")
            mallory = ("--cert", "mallory.pem", "--key", "mallory.key")
            for version in ("1.2", "1.3"):
                with_version = ("--tls-max", version)
                status, output = curl(skep, folder, "closed.example", *bob, *with_version)
                auth = facts(output).get("tlsClientAuth") or {}
                check(f"{version}: required and shown", status == 0 and auth.get("certPresented") == "1" and
                      auth.get("certVerified") == "SUCCESS", output)
                check(f"{version}: its subject", "bob.example" in auth.get("certSubjectDN", ""), auth)
                check(f"{version}: required, none", curl(skep, folder, "closed.example", *with_version)[0] != 0)
                check(f"{version}: required, of somebody else",
                      curl(skep, folder, "closed.example", *mallory, *with_version)[0] != 0)
                status, output = curl(skep, folder, "asked.example", *mallory, *with_version)
                auth = facts(output).get("tlsClientAuth") or {}
                check(f"{version}: optional, of somebody else: told", status == 0 and
                      auth.get("certVerified", "").startswith("FAILED:"), output)
                status, output = curl(skep, folder, "asked.example", *with_version)
                auth = facts(output).get("tlsClientAuth") or {}
                check(f"{version}: optional, none", status == 0 and auth.get("certPresented") == "0" and
                      auth.get("certVerified") == "NONE", output)
            _, fingerprint = tool("openssl", "x509", "-in", "bob.pem", "-noout", "-fingerprint", "-sha256", cwd=folder)
            _, output = curl(skep, folder, "closed.example", *bob)
            check("the fingerprint is the certificate's", fingerprint.split("=")[1].strip().replace(":", "").lower() ==
                  facts(output).get("tlsClientAuth", {}).get("certFingerprintSHA256", "").lower(), output)
            for host in ("closed.example", "CLOSED.example", "closed.example.", f"closed.example:{skep.port}",
                         "asked.example"):
                for version in ("--http1.1", "--http2"):
                    _, output = curl(skep, folder, "open.example", version, "-H", f"Host: {host}", "-w", "%{http_code}")
                    check(f"a host behind a check is not reached through another's connection: {host} {version}",
                          output.endswith("421"), output)
            for version in ("--http1.1", "--http2"):
                _, output = curl(skep, folder, "open.example", version, "-H", "Host: elsewhere.example", "-w",
                                 "%{http_code}")
                check(f"others are: {version}", output.endswith("200"), output)


def resumed(output):
    return "Reused, TLS" in output


def tickets():
    with Folder() as folder:
        authority(folder, "ca")
        authority(folder, "clients")
        certificate(folder, "one", ["a.example"])
        certificate(folder, "closed", ["closed.example"])
        closed = files("closed", 'client_ca = "clients.pem"\nclient_auth = "optional"')
        with server(folder, [files("one"), closed], shards=2) as skep:
            for option in ("-tls1_2", "-tls1_3"):
                output = s_client(skep, folder, "a.example", option, "-sess_out", "session.pem")
                check(f"{option}: a first connection is a new one", "New, TLS" in output, output)
                again = [s_client(skep, folder, "a.example", option, "-sess_in", "session.pem") for _ in range(12)]
                check(f"{option}: tickets count on each shard", all(resumed(text) for text in again),
                      [resumed(text) for text in again])
                output = s_client(skep, folder, "closed.example", option, "-sess_in", "session.pem")
                check(f"{option}: and not for a host that asks for another client certificate", not resumed(output) and
                      "New, TLS" in output, output)
            os.kill(skep.process.pid, signal.SIGHUP)
            skep.wait_for_log("certificates read again")
            output = s_client(skep, folder, "a.example", "-tls1_3", "-sess_in", "session.pem")
            check("they outlive a reload", resumed(output), output)


def memory_of(pid):
    """All readable private memory of a process, piece by piece."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, rights = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if not rights.startswith("r") or end - start > 1 << 36:
                continue
            # Cages reserve far more than they use: only pages that are there.
            for at in range(start, end, 64 << 20):
                yield from resident(pid, memory, at, min(end, at + (64 << 20)))


def resident(pid, memory, start, end):
    page = os.sysconf("SC_PAGESIZE")
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        pagemap.seek(start // page * 8)
        entries = pagemap.read((end - start) // page * 8)
    run_start = None
    for index in range(len(entries) // 8 + 1):
        here = index * 8 < len(entries) and entries[index * 8 + 7] & 0xC0
        if here and run_start is None:
            run_start = index
        elif not here and run_start is not None:
            try:
                memory.seek(start + run_start * page)
                yield memory.read((index - run_start) * page)
            except OSError:
                pass  # the vvar pages and their like
            run_start = None


def holds(pid, needles):
    found = set()
    for piece in memory_of(pid):
        for name, forms in needles.items():
            if any(form in piece for form in forms):
                found.add(name)
    return found


def number_forms(value):
    """A secret number as a library may hold it: bytes in either order."""
    big = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return [big, big[::-1]]


def secret_numbers(folder, name):
    """{what: forms} of a private key's secret parts, read from openssl's dump."""
    dump = openssl(folder, "pkey", "-in", f"{name}.key", "-noout", "-text")
    numbers = {}
    for part in ("priv", "privateExponent", "prime1", "prime2", "exponent1", "exponent2", "coefficient"):
        match = re.search(rf"^{part}:\n((?:    [0-9a-f:]+\n)+)", dump, re.M)
        if match:
            numbers[f"{name}.{part}"] = number_forms(int(re.sub(r"[\s:]", "", match.group(1)), 16))
    return numbers


def keys_stay():
    if os.geteuid() != 0:
        check("no key in a shard's memory: looked for by root alone", True)
        return
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "ec", ["ec.example"])
        certificate(folder, "rsa", ["rsa.example"], key=("rsa:2048",))
        secrets = {**secret_numbers(folder, "ec"), **secret_numbers(folder, "rsa")}
        check("there are secrets to look for", len(secrets) == 7, list(secrets))
        control = {}
        for name in ("ec", "rsa"):
            openssl(folder, "x509", "-in", f"{name}.pem", "-outform", "DER", "-out", f"{name}.der")
            with open(f"{folder}/{name}.der", "rb") as file:
                control[f"{name} certificate"] = [file.read()]
        with server(folder, [files("ec"), files("rsa")]) as skep:
            for host in ("ec.example", "rsa.example"):
                for _ in range(20):
                    check(f"{host} answers", curl(skep, folder, host)[0] == 0)
            shard = skep.shards()[0]
            found = holds(shard, {**secrets, **control})
            check("the search finds the public certificates in the shard", set(control) <= found, found)
            check("no secret number of a key is in the shard", not found & set(secrets), found)
            # And the same search finds them where they are.
            broker = holds(skep.process.pid, secrets)
            check("it finds the keys in the broker", {"ec.priv", "rsa.prime1"} <= broker, broker)


def raw(skep, data, end=False):
    """What the server sends to a client that sends just this."""
    with socket.create_connection(("127.0.0.1", skep.port), 30) as client:
        answer = b""
        try:
            client.sendall(data)
            if end:
                client.shutdown(socket.SHUT_WR)
            while chunk := client.recv(65536):
                answer += chunk
        except ConnectionError:
            pass
        return answer


def hello_bytes():
    """A client hello as OpenSSL makes it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="a.example")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def bad_input():
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "one", ["a.example"])
        with server(folder, [files("one")]) as skep:
            shard = skep.shards()[0]
            hello = hello_bytes()
            cases = {
                "nothing": b"", "garbage": os.urandom(4096), "zeros": bytes(4096),
                "a record that is too long": b"\x16\x03\x01\xff\xff" + bytes(65535),
                "an empty record": b"\x16\x03\x01\x00\x00" * 2000,
                "a hello that says it is huge": b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + bytes(100_000),
                "application data first": b"\x17\x03\x03\x00\x10" + bytes(16),
                "an alert": b"\x15\x03\x03\x00\x02\x02\x28", "alerts": b"\x15\x03\x03\x00\x02\x01\x00" * 5000,
                "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + bytes(37),
                "twice a hello": hello + hello, "a hello and garbage": hello + os.urandom(2000),
            }
            for name, data in cases.items():
                answer = raw(skep, data, end=True)
                check(f"{name}: closed without plain text", b"HTTP/1.1 200" not in answer, answer[:200])
            for size in range(1, len(hello), max(1, len(hello) // 40)):
                raw(skep, hello[:size], end=True)
            for position in range(0, len(hello), max(1, len(hello) // 60)):
                broken = bytearray(hello)
                broken[position] ^= 0xFF
                raw(skep, bytes(broken), end=True)
            after_handshake(skep, folder)
            check("it answers as before", curl(skep, folder, "a.example")[0] == 0, skep.log_text())
            check("the shard is the same", skep.shards().get(0) == shard, skep.log_text())


def after_handshake(skep, folder):
    """Records that are broken once the handshake is through."""
    context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
    for name, data in {
            "a record that does not decrypt": b"\x17\x03\x03\x00\x40" + bytes(64),
            "a record that is too long": b"\x17\x03\x03\x48\x01" + bytes(18433),
            "a truncated record": b"\x17\x03\x03\x10\x00" + bytes(100),
            "plain HTTP": b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    }.items():
        plain = socket.create_connection(("127.0.0.1", skep.port), 30)
        with context.wrap_socket(plain, server_hostname="a.example", suppress_ragged_eofs=True) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            first = client.recv(4096)
            with socket.socket(fileno=os.dup(client.fileno())) as below:
                below.settimeout(30)
                answer = b""
                try:
                    below.sendall(data)
                    below.shutdown(socket.SHUT_WR)
                    while chunk := below.recv(65536):
                        answer += chunk
                except ConnectionError:
                    pass
            check(f"{name} after the handshake: closed, answered by no more than an alert",
                  first.startswith(b"HTTP/1.1 200") and b"HTTP/" not in answer and len(answer) < 1000, answer[:100])


def slow_and_many():
    """Clients that never finish their handshake hold nobody."""
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "one", ["a.example"])
        with server(folder, [files("one")]) as skep:
            hello = hello_bytes()
            idle = [socket.create_connection(("127.0.0.1", skep.port), 30) for _ in range(300)]
            for index, client in enumerate(idle):
                client.sendall(hello[:index])
            check("300 handshakes that stand still: others are served", curl(skep, folder, "a.example")[0] == 0)
            idle[0].settimeout(60)
            check("one that says nothing is closed in the end", idle[0].recv(100) == b"")
            for client in idle:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            check("and then too", curl(skep, folder, "a.example")[0] == 0)


def as_many_listeners_as_there_may_be():
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "one", ["a.example"])
        for count in (15, 16):
            listen = "".join(f'[[listen]]\naddress = "127.0.0.1:{free_port()}"\ntls = true\n' for _ in range(count - 1))
            with server(folder, [files("one")], listen=listen) as skep:
                if count == 15:
                    check("15 listeners", curl(skep, folder, "a.example")[0] == 0, skep.log_text())
                else:
                    check("16 are refused, with a word", skep.process.wait(60) != 0 and
                          "16 [[listen]] tables: there can be 15" in skep.log_text(), skep.log_text())


def served(skep):
    """The certificate that a new connection gets, DER."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", skep.port), 30) as plain:
        with context.wrap_socket(plain, server_hostname="a.example") as client:
            return client.getpeercert(binary_form=True)


def der(folder, name):
    with open(f"{folder}/{name}.pem", encoding="utf-8") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def wait_until(condition):
    end = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


class Load(threading.Thread):
    """Keep-alive requests over one connection until told to stop; and new connections beside it."""

    def __init__(self, skep, folder, fresh):
        super().__init__()
        self.skep, self.fresh, self.ending = skep, fresh, False
        self.context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
        self.answers, self.errors = 0, []

    def open(self):
        plain = socket.create_connection(("127.0.0.1", self.skep.port), 30)
        return self.context.wrap_socket(plain, server_hostname="a.example")

    def run(self):
        try:
            client = self.open()
            while not self.ending:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
                answer = client.recv(65536)
                if not answer.startswith(b"HTTP/1.1 200"):
                    self.errors.append(answer)
                    return
                self.answers += 1
                if self.fresh:
                    client.close()
                    client = self.open()
        except OSError as error:
            self.errors.append(error)


def reload():
    with Folder() as folder:
        authority(folder, "ca")
        for name in ("one", "two", "three"):
            certificate(folder, name, ["a.example"])
        for end in ("pem", "key"):
            os.link(f"{folder}/one.{end}", f"{folder}/live.{end}")

        def install(name):
            for end in ("key", "pem"):
                with open(f"{folder}/{name}.{end}", encoding="utf-8") as file:
                    write(folder, f"next.{end}", file.read())
                os.chmod(f"{folder}/next.{end}", 0o644)
            for end in ("key", "pem"):
                os.rename(f"{folder}/next.{end}", f"{folder}/live.{end}")

        with server(folder, [files("live")], shards=2) as skep:
            loads = [Load(skep, folder, fresh) for fresh in (False, True)]
            for load in loads:
                load.start()
            check("the first certificate", served(skep) == der(folder, "one"))
            install("two")
            check("changed files are taken", wait_until(lambda: all(
                served(skep) == der(folder, "two") for _ in range(8))), skep.log_text())
            write(folder, "live.key", "nonsense")
            check("a bad file is told of", skep.wait_for_log("stay as they were.*live.key"), skep.log_text())
            check("and what was stays", served(skep) == der(folder, "two"))
            install("one")
            with open(f"{folder}/three.pem", encoding="utf-8") as file:
                write(folder, "live.pem", file.read())
            os.kill(skep.process.pid, signal.SIGHUP)
            check("a key of another certificate is told of", skep.wait_for_log("the key is not that of"),
                  skep.log_text())
            install("three")
            os.kill(skep.process.pid, signal.SIGHUP)
            check("SIGHUP", wait_until(lambda: all(served(skep) == der(folder, "three") for _ in range(8))),
                  skep.log_text())
            for load in loads:
                before = load.answers
                wait_until(lambda load=load, before=before: load.answers > before + 3 or load.errors)
                load.ending = True
                load.join()
                check(f"under load no connection broke ({'new ones' if load.fresh else 'one'})",
                      not load.errors and load.answers > 10, (load.errors, load.answers))
            check("all in order", skep.stop() == 0, skep.log_text())


def bad_configuration():
    with Folder() as folder:
        authority(folder, "ca")
        certificate(folder, "one", ["a.example"])
        certificate(folder, "two", ["b.example"])
        openssl(folder, "ec", "-in", "one.key", "-aes128", "-passout", "pass:x", "-out", "locked.key")
        openssl(folder, "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "weak.key", "-out", "weak.pem",
                "-subj", "/CN=weak", "-addext", "subjectAltName=DNS:weak.example")
        write(folder, "empty.pem", "")
        write(folder, "cut.pem", open(f"{folder}/one.pem", encoding="utf-8").read()[:300])
        for name, table, expected in (
                ("no such file", files("none"), r"line \d+.*none.pem.*No such file"),
                ("a key of another certificate", 'cert = "one.pem"\nkey = "two.key"', "two.key: the key is not that of"),
                ("an encrypted key", 'cert = "one.pem"\nkey = "locked.key"', "locked.key: the key is encrypted"),
                ("no key in it", 'cert = "one.pem"\nkey = "one.pem"', "there is no private key"),
                ("no certificate in it", 'cert = "empty.pem"\nkey = "one.key"', "empty.pem: there is no certificate"),
                ("half a certificate", 'cert = "cut.pem"\nkey = "one.key"', "cut.pem: "),
                ("a weak key", files("weak"), "weak.key: an RSA key needs 2048 bits"),
                ("no key named", 'cert = "one.pem"', r"skep.toml:\d+.*key"),
                ("what client_auth may be", files("one", 'client_auth = "maybe"'), r"skep.toml:\d+.*optional.*require"),
                ("client_auth without client_ca", files("one", 'client_auth = "require"'), "needs a \"client_ca\"")):
            with server(folder, [table]) as skep:
                check(f"{name}: not served", skep.process.wait(60) != 0)
                check(f"{name}: the message", re.search(expected, skep.log_text()), skep.log_text())
        with server(folder, []) as skep:
            skep.process.wait(60)
            check("tls without a certificate", re.search(r"skep.toml:\d+.*needs a certificate", skep.log_text()),
                  skep.log_text())
        openssl(folder, "x509", "-req", "-in", "one.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "1",
                "-out", "short.pem", "-extfile", "one.ext")
        with server(folder, ['cert = "short.pem"\nkey = "one.key"']) as skep:
            check("one that ends soon: a warning", "short.pem: the certificate expires" in skep.log_text(),
                  skep.log_text())
            check("and served", curl(skep, folder, "a.example")[0] == 0)


def development():
    with Folder() as folder:
        write(folder, "worker.js", WORKER)
        seen = []
        for _ in range(2):
            with dev(f"{folder}/worker.js", "--https") as skep:
                check("skep dev --https says where", "https://" in skep.log_text(), skep.log_text())
                made = glob.glob(f"{folder}/.skep/**/*.pem", recursive=True)
                check("the certificate lies in .skep", len(made) == 1, made)
                status, output = tool("curl", "-sS", "--cacert", made[0], f"https://localhost:{skep.port}/")
                check("localhost", status == 0 and '"https://localhost' in output, output + skep.log_text())
                check("127.0.0.1", tool("curl", "-sS", "--cacert", made[0], f"https://127.0.0.1:{skep.port}/")[0] == 0)
                with open(made[0], encoding="utf-8") as file:
                    seen.append(file.read())
                key = made[0].removesuffix("pem") + "key"
                check("its key is for its owner alone", os.stat(key).st_mode & 0o077 == 0)
        check("it is kept", seen[0] == seen[1])


names_and_versions()
http2()
client_certificates()
tickets()
keys_stay()
bad_input()
slow_and_many()
as_many_listeners_as_there_may_be()
reload()
bad_configuration()
development()
finish()
