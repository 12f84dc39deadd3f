"""Clients that hold connections: tunnels through the forward proxy, and WebSockets through the reverse proxy. Shared by the commands beside it."""
import asyncio
import base64
import hashlib
import random
import re
import time

from clients import Clients

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Tunnels(Clients):
    """CONNECT through the balancer, then requests inside for a random time around `length`; a tunnel that ends is opened anew."""

    def __init__(self, port, target, count, length):
        self.port, self.target, self.count, self.length = port, target, count, length
        self.finished, self.ended, self.refused = 0, 0, 0
        self.refusals = []  # (time, what was said or happened)

    async def _client(self, _):
        while not self._stop:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(f"CONNECT 127.0.0.1:{self.target} HTTP/1.1\r\nHost: 127.0.0.1:{self.target}\r\n\r\n".encode())
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise ConnectionError(head.split(b"\r\n")[0].decode())
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as e:
                self.refused += 1
                self.refusals.append((time.monotonic(), str(e) or type(e).__name__))
                await asyncio.sleep(0.2)
                continue
            try:
                until = time.monotonic() + random.uniform(0, 2 * self.length)
                while time.monotonic() < until and not self._stop:
                    writer.write(b"GET / HTTP/1.1\r\nHost: o\r\n\r\n")
                    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
                    await reader.readexactly(1000)
                    await asyncio.sleep(0.1)
                self.finished += 1
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                self.ended += 1
            writer.close()


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


class WebSockets(Clients):
    def __init__(self, port, count):
        self.port, self.count, self.messages, self.failed = port, count, 0, 0

    async def _client(self, _):
        while not self._stop:
            writer = None
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
                await asyncio.sleep(0.2)
            finally:
                if writer:
                    writer.close()
