#!/usr/bin/env python3
"""How exactly bandwidth is kept: one user on each way, down and up, over HTTP/1.1 and HTTP/2, with 1, 10 and 100 connections, for ten seconds.

Every row is a user of their own under one and the same plan. What is counted are bytes that arrived: at the client on the way down, at the origin
on the way up. All rows run at once. Needs Linux and:

    dotnet build -c Release PyProxy.Gateway && python3 bench/bandwidth.py
"""
import argparse
import asyncio
import base64
import hashlib
import multiprocessing
import socket
import tempfile

from harness import Gateway, basic, require_binary
from http2 import Stream

WAYS = ["plain", "reverse", "upgrade", "tunnel"]
CASES = [(way, version, direction) for way in WAYS for version in ("h1", "h2") for direction in ("down", "up")]
CASES += [("socks", "h1", "down"), ("socks", "h1", "up")]
BLOCK = bytes(16 * 1024)
SETTLE_SECONDS = 3      # the burst after a pause, buffers that fill, connections that begin one after another
ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def user_of(case):
    return "-".join(case)


async def pour(writer):
    while True:
        writer.write(BLOCK)
        await writer.drain()


async def serve(reader, writer, counts):
    """The origin: /down/ROW gives without end, /up/ROW takes without end; after an upgrade too."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        _, direction, row = head.split(" ", 2)[1].rsplit("/", 2)
        if "upgrade: websocket" in head.lower():
            key = next(line.split(":", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_KEY).digest()).decode()
            writer.write(f"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        elif direction == "down":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        if direction == "down":
            await pour(writer)
        while data := await reader.read(64 * 1024):
            counts[int(row)] += len(data)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def run_origin(listener, counts):
    async def run():
        server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, counts), sock=listener)
        await server.serve_forever()

    asyncio.run(run())


class Client:
    """One connection of a row."""

    def __init__(self, ports, origin, case, row, password, counts):
        self.ports, self.origin, self.row, self.counts = ports, origin, row, counts
        self.way, self.version, self.direction = case
        self.user, self.password = user_of(case), password
        self.path = f"/{self.direction}/{row}"

    async def run(self):
        await (self.run_http2() if self.version == "h2" else self.run_http1())

    async def run_http1(self):
        port = self.ports[{"plain": "Proxy", "tunnel": "Proxy", "socks": "Socks"}.get(self.way, "Web")]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if self.way == "socks":
            await self.greet_socks(reader, writer)
        elif self.way == "tunnel":
            writer.write(f"CONNECT {self.origin} HTTP/1.1\r\nHost: {self.origin}\r\nProxy-Authorization: {self.credentials}\r\n\r\n".encode())
            await self.expect(reader, 200)
        writer.write(self.head().encode())
        if self.way == "upgrade":
            await self.expect(reader, 101)
        elif self.direction == "down":
            await self.expect(reader, 200)
        if self.direction == "up":
            await pour(writer)
        while data := await reader.read(64 * 1024):
            self.counts[self.row] += len(data)
        raise RuntimeError(f"{self.user}: it ended")

    def head(self):
        target = f"http://{self.origin}{self.path}" if self.way == "plain" else self.path
        lines = [f"{'GET' if self.direction == 'down' or self.way == 'upgrade' else 'POST'} {target} HTTP/1.1", f"Host: {self.origin}"]
        if self.way == "plain":
            lines.append(f"Proxy-Authorization: {self.credentials}")
        if self.way in ("reverse", "upgrade"):
            lines.append(f"Authorization: {self.credentials}")
        if self.way == "upgrade":
            lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        elif self.direction == "up":
            lines.append("Content-Length: 1000000000000")
        return "\r\n".join(lines) + "\r\n\r\n"

    @property
    def credentials(self):
        return basic(self.user, self.password)

    async def expect(self, reader, status):
        head = await reader.readuntil(b"\r\n\r\n")
        if int(head.split(b" ", 2)[1]) != status:
            raise RuntimeError(f"{self.user}: {head.decode()}")

    async def greet_socks(self, reader, writer):
        host, port = self.origin.split(":")
        writer.write(b"\5\1\2")
        await reader.readexactly(2)
        writer.write(b"\1" + bytes([len(self.user)]) + self.user.encode() + bytes([len(self.password)]) + self.password.encode())
        await reader.readexactly(2)
        writer.write(b"\5\1\0\1" + socket.inet_aton(host) + int(port).to_bytes(2, "big"))
        reply = await reader.readexactly(10)
        if reply[1]:
            raise RuntimeError(f"{self.user}: SOCKS reply {reply[1]}")

    async def run_http2(self):
        is_proxy = self.way in ("plain", "tunnel")
        method = "CONNECT" if self.way in ("tunnel", "upgrade") else "GET" if self.direction == "down" else "POST"
        fields = [(":method", method), (":authority", self.origin)]
        if self.way != "tunnel":
            fields += [(":scheme", "http"), (":path", self.path)]
        if self.way == "upgrade":
            fields += [(":protocol", "websocket"), ("sec-websocket-version", "13")]
        fields.append(("proxy-authorization" if is_proxy else "authorization", self.credentials))
        stream = await Stream.open(self.ports["Proxy2" if is_proxy else "Web2"], fields)
        answered = asyncio.Event()
        receiving = asyncio.create_task(self.receive(stream, answered))
        if self.way in ("tunnel", "upgrade"):
            await answered.wait()
        if self.way == "tunnel":
            stream.send(self.head().encode())
        if self.direction == "up":
            sending = asyncio.create_task(stream.upload())
            await asyncio.wait([receiving, sending], return_when=asyncio.FIRST_COMPLETED)
        await receiving

    async def receive(self, stream, answered):
        async for count in stream.data(answered):
            if self.direction == "down":
                self.counts[self.row] += count
        raise RuntimeError(f"{self.user}: it ended")


def run_clients(ports, origin, passwords, connections, counts):
    async def run():
        clients = [Client(ports, origin, case, row, passwords[user_of(case)], counts) for row, case in enumerate(CASES) for _ in range(connections)]
        await asyncio.gather(*(client.run() for client in clients))

    asyncio.run(run())


async def measure(ports, origin, passwords, connections, counts, seconds):
    clients = multiprocessing.Process(target=run_clients, args=(ports, origin, passwords, connections, counts), daemon=True)
    clients.start()
    await asyncio.sleep(SETTLE_SECONDS + connections / 50)
    loop = asyncio.get_running_loop()
    before, started = list(counts), loop.time()
    await asyncio.sleep(seconds)
    took = loop.time() - started
    after = list(counts)
    if not clients.is_alive():
        raise RuntimeError("the clients ended; what they met stands above")
    clients.terminate()
    clients.join()
    return [(after[row] - before[row]) / took for row in range(len(CASES))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=500, help="KB/s of each row (default 500)")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 10, 100])
    options = parser.parse_args()
    require_binary()
    counts = multiprocessing.Array("Q", len(CASES), lock=False)
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    origin = "127.0.0.1:%d" % listener.getsockname()[1]
    multiprocessing.Process(target=run_origin, args=(listener, counts), daemon=True).start()
    listener.close()
    with tempfile.TemporaryDirectory(prefix="pyproxy-bandwidth-") as directory:
        gateway = Gateway(
            directory,
            {"Proxy": {"Role": "Forward"}, "Proxy2": {"Role": "Forward", "Protocols": "Http2"}, "Socks": {"Role": "Socks"},
             "Web": {"Role": "Reverse"}, "Web2": {"Role": "Reverse", "Protocols": "Http2"}},
            {"Users": {"Stores": ["Database"]},
             "Plans": {"bench": {"Bandwidth": {"Down": f"{options.rate}KB/s", "Up": f"{options.rate}KB/s"}}}},
            {"Routes": {"all": {"ClusterId": "origin", "AuthorizationPolicy": "default", "Match": {"Path": "{**rest}"}}},
             "Clusters": {"origin": {"Destinations": {"one": {"Address": f"http://{origin}"}}}}})
        passwords = gateway.add_users([user_of(case) for case in CASES], plan="bench")
        with gateway:
            rates = [asyncio.run(measure(gateway.ports, origin, passwords, connections, counts, options.seconds)) for connections in options.connections]

    print(f"KB/s over {options.seconds:.0f} s, limit {options.rate}; in brackets what that is off by\n")
    print("| way | " + " | ".join(f"{connections} connection{'s' if connections > 1 else ''}" for connections in options.connections) + " |")
    print("|---|" + "---|" * len(options.connections))
    worst = 0
    for row, case in enumerate(CASES):
        cells = []
        for column in rates:
            off = column[row] / 1000 / options.rate - 1
            worst = max(worst, abs(off))
            cells.append(f"{column[row] / 1000:.0f} ({off:+.1%})")
        print(f"| {', '.join(case)} | " + " | ".join(cells) + " |")
    print(f"\nfurthest off: {worst:.1%}")


if __name__ == "__main__":
    main()
