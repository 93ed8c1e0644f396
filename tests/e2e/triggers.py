#!/usr/bin/env python3
"""Cron triggers, rate limits across shards, secrets and the Secrets Store, as served."""

import collections
import json
import os
import stat
import subprocess
import threading

from support import ROOT, SKEP, Folder, check, dev, finish, run, serve, write

DATE = 'compatibility_date = "2026-08-04"\n'


def crons():
    with Folder() as folder:
        write(folder, "wrangler.toml", f'name = "c"\nmain = "c.js"\n{DATE}[triggers]\ncrons = ["*/5 * * * *"]\n')
        write(folder, "c.js", """
            let runs = [];
            export default {
              fetch() { return Response.json(runs); },
              async scheduled(controller, env, ctx) {
                if (controller.cron === "bad") throw new Error("broken on purpose");
                runs.push([controller.cron, controller.scheduledTime, String(controller)]);
                controller.noRetry();
                ctx.waitUntil(scheduler_wait().then(() => runs.push("waited")));
              },
            };
            const scheduler_wait = () => new Promise((done) => setTimeout(done, 20));""")
        with dev(folder) as skep:
            check("dev names the crons", skep.wait_for_log(r"cron \*/5 \* \* \* \*.*handler/scheduled"), skep.log_text())
            answer = skep.ask("/cdn-cgi/handler/scheduled?cron=*%2F5+*+*+*+*&time=1000")
            check("by hand", (answer[0], answer[2]) == (200, b"ok"), answer)
            runs = json.loads(skep.ask("/")[2])
            check("what the handler got", runs == [["*/5 * * * *", 1000, "[object ScheduledController]"], "waited"], runs)
            answer = skep.ask("/cdn-cgi/handler/scheduled?cron=bad")
            check("an exception", (answer[0], answer[2]) == (500, b"exception"), answer)
            check("is in the log", skep.wait_for_log("broken on purpose"), skep.log_text())
        write(folder, "c.js", "export default { fetch() { return new Response('x'); } }")
        with dev(folder) as skep:
            answer = skep.ask("/cdn-cgi/handler/scheduled")
            check("no handler", (answer[0], answer[2]) == (500, b"exception"), answer)
            check("says so", skep.wait_for_log(r"Handler does not export a scheduled\(\) function"), skep.log_text())
        write(folder, "c.js", "addEventListener('scheduled', (e) => e.waitUntil(Promise.resolve(console.log('sw', e.cron))));")
        with dev(folder) as skep:
            answer = skep.ask("/cdn-cgi/handler/scheduled?cron=x")
            check("a service worker", (answer[0], answer[2]) == (200, b"ok"), answer)
            check("its listener ran", skep.wait_for_log("sw x"), skep.log_text())
        write(folder, "wrangler.toml", f'name = "c"\nmain = "c.js"\n{DATE}[triggers]\ncrons = ["* * * *", "0 0 * * MON", "0 25 * * *"]\n')
        status, out = run("check", folder)
        check("check: a typo has its place", status == 1 and "wrangler.toml:5:18: error:" in out
              and "the hour is 0 to 23, not 25, at character 3" in out and ":39: error:" in out, out)


def served_cron():
    """Real time: waits for the next minute."""
    with Folder() as folder:
        write(folder, "wrangler.toml", f'name = "c"\nmain = "c.js"\n{DATE}[triggers]\ncrons = ["* * * * *"]\n')
        write(folder, "c.js", "export default { scheduled(c) { console.log('ran at', c.scheduledTime % 60000); } }")
        with serve(folder, [("c", folder, ["*/*"])], shards=2) as skep:
            check("the clock runs it", skep.wait_for_log(r'cron: c "\* \* \* \* \*": ok', 75), skep.log_text())
            check("at the beginning of a minute", "ran at 0" in skep.log_text(), skep.log_text())
            check("on one shard only", skep.log_text().count("ran at") == 1, skep.log_text())


