"""Just enough HTTP/2 (RFC 9113) for one stream per connection that moves bytes for a while. No client in reach tunnels over HTTP/2."""
import asyncio
import struct
import time

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_HEADERS, END_STREAM, ACK = 4, 1, 1
LARGE_WINDOW = 2**31 - 1
STATUS_200 = 0x88
FRAME = 16384


def literal(text):
    data = text.encode()
    # RFC 7541 §5.1: a length of 127 and more takes further bytes.
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, length = len(data) - 127, bytearray([127])
    while rest >= 128:
        length.append(rest % 128 + 128)
        rest //= 128
    return bytes(length) + bytes([rest]) + data


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def opening(fields, window, has_body):
    """What a client says first: so much may be on its way, and the head of stream 1, its fields neither indexed nor compressed (RFC 7541 §6.2.2)."""
    block = b"".join(b"\0" + literal(name) + literal(value) for name, value in fields)
    return (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, window))
            + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", window - 65535)) + frame(HEADERS, END_HEADERS | (0 if has_body else END_STREAM), 1, block))


def download(connection, window, until):
    """
    Bytes of data on stream 1 until then, on a blocking socket. As fast as Python can: an event for each frame, from a library or from asyncio, makes
    the client slower than the proxy.
    """
    received, chunk, moved, unsaid = b"", bytearray(1 << 20), 0, 0
    while time.monotonic() < until:
        received += memoryview(chunk)[:connection.recv_into(chunk)]
        at = 0
        while len(received) - at >= 9:
            high, low, kind, flags, _ = struct.unpack_from(">HBBBI", received, at)
            length = high << 8 | low
            if len(received) - at < 9 + length:
                break
            if kind == DATA:
                moved += length
                unsaid += length
            elif kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0, b""))
            elif kind in (RST_STREAM, GOAWAY):
                raise ConnectionError(f"the stream was ended: {received[at:at + 9 + length]}")
            at += 9 + length
        received = received[at:]
        if unsaid > window // 4:
            more = struct.pack(">I", unsaid)
            connection.sendall(frame(WINDOW_UPDATE, 0, 0, more) + frame(WINDOW_UPDATE, 0, 1, more))
            unsaid = 0
    return moved


class Stream:
    """One connection with one stream on it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.window, self.connection_window = 65535, 65535
        self.writable = asyncio.Event()

    @classmethod
    async def open(cls, port, fields, has_body):
        stream = cls(*await asyncio.open_connection("127.0.0.1", port))
        stream.writer.write(opening(fields, LARGE_WINDOW, has_body))
        return stream

    def frame(self, kind, flags, stream, payload):
        self.writer.write(frame(kind, flags, stream, payload))

    async def data(self, is_answered=None):
        """Reads frames for as long as there are any; says how many bytes of data each brings."""
        while True:
            head = await self.reader.readexactly(9)
            payload = await self.reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:], "big")
            if kind == DATA:
                yield len(payload)
            elif kind == HEADERS:
                if payload[0] != STATUS_200:
                    raise RuntimeError(f"not 200: {payload[:80]!r}")
                if is_answered:
                    is_answered.set()
            elif kind == SETTINGS and not flags & ACK:
                for at in range(0, len(payload), 6):
                    name, value = struct.unpack(">HI", payload[at:at + 6])
                    if name == 4:
                        self.window += value - 65535
                self.frame(SETTINGS, ACK, 0, b"")
                self.writable.set()
            elif kind == PING and not flags & ACK:
                self.frame(PING, ACK, 0, payload)
            elif kind == WINDOW_UPDATE:
                more = int.from_bytes(payload, "big")
                if stream:
                    self.window += more
                else:
                    self.connection_window += more
                self.writable.set()
            elif kind in (RST_STREAM, GOAWAY):
                raise RuntimeError(f"the stream was ended: {payload!r}")

    def send(self, payload):
        self.window -= len(payload)
        self.connection_window -= len(payload)
        self.frame(DATA, 0, 1, payload)

    async def upload(self):
        block = bytes(FRAME)
        while True:
            room = min(self.window, self.connection_window, FRAME)
            if room <= 0:
                self.writable.clear()
                await self.writable.wait()
                continue
            self.send(block[:room])
            await self.writer.drain()
