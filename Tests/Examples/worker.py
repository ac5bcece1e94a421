#!/usr/bin/env python3
"""A tasq worker in Python, with nothing but the standard library.

    TASQ_URL=http://127.0.0.1:8081 TASQ_ADMIN_TOKEN=... python3 worker.py [QUEUE ...]

Asks for jobs at POST /v1/claims, runs each with `handle` in a thread of its own, renews its claim
three times a lease while it runs, and says how it ended. SIGTERM lets running jobs end.

What a worker must do, in any language:
  - use a fresh worker_id at every start;
  - renew every claim by its own token well within the lease;
  - fetch a body that a claim only names, at its `payload_url`, while it holds the claim;
  - on 409 `claim-lost` stop working on that job at once: it may be running elsewhere;
  - repeat a success, fail or snooze whose answer got lost: it is recognised.
"""

import base64
import http.client
import json
import os
import random
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

URL = os.environ.get("TASQ_URL", "http://127.0.0.1:8081")
TOKEN = os.environ.get("TASQ_ADMIN_TOKEN", "")
CONCURRENCY = 8
WORKER_ID = str(uuid.uuid4())
stopping = threading.Event()


class ClaimLost(Exception):
    """The claim was taken away; whatever this run did is not recorded."""


class Retry(Exception):
    """Raised by a handler: try again later. Any other error says the same."""


class Fail(Exception):
    """Raised by a handler: no further attempt makes sense."""


def post(path, body, timeout=60):
    """Posts until there is an answer that counts."""
    return json.loads(ask(path, json.dumps(body).encode(), timeout)[0])


def ask(path, body=None, timeout=60):
    """Asks until there is an answer that counts; every call here may be repeated."""
    pause = 0.1
    while True:
        request = urllib.request.Request(
            URL + path, body, {"Content-Type": "application/json"} if body else {})
        if TOKEN:
            request.add_header("Authorization", "Bearer " + TOKEN)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.read(), answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            if error.code == 409:
                raise ClaimLost() from None
            if error.code != 503:
                raise
        except (OSError, http.client.HTTPException):
            pass  # the server restarts, or the network is cut
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(pause * 2, 5)


def seconds(text):
    """Reads 250ms, 15s, 5m, 6h or 7d."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    digits = text.rstrip("msdh")
    return int(digits) * units[text[len(digits):]]


def payload(job):
    """The body: parsed if it is JSON, bytes otherwise."""
    if "payload_url" in job:
        body, kind = ask(job["payload_url"])
        try:
            return json.loads(body) if kind == "application/json" else body
        except ValueError:
            return body
    return job["payload"] if "payload" in job else base64.b64decode(job["payload_base64"])


def renew(job, lease, done, lost):
    while not done.wait(lease / 3):
        try:
            post(f"/v1/claims/{job['token']}/heartbeat", {}, timeout=lease)
        except ClaimLost:
            lost.set()
            return


def run(job, lease, handle):
    """One attempt, from the claim to its outcome."""
    done, lost = threading.Event(), threading.Event()
    renewing = threading.Thread(target=renew, args=(job, lease, done, lost), daemon=True)
    renewing.start()
    try:
        handle(job, lost)
        outcome, body = "success", {}
    except Fail as error:
        outcome, body = "fail", {"error": str(error), "retry": False}
    except Exception as error:  # whatever a handler does, the attempt has an outcome
        outcome, body = "fail", {"error": f"{type(error).__name__}: {error}"}
    finally:
        done.set()
    try:
        post(f"/v1/claims/{job['token']}/{outcome}", body)
    except ClaimLost:
        print(f"{job['id']}: the claim was lost", file=sys.stderr)


def work(queues, handle, lease="15s"):
    """Claims and runs jobs until SIGTERM."""
    free = threading.Semaphore(CONCURRENCY)
    running = set()

    def start(job, lease_seconds):
        def body():
            try:
                run(job, lease_seconds, handle)
            finally:
                running.discard(threading.current_thread())
                free.release()

        thread = threading.Thread(target=body)
        running.add(thread)
        thread.start()

    while not stopping.is_set():
        free.acquire()
        slots = 1
        while slots < CONCURRENCY and free.acquire(blocking=False):
            slots += 1
        claimed = post("/v1/claims", {
            "worker_id": WORKER_ID, "queues": queues, "limit": slots, "wait": "20s",
            "lease": lease, "host": os.uname().nodename})
        for job in claimed["claims"]:
            start(job, seconds(claimed["lease"]))
        for _ in range(slots - len(claimed["claims"])):
            free.release()
    for thread in list(running):
        thread.join()


def example(job, lost):
    """What this example does with a job: writes down when it began and when it ended."""
    log = os.open(os.environ["EXAMPLE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        begin = time.monotonic_ns()
        os.write(log, f"begin {job['id']} {job['claim']} {begin}\n".encode())
        time.sleep(float(payload(job).get("seconds", 0)))
        if not lost.is_set():
            os.write(log, f"end {job['id']} {job['claim']} {time.monotonic_ns()}\n".encode())
    finally:
        os.close(log)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    work(sys.argv[1:] or ["default"], example, os.environ.get("EXAMPLE_LEASE", "15s"))
