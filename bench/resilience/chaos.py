#!/usr/bin/env python3
"""The table of faults: what clients are answered, how long it takes to recover, and whether everything returns to the level before. Linux.

Under steady load of many clients each fault is put between gateway and origin for some seconds and taken away again. "Alone" is a cluster whose only
destination has the fault, without a pipeline; "pipeline" a cluster with a healthy destination besides, retries and a circuit breaker; "users" the same
cluster, each client a user of the database with a password and a plan. Faults of the name server are met by clients who open tunnels to names.

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/chaos.py [--seconds 5] [--clients 50]
"""
import argparse
import asyncio
import time

from faults import FAULTS, Relay
from gateway import Gateway, Load, OriginServer, tally
from names import FAULTS as NAME_FAULTS, Dials, NameServer
from stores import Postgres, Redis

PIPELINE = {"TryTimeout": "00:00:01", "Retry": {"MaxRetries": 2, "BudgetShare": 1, "BudgetMinimum": 1000},
            "CircuitBreaker": {"FailureRate": 0.5, "BreakDuration": "00:00:01", "Window": "00:00:02"}}


def configuration(relay, healthy, more):
    address = lambda port: {"Address": f"http://127.0.0.1:{port}"}
    slow = {"ActivityTimeout": "00:00:01"}
    return {
        "ReverseProxy": {
            "Routes": {name: {"ClusterId": name, "Match": {"Path": f"/{name}/{{**rest}}"}} for name in ("alone", "pipeline")}
                      | {"users": {"ClusterId": "pipeline", "Match": {"Path": "/users/{**rest}"}, "AuthorizationPolicy": "default", "RateLimiterPolicy": "open"}},
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


def start_loads(options, gateway):
    return {path: Load(gateway.ports["Web"], f"/{path}/", clients=options.clients // 3, head=head).start()
            for path, head in (("alone", ""), ("pipeline", ""), ("users", lambda i: gateway.users[i % len(gateway.users)]))}


async def one_fault(options, name, gateway, make_bad, make_good, start=start_loads):
    loads = start(options, gateway)
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
    print(f"| {name} | {' | '.join(told.values())} | {' / '.join(took.values())} | {descriptors} → {after} "
          f"| {memory:.0f} → {megabytes:.0f} MB | {places:.0f} / {permits:.0f} |", flush=True)


async def run(options):
    origin, healthy = await OriginServer().start(), await OriginServer().start()
    relay = await Relay(origin.port).start()
    redis, postgres = Redis(), Postgres()
    names = await NameServer().start()
    more = {"Egress": {"AllowedAddresses": ["127.0.0.0/8"], "ConnectPorts": ["*"],
                       # Connections that a fault made necessary are kept for a while, and would look like a leak.
                       "PooledConnectionIdleTimeout": "00:00:02",
                       "DefaultProfile": "named", "Profiles": {"named": {"Dns": {
                           "Servers": [f"127.0.0.1:{names.port}"], "MinimumTtl": "00:00:00", "NegativeTtl": "00:00:00", "ServerTimeout": "00:00:02"}}}},
            "Plans": {"open": {"Rates": ["100000/s"], "Concurrency": 10000}},
            "SharedState": {"Redis": redis.start(), "Database": postgres.start()}, "Users": {"Stores": ["Configuration", "Database"]}, "Usage": {}}
    sections = configuration(relay.port, healthy.port, more)
    sections["ReverseProxy"]["Routes"]["pipeline"]["RateLimiterPolicy"] = "open"
    gateway = Gateway(sections)
    gateway.users = gateway.add_users([f"user{i}" for i in range(options.clients // 3)])
    with gateway:
        warm = start_loads(options, gateway).values()
        await asyncio.sleep(4)
        await asyncio.gather(*(load.stop() for load in warm))
        print("| Fault | Clients are answered, alone | with a pipeline | users | To recover, alone / pipeline / users | Descriptors | Memory | Places / permits held after |\n"
              "|---|---|---|---|---|---|---|---|", flush=True)
        for fault in ["none", *(options.faults or FAULTS)]:
            async def bad():
                if fault == "flapping":
                    await flap(relay, options.seconds)
                else:
                    await relay.become(None if fault == "none" else fault)
                    await asyncio.sleep(options.seconds)
            await one_fault(options, fault, gateway, bad, lambda: relay.become(None))
        for name, store in (("Redis killed and restarted", redis), ("PostgreSQL killed and restarted", postgres)):
            async def bad():
                store.kill()
                await asyncio.sleep(options.seconds)
            async def good():
                store.restart()
            await one_fault(options, name, gateway, bad, good)
        print("\n| Fault of the name server | Clients are answered | To recover | Descriptors | Memory | Places / permits held after |\n|---|---|---|---|---|---|", flush=True)
        for fault in NAME_FAULTS:
            async def bad():
                names.fault = fault
                await asyncio.sleep(options.seconds)
            async def good():
                names.fault = None
            await one_fault(options, fault, gateway, bad, good, lambda _, gateway: {"names": Dials(gateway.ports["Proxy"], origin.port, 20).start()})
        await asyncio.sleep(3)
        print(f"\nreadiness at the end: {gateway.readiness()}")
    redis.close()
    postgres.close()
    names.stop()
    await relay.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5, help="how long each fault lasts, and is then watched")
    parser.add_argument("--clients", type=int, default=75)
    parser.add_argument("--faults", nargs="*", choices=FAULTS, help="of the relay; default: all")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
