"""The programs of other queues; compose/peers runs them: queues.py QUEUE ACTION [JOBS [CALLERS]].

fill makes the schema and enqueues JOBS; work and produce go on until stopped, and say "ready" once
all is imported, so that the start of Python counts for nobody. Each caller of produce enqueues JOBS
at a time and waits for them.
"""

import asyncio
import logging
import sys

import uvloop

URL = "postgresql:///peer"
PAYLOAD = "x" * 1000


class Pgqueuer:
    async def open(self):
        import asyncpg
        import pgqueuer
        pool = await asyncpg.create_pool(URL, min_size=4, max_size=4)
        self.worker = pgqueuer.PgQueuer.from_asyncpg_pool(pool)
        self.install = self.worker.queries.install

    async def enqueue(self, count):
        await self.worker.queries.enqueue(
            ["nothing"] * count, [PAYLOAD.encode()] * count, [0] * count)

    async def work(self):
        self.worker.entrypoint("nothing")(nothing)
        await self.worker.run(batch_size=500)


class Procrastinate:
    async def open(self):
        import procrastinate

        # Otherwise two lines for every job, and one because the app stands in the main module.
        logging.getLogger("procrastinate").setLevel(logging.ERROR)
        connector = procrastinate.PsycopgConnector(conninfo=URL, min_size=10, max_size=10)
        self.app = await procrastinate.App(connector=connector).open_async()
        self.install = self.app.schema_manager.apply_schema_async
        self.task = self.app.task(name="nothing")(nothing)

    async def enqueue(self, count):
        await self.task.batch_defer_async(*[{"payload": PAYLOAD}] * count)

    async def work(self):
        await self.app.run_worker_async(concurrency=20)


class Oban:
    async def open(self):
        import oban.schema
        pool = await oban.Oban.create_pool(URL, min_size=10, max_size=10)
        self.client = oban.Oban(pool=pool, queues={"default": 500})
        self.job = oban.job(queue="default")(nothing)
        self.install = lambda: oban.schema.install(pool)

    async def enqueue(self, count):
        await self.client.enqueue_many(self.job.new(PAYLOAD) for _ in range(count))

    async def work(self):
        async with self.client:
            await asyncio.Event().wait()


async def nothing(payload):
    pass


async def produce(queue, jobs):
    while True:
        await queue.enqueue(jobs)


async def main(name, action, jobs=0, callers=1):
    queue = {"pgqueuer": Pgqueuer, "procrastinate": Procrastinate, "oban": Oban}[name]()
    await queue.open()
    if action == "fill":
        await queue.install()
        for first in range(0, int(jobs), 1000):
            await queue.enqueue(min(1000, int(jobs) - first))
    else:
        print("ready", flush=True)
        if action == "work":
            await queue.work()
        else:
            await asyncio.gather(*[produce(queue, int(jobs)) for _ in range(int(callers))])


uvloop.run(main(*sys.argv[1:]))
