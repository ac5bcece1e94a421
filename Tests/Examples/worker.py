#!/usr/bin/env python3
"""A tasq worker in Python, with nothing but the standard library.

    TASQ_URL=http://127.0.0.1:8081 TASQ_ADMIN_TOKEN=... python3 worker.py [QUEUE ...]

Asks for jobs at POST /v1/claims, runs each with the function for its kind in a thread of its own,
renews its claim three times a lease while it runs, and says how it ended. A function may put in
further jobs with `enqueue`.

SIGTERM: no further claims; what came and was not started is handed back, which costs no attempt;
what runs may end; then the worker ends with 0. That takes no longer than WAIT and the longest job,
while the server answers. A second one ends the worker at once.

What a worker must do, in any language:
  - use a fresh worker_id at every start;
  - renew every claim by its own token well within the lease;
  - fetch a body that a claim only names, at its `payload_url`, while it holds the claim;
  - on 409 `claim-lost` stop working on that job at once: it may be running elsewhere;
  - repeat a success, fail or snooze whose answer got lost: it is recognised;
  - repeat an enqueue whose answer got lost with the same Idempotency-Key;
  - read the answer to every request for claims, also when it is told to stop: jobs in an answer
    that nobody read wait for the end of their lease, and their worker counts as dead;
  - serve queues all of whose kinds it knows: it is given whatever waits there.
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
WAIT = int(os.environ.get("EXAMPLE_WAIT", "5"))  # seconds that a request for claims waits for some
WORKER_ID = str(uuid.uuid4())
stopping = threading.Event()
handlers = {}


class ClaimLost(Exception):
    """The claim was taken away; whatever this run did is not recorded."""


class Stopped(Exception):
    """The worker is to stop, and there was no answer yet."""


class Fail(Exception):
    """Raised by a handler: no further attempt makes sense. Any other error asks for one."""


class Snooze(Exception):
    """Raised by a handler: run again after these seconds, at no attempt's cost."""

    def __init__(self, seconds):
        super().__init__(seconds)
        self.seconds = seconds


def handles(kind):
    """Makes a function what the worker does with jobs of a kind: it gets the job, its payload, and
    an event that is set once the claim is lost."""
    def add(function):
        handlers[kind] = function
        return function
    return add


def enqueue(kind, payload, once=None, **options):
    """Puts a job in and returns its id; options are `queue`, `delay`, `unique_key` and so on.

    Calls with the same text for `once` put in one job: a handler that may run twice needs that."""
    job = {"kind": kind, "payload": payload, **options}
    return post("/v1/jobs", job, headers={"Idempotency-Key": once or str(uuid.uuid4())})["id"]


def post(path, body, timeout=60, headers=None, unless=None):
    """Posts until there is an answer that counts."""
    return json.loads(ask(path, json.dumps(body).encode(), timeout, headers, unless)[0])


def ask(path, body=None, timeout=60, headers=None, unless=None):
    """Asks until there is an answer that counts, or gives up between two tries once the event
    `unless` is set. Every call here may be repeated."""
    pause = 0.1
    while True:
        request = urllib.request.Request(
            URL + path, body, {"Content-Type": "application/json"} if body else {})
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        if TOKEN:
            request.add_header("Authorization", "Bearer " + TOKEN)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.read(), answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            if error.code == 409:
                raise ClaimLost() from None
            if error.code not in (429, 503):
                raise
        except (OSError, http.client.HTTPException):
            pass  # the server restarts, or the network is cut
        nap = pause * random.uniform(0.5, 1)
        if unless is None:
            time.sleep(nap)
        elif unless.wait(nap):
            raise Stopped()
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
            post(f"/v1/claims/{job['token']}/heartbeat", {}, timeout=lease, unless=done)
        except Stopped:
            return
        except ClaimLost:
            lost.set()
            return


def settle(job, outcome, body):
    try:
        post(f"/v1/claims/{job['token']}/{outcome}", body)
    except ClaimLost:
        print(f"{job['id']}: the claim was lost", file=sys.stderr)


def hand_back(job, delay="0s"):
    """Gives a job back that was not started."""
    settle(job, "snooze", {"delay": delay})


def run(job, lease):
    """One attempt, from the claim to its outcome."""
    done, lost = threading.Event(), threading.Event()
    threading.Thread(target=renew, args=(job, lease, done, lost), daemon=True).start()
    try:
        handlers[job["kind"]](job, payload(job), lost)
        outcome, body = "success", {}
    except Snooze as asked:
        outcome, body = "snooze", {"delay": asked.seconds}
    except Fail as error:
        outcome, body = "fail", {"error": str(error), "retry": False}
    except Exception as error:  # whatever a handler does, the attempt has an outcome
        outcome, body = "fail", {"error": f"{type(error).__name__}: {error}"}
    finally:
        done.set()
    settle(job, outcome, body)


def work(queues, lease="15s"):
    """Claims and runs jobs until SIGTERM."""
    free = threading.Semaphore(CONCURRENCY)
    running = set()

    def start(job, lease_seconds):
        def body():
            try:
                run(job, lease_seconds)
            finally:
                running.discard(threading.current_thread())
                free.release()

        thread = threading.Thread(target=body)
        running.add(thread)
        thread.start()

    def claim(slots):
        """Starts what it gets, and says how much that was."""
        claimed = post("/v1/claims", {
            "worker_id": WORKER_ID, "host": os.uname().nodename, "queues": queues,
            "limit": min(slots, 64), "concurrency": CONCURRENCY, "wait": WAIT, "lease": lease,
        }, unless=stopping)
        started = 0
        for job in claimed["claims"]:
            if stopping.is_set():
                hand_back(job)
            elif job["kind"] not in handlers:
                print(f"{job['id']}: no function for kind {job['kind']}", file=sys.stderr)
                hand_back(job, "30s")  # somebody else may know what to do with it
            else:
                start(job, seconds(claimed["lease"]))
                started += 1
        return started

    while not stopping.is_set():
        if not free.acquire(timeout=1):
            continue
        slots = 1
        while slots < CONCURRENCY and free.acquire(blocking=False):
            slots += 1
        try:
            started = claim(slots)
        except Stopped:
            break
        for _ in range(slots - started):
            free.release()
    for thread in list(running):
        thread.join()


# What this worker does. The example writes down when a job begins and when it ends.

@handles("nap")
def nap(job, payload, lost):
    log = os.open(os.environ["EXAMPLE_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        begin = time.monotonic_ns()
        os.write(log, f"begin {job['id']} {job['claim']} {begin}\n".encode())
        time.sleep(float(payload.get("seconds", 0)))
        if not lost.is_set():
            os.write(log, f"end {job['id']} {job['claim']} {time.monotonic_ns()}\n".encode())
    finally:
        os.close(log)


@handles("naps")
def naps(job, payload, lost):
    """Puts in so many naps, each once, however often it runs itself."""
    for number in range(int(payload["count"])):
        enqueue("nap", {"seconds": 0}, once=f"{job['id']}-{number}", queue=job["queue"])


def stop(*_):
    """The first time lets running jobs end, the second time nobody."""
    if stopping.is_set():
        os._exit(1)
    stopping.set()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    work(sys.argv[1:] or ["default"], os.environ.get("EXAMPLE_LEASE", "15s"))
