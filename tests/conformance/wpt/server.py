"""The web-platform-tests' own HTTP server (tools/wptserve, with the tests' .py handlers), on loopback,
and beside it a server that takes what the tests report."""

import http.server
import json
import logging
import os
import sys
import threading
import uuid


class Servers:
    """With: .origin of the tests' server, .report_url where results go, .take(id) of what came."""

    def __init__(self, root):
        self.root = root
        self.results = {}
        self.arrived = threading.Condition()

    def __enter__(self):
        for part in ("tools/wptserve", "tools/third_party/pywebsocket3", "tools/third_party/h2/src",
                     "tools/third_party/hpack/src", "tools/third_party/hyperframe/src"):
            sys.path.insert(0, os.path.join(self.root, part))
        from wptserve import config, handlers, request, server, stash  # pylint: disable=import-outside-toplevel
        logging.getLogger().addHandler(logging.NullHandler())
        logging.disable(logging.CRITICAL)
        self.stash = stash.StashServer(authkey=str(uuid.uuid4()))
        self.stash.__enter__()
        routes = [("*", "*.py", handlers.python_script_handler), ("GET", "*.asis", handlers.as_is_handler),
                  ("GET", "*", handlers.file_handler), ("HEAD", "*", handlers.file_handler)]
        self.http = [server.WebTestHttpd(host="127.0.0.1", port=0, doc_root=self.root, routes=routes,
                                         ws_doc_root=None, config=None) for _ in range(2)]
        ports = {"http": [one.port for one in self.http], "https": [1, 1], "ws": [self.http[0].port] * 2,
                 "wss": [1, 1], "h2": [1], "http-public": [1], "http-local": [1], "https-public": [1],
                 "https-local": [1], "http-private": [1], "https-private": [1]}
        hosts = {"": "localhost", "www": "127.0.0.1", "www1": "127.0.0.1", "www2": "127.0.0.1"}
        known = config.Config({
            "browser_host": "localhost", "server_host": "127.0.0.1", "doc_root": self.root, "ports": ports,
            "domains": {"": hosts, "alt": hosts}, "all_domains": {"": hosts, "alt": hosts},
            "not_domains": {"": {}, "alt": {}}, "logging": {"level": "CRITICAL", "suppress_handler_traceback": True},
            "paths": {"doc_root": self.root}})
        request.Server.config = known
        for one in self.http:
            one.start()
        self.origin = f"http://localhost:{self.http[0].port}"
        self.reports = self.report_server()
        self.report_url = f"http://127.0.0.1:{self.reports.server_address[1]}/"
        return self

    def __exit__(self, *_):
        self.reports.shutdown()
        for one in self.http:
            one.stop()
        self.stash.__exit__(None, None, None)

    def report_server(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["content-length"]))
                with outer.arrived:
                    outer.results[self.path[1:]] = json.loads(body)
                    outer.arrived.notify_all()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        reports = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        reports.daemon_threads = True
        threading.Thread(target=reports.serve_forever, daemon=True).start()
        return reports

    def take(self, run_id):
        with self.arrived:
            return self.results.pop(run_id, None)
