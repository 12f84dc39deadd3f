"""A relay between gateway and origin that does what networks and servers do on bad days."""
import asyncio
import socket
import struct

FAULTS = ["refused", "black-holed", "reset mid-head", "reset mid-body", "one byte per second", "half-closed", "corrupt", "flapping"]


class Relay:
    """A change of `fault` holds for every connection from then on; those that are open are cut, so that none is left from better days."""

    def __init__(self, target):
        self.target, self.fault, self.open, self._server, self.port = target, None, set(), None, 0

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def become(self, fault):
        self.fault = fault
        for writer in list(self.open):
            writer.transport.abort()
        if fault == "refused" and self._server:
            self._server.close()
            self._server = None
        elif fault != "refused" and not self._server:
            await self.start()

    async def stop(self):
        if self._server:
            self._server.close()
        for writer in list(self.open):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self.open.add(writer)
        upstream = None
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if self.fault == "black-holed":
                    await reader.read()
                    return
                if self.fault == "half-closed":
                    writer.write_eof()
                    await reader.read()
                    return
                if self.fault == "corrupt":
                    writer.write(b"\x16\x03\x01 200 GARBAGE\x00\r\n:::\r\n\r\n")
                    await writer.drain()
                    return
                upstream = upstream or await asyncio.open_connection("127.0.0.1", self.target)
                upstream[1].write(head)
                answer = await upstream[0].readuntil(b"\r\n\r\n")
                length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await upstream[0].readexactly(length)
                if self.fault == "reset mid-head":
                    await self._cut(writer, answer[:12])
                    return
                if self.fault == "reset mid-body":
                    await self._cut(writer, answer + body[: len(body) // 2])
                    return
                if self.fault == "one byte per second":
                    for i in range(len(answer)):
                        if writer.transport.is_closing():
                            return
                        writer.write(answer[i:i + 1])
                        await asyncio.sleep(1)
                writer.write(answer + body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()
            if upstream:
                upstream[1].close()

    @staticmethod
    async def _cut(writer, data):
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0.05)  # a reset at once would overtake the bytes
        raw = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
