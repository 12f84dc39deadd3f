#!/usr/bin/env python3
"""The table of faults: what clients are answered, how long it takes to recover, and whether everything returns to the level before. Linux.

Under steady load of many clients each fault is put between gateway and origin for some seconds and taken away again. "Alone" is a cluster whose only
destination has the fault, without a pipeline; "pipeline" a cluster with a healthy destination besides, retries and a circuit breaker.

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/chaos.py [--seconds 5] [--clients 50]
"""
import argparse
import asyncio
import time

from faults import FAULTS, Relay
from gateway import Gateway, Load, OriginServer, tally
from stores import Postgres, Redis

PIPELINE = {"TryTimeout": "00:00:01", "Retry": {"MaxRetries": 2, "BudgetShare": 1, "BudgetMinimum": 1000},
            "CircuitBreaker": {"FailureRate": 0.5, "BreakDuration": "00:00:01", "Window": "00:00:02"}}


def configuration(relay, healthy, more):
    address = lambda port: {"Address": f"http://127.0.0.1:{port}"}
    slow = {"ActivityTimeout": "00:00:01"}
    return {
        "ReverseProxy": {
            "Routes": {name: {"ClusterId": name, "Match": {"Path": f"/{name}/{{**rest}}"}} for name in ("alone", "pipeline")},
            "Clusters": {
                "alone": {"HttpRequest": slow, "Destinations": {"bad": address(relay)}},
                "pipeline": {"HttpRequest": slow, "Metadata": {"Resilience": "p"}, "Destinations": {"bad": address(relay), "good": address(healthy)}}}},
        "Gateway": {"Resilience": {"Pipelines": {"p": PIPELINE}}} | more,
    }


def answers(counted):
    total = sum(counted.values()) or 1
    return ", ".join(f"{name} {count / total:.0%}" for name, count in counted.most_common(3))


def recovery(load, cleared):
    """Until the last answer that was not a good one."""
    bad = [moment for moment, answer, _ in load.since(cleared) if answer != 200]
    return f"{max(bad) - cleared:.1f} s" if bad else "at once"


async def flap(relay, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await relay.become("refused")
        await asyncio.sleep(0.3)
        await relay.become(None)
        await asyncio.sleep(0.3)


async def settle(gateway, level, patience=40):
    """Waits until descriptors are back; returns the levels then."""
    deadline = time.monotonic() + patience
    while gateway.descriptors() > level and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    return gateway.descriptors(), gateway.megabytes(), gateway.metric("pyproxy_limiter_admitted"), gateway.metric("pyproxy_limiter_permits")


async def one_fault(options, name, gateway, relay, make_bad, make_good):
    loads = {path: Load(gateway.ports["Web"], f"/{path}/", clients=options.clients // 2).start() for path in ("alone", "pipeline")}
    await asyncio.sleep(2)
    descriptors, memory = gateway.descriptors(), gateway.megabytes()
    began = time.monotonic()
    await make_bad()
    ended = time.monotonic()
    await make_good()
    await asyncio.sleep(options.seconds)
    told = {path: answers(tally([a for a in load.since(began + 0.05) if a[0] < ended])) for path, load in loads.items()}
    took = {path: recovery(load, ended) for path, load in loads.items()}
    after, megabytes, _, _ = await settle(gateway, descriptors + 2, 15)
    await asyncio.gather(*(load.stop() for load in loads.values()))
    await asyncio.sleep(0.3)
    places, permits = gateway.metric("pyproxy_limiter_admitted"), gateway.metric("pyproxy_limiter_permits")
    print(f"| {name} | {told['alone']} | {told['pipeline']} | {took['alone']} / {took['pipeline']} "
          f"| {descriptors} → {after} | {memory:.0f} → {megabytes:.0f} MB | {places:.0f} / {permits:.0f} |", flush=True)


async def run(options):
    origin, healthy = await OriginServer().start(), await OriginServer().start()
    relay = await Relay(origin.port).start()
    redis, postgres = Redis(), Postgres()
    more = {"Plans": {"open": {"Rates": ["100000/s"], "Concurrency": 10000}},
            "SharedState": {"Redis": redis.start(), "Database": postgres.start()}, "Users": {"Stores": ["Configuration", "Database"]}, "Usage": {}}
    sections = configuration(relay.port, healthy.port, more)
    sections["ReverseProxy"]["Routes"]["pipeline"]["RateLimiterPolicy"] = "open"
    print("| Fault | Clients are answered, alone | with a pipeline | To recover, alone / pipeline | Descriptors | Memory | Places / permits held after |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    with Gateway(sections) as gateway:
        warm = [Load(gateway.ports["Web"], f"/{path}/", clients=options.clients // 2).start() for path in ("alone", "pipeline")]
        await asyncio.sleep(4)
        await asyncio.gather(*(load.stop() for load in warm))
        for fault in ["none", *FAULTS]:
            async def bad():
                if fault == "flapping":
                    await flap(relay, options.seconds)
                else:
                    await relay.become(None if fault == "none" else fault)
                    await asyncio.sleep(options.seconds)
            await one_fault(options, fault, gateway, relay, bad, lambda: relay.become(None))
        for name, store in (("Redis killed and restarted", redis), ("PostgreSQL killed and restarted", postgres)):
            async def bad():
                store.kill()
                await asyncio.sleep(options.seconds)
            async def good():
                store.restart()
            await one_fault(options, name, gateway, relay, bad, good)
        await asyncio.sleep(3)
        print(f"\nreadiness at the end: {gateway.readiness()}")
    redis.close()
    postgres.close()
    await relay.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5, help="how long each fault lasts, and is then watched")
    parser.add_argument("--clients", type=int, default=50)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