def rate_limit():
    example = os.path.join(ROOT, "examples", "rate-limit")
    with Folder() as folder:
        with serve(folder, [("api", example, ["*/*"])], shards=2) as skep:
            # All within one period, or seen to be in two.
            statuses = collections.Counter()

            def ask():
                for _ in range(10):
                    statuses[skep.ask("/", headers={"X-Api-Key": "k"})[0]] += 1

            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            check("the limit holds over all shards", statuses[200] in (10, 20) and statuses[200] + statuses[429] == 80, statuses)
            check("another key", skep.ask("/", headers={"X-Api-Key": "other"})[0] == 200)
    with Folder() as folder:
        write(folder, "wrangler.toml", f'name = "r"\nmain = "r.js"\n{DATE}[[ratelimits]]\nname = "L"\nnamespace_id = "1"\nsimple = {{ limit = 1, period = 60 }}\n')
        write(folder, "r.js", """export default { async fetch(request, env) {
            const said = async (options) => { try { return await env.L.limit(options); } catch (e) { return `${e.name}: ${e.message}`; } };
            return Response.json([await said({ key: "a", x: 1 }), await said({ key: 5 }), await said({ key: "a" })]); } }""")
        with dev(folder) as skep:
            answer = json.loads(skep.ask("/")[2])
            check("its errors", answer == ["Error: bad rate limit options: [x]", "Error: invalid key: 5", {"success": True}], answer)
        write(folder, "wrangler.toml", f'name = "r"\nmain = "r.js"\n{DATE}[[ratelimits]]\nname = "L"\nnamespace_id = 1\nsimple = {{ limit = 1, period = 11 }}\n')
        status, out = run("check", folder)
        check("check: its configuration", status == 1 and "must be 10 or 60" in out and "must be a whole number as a string" in out, out)


def secrets():
    with Folder() as folder:
        write(folder, "wrangler.toml", f"""name = "s"\nmain = "s.js"\n{DATE}[secrets]\nrequired = ["TOKEN"]
[[secrets_store_secrets]]\nbinding = "STORED"\nstore_id = "main"\nsecret_name = "key"\n""")
        write(folder, "s.js", """export default { async fetch(request, env) {
            const stored = await env.STORED.get().catch((e) => "none: " + e.message);
            return Response.json({ token: env.TOKEN, stored }); } }""")
        secret = write(folder, "secrets.env", "TOKEN=hush-token\n")
        workers = [("s", folder, ["*/*"])]

        def served():
            # support.serve writes the last table; the secrets follow it.
            skep = serve(folder, workers)
            path = skep.arguments[2]
            with open(path, "a", encoding="utf-8") as file:
                file.write(f'secrets = "{secret}"\n')
            return skep

        os.chmod(secret, 0o644)
        with served() as skep:
            status, _, body = skep.ask("/")
            check("a file that others may read", status >= 500 and b"hush" not in body, (status, body))
            check("says why", skep.wait_for_log("chmod 600") and "hush" not in skep.log_text(), skep.log_text())
        os.chmod(secret, 0o600)
        if os.geteuid() == 0:
            import pwd
            try:
                owner = pwd.getpwnam("skep")
            except KeyError:
                owner = pwd.getpwnam("nobody")
            os.chown(secret, owner.pw_uid, owner.pw_gid)
        with served() as skep:
            answer = json.loads(skep.ask("/")[2])
            check("a secret is a string of env", answer["token"] == "hush-token", (answer, skep.log_text()))
            check("one that is not in the store", answer["stored"] == 'none: Secret "key" not found', answer)
            put = subprocess.run([SKEP, "secret", "put", "--data-dir", f"{folder}/data", "main", "key"],
                                 input=b"hush-stored\n", capture_output=True, check=False)
            check("skep secret put", put.returncode == 0 and put.stdout + put.stderr == b"", put)
            check("is there at once", json.loads(skep.ask("/")[2])["stored"] == "hush-stored", skep.log_text())
            status, out = run("secret", "list", "--data-dir", f"{folder}/data", "main")
            check("skep secret list", (status, out) == (0, "key\n"), out)
            mode = stat.S_IMODE(os.stat(f"{folder}/data/secrets/main/key").st_mode)
            check("its file is its owner's", mode == 0o600, oct(mode))
            status, out = run("secret", "delete", "--data-dir", f"{folder}/data", "main", "key")
            check("skep secret delete", status == 0 and json.loads(skep.ask("/")[2])["stored"].startswith("none"), out)
            status, out = run("secret", "delete", "--data-dir", f"{folder}/data", "main", "../x")
            check("a name is no path", status == 1 and "cannot be the name" in out, out)
            check("no secret in the log", "hush" not in skep.log_text(), skep.log_text())
        status, out = run("check", folder)
        check("skep check shows no secret", "hush" not in out, out)
        write(folder, "secrets.env", "OTHER=1\n")
        with served() as skep:
            skep.ask("/")
            check("a required one that is missing", skep.wait_for_log('the secret "TOKEN" is required and missing'), skep.log_text())


if __name__ == "__main__":
    crons()
    rate_limit()
    secrets()
    served_cron()
    finish()
