#!/usr/bin/env python3
"""Three gateways that share limits on one redis-server, as processes.

bound    One user hammers all three; what all together let through against the bound of docs/shared-limits.md.
outage   redis-server is killed under load and started again, for Local, Open and Closed: how long decisions take, what is let through, when
         limits are shared again.

Needs Linux, redis-server and:

    dotnet build -c Release PyProxy.Gateway && python3 bench/replicas.py bound && python3 bench/replicas.py outage
"""
import argparse
import asyncio
import collections
import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from harness import Gateway, answer, percentile, require_binary, small_answers

GATEWAYS = 3
CONNECTIONS = 4     # to each gateway
PATIENCE_SECONDS = 30


class Redis:
    def __init__(self, directory):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.directory = directory

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL, cwd=self.directory)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", self.port)) as connection:
                connection.sendall(b"PING\r\n")
                if connection.recv(16).startswith(b"+PONG"):
                    return time.monotonic()
            time.sleep(0.005)
        raise RuntimeError("redis-server does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()
        return time.monotonic()


@contextlib.contextmanager
def fleet(plan, mode="Local"):
    with tempfile.TemporaryDirectory(prefix="pyproxy-replicas-") as directory, contextlib.ExitStack() as running:
        redis = Redis(directory)
        redis.start()
        running.callback(lambda: redis.kill())
        gateways = [
            running.enter_context(Gateway(
                pathlib.Path(directory) / f"gateway{i}",
                {"Open": {"Role": "Forward", "AllowAnonymous": True, "Plan": "bench"}, "Admin": {"Role": "Admin"}},
                {"SharedState": {"Redis": f"127.0.0.1:{redis.port}"}, "Plans": {"bench": plan}, "Limits": {"RedisAway": mode}}))
            for i in range(GATEWAYS)]
        time.sleep(2)  # each has said that it is there, and heard of the others
        yield redis, gateways


async def hammer(gateways, target, enough):
    """Asks all gateways on several connections, as fast as they answer, until it is enough; says when which answer came and how long it took."""
    answers = []

    async def one(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not enough(answers):
            started = time.monotonic()
            writer.write(f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
            status, _ = await answer(reader)
            answers.append((time.monotonic(), time.monotonic() - started, status))
        writer.close()

    await asyncio.gather(*(one(gateway.ports["Open"]) for gateway in gateways for _ in range(CONNECTIONS)))
    return answers


def count(answers):
    return dict(collections.Counter(status for _, _, status in answers))


async def bound(options):
    rate, burst = options.rate, options.burst
    ahead = burst // 100
    async with small_answers() as port:
        with fleet({"Rates": [f"{rate}/s burst {burst}"]}) as (_, gateways):
            target = f"127.0.0.1:{port}"
            warm_up_until = time.monotonic() + 2
            await hammer(gateways, target, lambda _: time.monotonic() > warm_up_until)
            time.sleep(burst / rate + 1)  # all permits are back
            started = time.monotonic()
            answers = await hammer(gateways, target, lambda _: time.monotonic() > started + options.seconds)
    took = answers[-1][0] - started
    allowed = [at for at, _, status in answers if status == 200]
    limit = burst + rate * took
    print(f"{GATEWAYS} gateways, {GATEWAYS * CONNECTIONS} connections, {rate}/s burst {burst}, {took:.2f} s: {len(answers)} asked, {count(answers)}")
    print(f"let through {len(allowed)}; burst + rate × time = {limit:.0f}; beyond it {len(allowed) - limit:+.0f}; bound +{GATEWAYS * ahead}; "
          f"never less than {limit - GATEWAYS * ahead - rate * 0.05:.0f} expected")


def ready(gateway):
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.ports['Admin']}/health/ready") as response:
        return json.load(response)["status"]


def wait_for(gateways, status):
    until = time.monotonic() + PATIENCE_SECONDS
    while any(ready(gateway) != status for gateway in gateways):
        if time.monotonic() > until:
            raise RuntimeError(f"not {status}")
        time.sleep(0.01)
    return time.monotonic()


async def outage(options):
    print("| while away | asked | let through | p50 | p99 | slowest | seen in health after | shared again after |")
    print("|---|---|---|---|---|---|---|---|")
    async with small_answers() as port:
        target = f"127.0.0.1:{port}"
        for mode in ("Local", "Open", "Closed"):
            with fleet({"Rates": ["300/h"]}, mode) as (redis, gateways):
                await hammer(gateways, target, lambda answers: len(answers) >= 60)
                killed = redis.kill()
                answers = await hammer(gateways, target, lambda answers: len(answers) >= options.requests)
                seen = wait_for(gateways, "degraded")
                started = redis.start()
                shared = wait_for(gateways, "ready")
                again = await hammer(gateways, target, lambda answers: len(answers) >= 900)
            took = [seconds * 1000 for _, seconds, _ in answers]
            print(f"| {mode} | {len(answers)} | {count(answers).get(200, 0)} | {percentile(took, .5):.1f} ms | {percentile(took, .99):.1f} ms | "
                  f"{max(took):.1f} ms | {seen - killed:.2f} s | {shared - started:.2f} s |")
            print(f"  after its return: {count(again).get(200, 0)} of {len(again)} let through, limit 300", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["bound", "outage"])
    parser.add_argument("--rate", type=int, default=100)
    parser.add_argument("--burst", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--requests", type=int, default=1500, help="asked while Redis is away")
    options = parser.parse_args()
    require_binary()
    if not shutil.which("redis-server"):
        sys.exit("redis-server is not here; install Debian's package redis-server")
    asyncio.run({"bound": bound, "outage": outage}[options.what](options))


if __name__ == "__main__":
    main()
