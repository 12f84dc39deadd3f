#!/usr/bin/env python3
"""What a greedy user costs everybody else at the gateway's own concurrency limit.

99 users with one connection each ask as fast as they are answered, first alone, then beside one user with 1,000 connections who does the same. The
origin takes its time, so that the gateway's places are what is short. Clients and origin are processes of their own. Needs Linux and:

    dotnet build -c Release PyProxy.Gateway && python3 bench/fairness.py
"""
import argparse
import asyncio
import collections
import multiprocessing
import tempfile
import time

from harness import Gateway, answer, basic, percentile, require_binary, small_answers

MODEST = 99
GREEDY = 1000
SETTLE_SECONDS = 3


def run_origin(port_box, seconds):
    async def run():
        async with small_answers(seconds) as port:
            port_box.send(port)
            await asyncio.Event().wait()

    asyncio.run(run())


async def ask_for(port, target, user, password, until, latencies, statuses):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: {basic(user, password)}\r\n\r\n".encode()
    while time.monotonic() < until:
        started = time.monotonic()
        writer.write(request)
        status, head = await answer(reader)
        latencies.append(time.monotonic() - started)
        statuses[status if status != 503 or "retry-after" in head else "503 without Retry-After"] += 1
    writer.close()


async def crowd(port, target, users, connections, seconds):
    latencies, statuses, until = [], collections.Counter(), time.monotonic() + seconds
    await asyncio.gather(*(ask_for(port, target, *user, until, latencies, statuses) for user in users for _ in range(connections)))
    return latencies, statuses


def run_greedy(port, target, user, seconds, results):
    results.send(asyncio.run(crowd(port, target, [user], GREEDY, seconds)))


def describe(name, latencies, statuses):
    print(f"{name}: {len(latencies)} answers {dict(statuses)}, p50 {percentile(latencies, .5) * 1000:.1f} ms, p99 {percentile(latencies, .99) * 1000:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--places", type=int, nargs="+", default=[64, 256], help="Gateway:Limits:Overload:MaxConcurrency, one measurement each")
    parser.add_argument("--origin-ms", type=float, default=50)
    options = parser.parse_args()
    require_binary()
    port_box, origin_end = multiprocessing.Pipe()
    multiprocessing.Process(target=run_origin, args=(origin_end, options.origin_ms / 1000), daemon=True).start()
    target = f"127.0.0.1:{port_box.recv()}"
    for places in options.places:
        with tempfile.TemporaryDirectory(prefix="pyproxy-fairness-") as directory:
            gateway = Gateway(directory, {"Proxy": {"Role": "Forward"}},
                              {"Users": {"Stores": ["Database"], "CredentialCacheDuration": "01:00:00"}, "Limits": {"Overload": {"MaxConcurrency": places}}})
            users = list(gateway.add_users([f"user{i}" for i in range(MODEST)] + ["greedy"]).items())
            modest, greedy = users[:MODEST], users[MODEST]
            with gateway:
                port = gateway.ports["Proxy"]
                asyncio.run(crowd(port, target, modest, 1, SETTLE_SECONDS))  # code, pools and verified passwords
                alone, alone_statuses = asyncio.run(crowd(port, target, modest, 1, options.seconds))
                results, greedy_end = multiprocessing.Pipe()
                greedy_process = multiprocessing.Process(
                    target=run_greedy, args=(port, target, greedy, options.seconds + 2 * SETTLE_SECONDS, greedy_end), daemon=True)
                greedy_process.start()
                asyncio.run(crowd(port, target, modest, 1, SETTLE_SECONDS))
                beside, beside_statuses = asyncio.run(crowd(port, target, modest, 1, options.seconds))
                greedy_latencies, greedy_statuses = results.recv()
                greedy_process.join()
        print(f"{places} places, origin {options.origin_ms:.0f} ms")
        describe(f"  {MODEST} users alone", alone, alone_statuses)
        describe(f"  {MODEST} users beside the greedy one", beside, beside_statuses)
        describe(f"  the greedy one, {GREEDY} connections", greedy_latencies, greedy_statuses)
        print(f"  p99 of the {MODEST}: {percentile(beside, .99) / percentile(alone, .99):.2f} times what it was\n")


if __name__ == "__main__":
    main()
