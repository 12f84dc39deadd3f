#!/usr/bin/env python3
"""Mixed traffic for a long time: reverse, forward, tunnels, WebSocket, refusals. Memory and descriptors have to be flat at the end. Linux.

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/soak.py --minutes 30
"""
import argparse
import asyncio
import statistics
import time

from gateway import Gateway, Load, OriginServer, tally
from traffic import Tunnels, WebSockets, echo_websocket

def sections(origin, websocket):
    clusters = {"c": {"Destinations": {"o": {"Address": f"http://127.0.0.1:{origin}"}}, "Metadata": {"Resilience": "p"}},
                "ws": {"Destinations": {"o": {"Address": f"http://127.0.0.1:{websocket}"}}}}
    routes = {"all": {"ClusterId": "c", "Match": {"Path": "{**rest}"}}, "ws": {"ClusterId": "ws", "Match": {"Path": "/ws"}}}
    return {"ReverseProxy": {"Routes": routes, "Clusters": clusters},
            "Gateway": {"Resilience": {"Pipelines": {"p": {"Retry": {"MaxRetries": 1}, "CircuitBreaker": {"FailureRate": 0.5}}}},
                        "Filtering": {"Rules": [{"Name": "no", "Match": {"Hosts": ["denied.test"]}, "Action": "Deny"}]}}}


async def run(options):
    origin = await OriginServer().start()
    server = await asyncio.start_server(echo_websocket, "127.0.0.1", 0)
    with Gateway(sections(origin.port, server.sockets[0].getsockname()[1])) as gateway:
        web, proxy = gateway.ports["Web"], gateway.ports["Proxy"]
        # The client forgets what it was answered once it is counted: only the gateway's memory is in question.
        loads = {
            "reverse": Load(web, "/", 20, 0.05 / options.pace),
            "forward": Load(proxy, f"http://127.0.0.1:{origin.port}/", 20, 0.05 / options.pace),
            "refusals": Load(proxy, "http://denied.test/", 10, 0.1 / options.pace),
            "no destination": Load(proxy, "http://127.0.0.1:1/", 5, 0.2 / options.pace),
        }
        for load in loads.values():
            load.start()
        tunnels, sockets = Tunnels(proxy, origin.port, 20, 2).start(), WebSockets(web, 20).start()
        total = {name: {} for name in loads}
        samples, end = [], time.monotonic() + 60 * options.minutes
        print("| Minute | Memory, MB | Descriptors | Requests |\n|---|---|---|---|")
        step = max(5.0, 60 * options.minutes / 12)
        started = time.monotonic()
        while time.monotonic() < end:
            marks = []
            until = min(end, time.monotonic() + step)
            while time.monotonic() < until:
                await asyncio.sleep(min(1, max(0, until - time.monotonic())))
                marks.append((gateway.megabytes(), gateway.descriptors()))
            for name, load in loads.items():
                for answer, count in tally(load.answers).items():
                    total[name][answer] = total[name].get(answer, 0) + count
                load.answers.clear()
            samples.append((statistics.median(m for m, _ in marks), statistics.median(d for _, d in marks)))
            print(f"| {(time.monotonic() - started) / 60:.1f} | {samples[-1][0]:.0f} | {samples[-1][1]:.0f} | {sum(sum(t.values()) for t in total.values())} |", flush=True)
        for load in loads.values():
            await load.stop()
        await tunnels.stop()
        await sockets.stop()
        await asyncio.sleep(2)
        print(f"\nanswers: {total}\ntunnels: {tunnels.finished} finished, {tunnels.ended} cut, {tunnels.refused} failed; "
              f"WebSocket messages: {sockets.messages}, failures: {sockets.failed}")
        half = samples[len(samples) // 2:]
        print(f"second half: memory {half[0][0]:.0f} → {half[-1][0]:.0f} MB, descriptors {half[0][1]:.0f} → {half[-1][1]:.0f}; "
              f"after the traffic {gateway.megabytes():.0f} MB, {gateway.descriptors()} descriptors, {gateway.metric('pyproxy_limiter_admitted'):.0f} places held")
    server.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--pace", type=float, default=1, help="1 = about a thousand exchanges a second; 0.1 = a tenth of it, beside other work")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
