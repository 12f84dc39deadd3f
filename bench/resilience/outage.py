#!/usr/bin/env python3
"""Upstream requests per client request while every destination fails, with a retry budget and without one. Linux.

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/outage.py
"""
import argparse
import asyncio
import time

from gateway import Gateway, Load, OriginServer, tally

BUDGETS = {
    "no pipeline": None,
    "3 retries, no budget": {"MaxRetries": 3, "Delay": "00:00:00", "BudgetShare": 1, "BudgetMinimum": 10000},
    "3 retries, budget 20 % (default)": {"MaxRetries": 3, "Delay": "00:00:00"},
    "3 retries, budget 10 %, no minimum": {"MaxRetries": 3, "Delay": "00:00:00", "BudgetShare": 0.1, "BudgetMinimum": 0},
}


def configuration(ports, retry):
    cluster = {"Destinations": {str(i): {"Address": f"http://127.0.0.1:{port}"} for i, port in enumerate(ports)}}
    gateway = {}
    if retry:
        cluster["Metadata"] = {"Resilience": "p"}
        gateway["Resilience"] = {"Pipelines": {"p": {"Retry": retry}}}
    return {"ReverseProxy": {"Routes": {"all": {"ClusterId": "c", "Match": {"Path": "{**rest}"}}}, "Clusters": {"c": cluster}}, "Gateway": gateway}


async def measure(retry, seconds):
    origins = [await OriginServer(100).start() for _ in range(4)]
    with Gateway(configuration([origin.port for origin in origins], retry)) as gateway:
        load = Load(gateway.ports["Web"], "/", clients=40, rest=0.05).start()
        await asyncio.sleep(2)  # the budget knows the traffic
        for origin in origins:
            origin.status = 503
        before, started = sum(origin.requests for origin in origins), time.monotonic()
        await asyncio.sleep(seconds)
        answers = load.since(started)
        upstream = sum(origin.requests for origin in origins) - before
        await load.stop()
    for origin in origins:
        origin.stop()
    return len(answers), upstream, tally(answers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    print("| Retries | Client requests in the outage | Upstream requests | Upstream per client request |\n|---|---|---|---|")
    for name, retry in BUDGETS.items():
        requests, upstream, _ = asyncio.run(measure(retry, options.seconds))
        print(f"| {name} | {requests} | {upstream} | {upstream / requests:.2f} |", flush=True)


if __name__ == "__main__":
    main()
