"""A name server that has bad days, and clients whose every exchange needs it."""
import asyncio
import struct
import time

from clients import Asking

FAULTS = ["NXDOMAIN", "SERVFAIL", "slow DNS (1 s)", "DNS silent"]


class NameServer(asyncio.DatagramProtocol):
    """Every name is 127.0.0.1, and nobody may remember it."""

    def __init__(self):
        self.fault = None

    async def start(self):
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.transport, self.port = transport, transport.get_extra_info("sockname")[1]
        return self

    def stop(self):
        self.transport.close()

    def datagram_received(self, data, address):
        if self.fault == "DNS silent":
            return
        asyncio.get_running_loop().call_later(1 if self.fault == "slow DNS (1 s)" else 0, self._answer, data, address)

    def _answer(self, query, address):
        end = query.index(b"\0", 12) + 5
        kind = struct.unpack("!H", query[end - 4:end - 2])[0]
        code = {"NXDOMAIN": 3, "SERVFAIL": 2}.get(self.fault, 0)
        has = code == 0 and kind == 1
        head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, 1 if has else 0, 0, 0)
        record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + bytes([127, 0, 0, 1]) if has else b""
        if not self.transport.is_closing():
            self.transport.sendto(head + query[12:end] + record, address)


class Dials(Asking):
    """Each client opens a tunnel to a name, sees whether it stands, and closes it. `answers` as those of a Load."""

    def __init__(self, port, target, clients, rest=0.05):
        self.port, self.target, self.count, self.rest, self.answers = port, target, clients, rest, []

    async def _client(self, number):
        while not self._stop:
            started, writer = time.monotonic(), None
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                name = f"n{number}.bench.test:{self.target}"
                writer.write(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
                answer = int((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)).split(b" ", 2)[1])
            except asyncio.TimeoutError:
                answer = "silence"
            except (OSError, asyncio.IncompleteReadError):
                answer = "reset"
            self.answers.append((time.monotonic(), answer, time.monotonic() - started))
            if writer:
                writer.close()
            await asyncio.sleep(self.rest)
