#!/usr/bin/env python3
"""Mixed traffic for a long time: reverse, forward, tunnels, WebSocket, refusals. Memory and descriptors have to be flat at the end. Linux.

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/soak.py --minutes 30
"""
import argparse
import asyncio
import base64
import hashlib
import re
import statistics
import time

from gateway import Gateway, Load, OriginServer, tally
from rolling_restart import Tunnels

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def echo_websocket(reader, writer):
    """The least that is a WebSocket server: accepts, and sends back what it gets."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        key = re.search(rb"sec-websocket-key: (\S+)", head, re.IGNORECASE)[1]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while data := await reader.read(4096):
            writer.write(data)
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()


class WebSockets:
    def __init__(self, port, count):
        self.port, self.count, self.messages, self.failed, self._stop = port, count, 0, 0, False

    def start(self):
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self.count)]
        return self

    async def stop(self):
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _client(self):
        while not self._stop:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(b"GET /ws HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                if not (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 101"):
                    raise ConnectionError
                for _ in range(50):
                    writer.write(b"\x82\x84\x00\x00\x00\x00ping")
                    await asyncio.wait_for(reader.readexactly(10), 10)
                    self.messages += 1
                    await asyncio.sleep(0.1)
                    if self._stop:
                        break
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                self.failed += 1
            finally:
                writer.close()


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
            "reverse": Load(web, "/", 20, 0.05),
            "forward": Load(proxy, f"http://127.0.0.1:{origin.port}/", 20, 0.05),
            "refusals": Load(proxy, "http://denied.test/", 10, 0.1),
            "no destination": Load(proxy, "http://127.0.0.1:1/", 5, 0.2),
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
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
