"""What makes the load: wrk and h2load where they can, the gateway's own capacity command for users, sockets for tunnels."""
import asyncio
import json
import multiprocessing
import re
import socket
import ssl
import subprocess
import threading
import time

import http2
from peers import BASIC, GATEWAY

CHUNK = 1 << 20
H2_WINDOW = 6 << 20  # bytes on their way in one stream; Chromium's


def milliseconds(text):
    value, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def wrk(url, connections, seconds, directory, absolute=None, credentials=None):
    script = directory / "wrk.lua"
    script.write_text(f"""
        request = function() return wrk.format("GET", "{absolute}") end
        {"".join(f'wrk.headers["{name}"] = "{value}"' for name, value in (credentials or {}).items())}
        done = function(summary, latency, requests)
          io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.errors.status + summary.errors.read + summary.errors.connect
            + summary.errors.timeout, latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
        end
        """ if absolute else f"""
        {"".join(f'wrk.headers["{name}"] = "{value}"' for name, value in (credentials or {}).items())}
        done = function(summary, latency, requests)
          io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.errors.status + summary.errors.read + summary.errors.connect
            + summary.errors.timeout, latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
        end
        """)
    output = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, url], capture_output=True, text=True, check=True).stdout
    requests, errors, p50, p99, p999 = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output).groups())
    return {"count": requests, "errors": errors, "p50": p50 / 1000, "p99": p99 / 1000, "p999": p999 / 1000}


def h2load(url, connections, streams, seconds):
    output = subprocess.run(["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}", "--warm-up-time=0", url], capture_output=True, text=True, check=True).stdout
    done = int(re.search(r"(\d+) succeeded", output)[1])
    failed = int(re.search(r"(\d+) failed", output)[1])
    times = re.search(r"time for request:\s+(\S+)\s+(\S+)\s+(\S+)", output)
    return {"count": done, "errors": failed, "p50": milliseconds(times[3]), "p99": None, "p999": None}


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            raise ConnectionError("closed before an answer")
        head += data
    return head


def open_tunnel(port, kind, target, tls=False):
    """A tunnel to the port on loopback; kind is forward (CONNECT) or socks."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        connection = _inside_tls(connection, "http/1.1")
    if kind == "socks":
        connection.sendall(b"\x05\x01\x00")
        assert connection.recv(2) == b"\x05\x00"
        connection.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + target.to_bytes(2, "big"))
        assert connection.recv(10)[1] == 0
    else:
        connection.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: 127.0.0.1:{target}\r\n\r\n".encode())
        assert b" 200" in read_head(connection).split(b"\r\n")[0]
    return connection


def _inside_tls(connection, protocol):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([protocol])
    return context.wrap_socket(connection, server_hostname="localhost")


def _set_up(port, kind, target, seconds, results):
    until, times = time.monotonic() + seconds, []
    while time.monotonic() < until:
        started = time.monotonic()
        open_tunnel(port, kind, target).close()
        times.append(time.monotonic() - started)
    results.put(times)


def set_up(port, kind, target, seconds, at_once=8):
    """Opens and closes tunnels, one after the other in each of several processes."""
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_set_up, args=(port, kind, target, seconds, results)) for _ in range(at_once)]
    for worker in workers:
        worker.start()
    times = sorted(t for _ in workers for t in results.get())
    for worker in workers:
        worker.join()
    return {"count": len(times), "errors": 0, "p50": times[len(times) // 2] * 1000, "p99": times[int(len(times) * 0.99)] * 1000, "p999": times[int(len(times) * 0.999)] * 1000}


class Sink:
    """Takes what it gets, and sends what it is asked for."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=8192)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection):
        buffer = bytearray(CHUNK)
        try:
            if connection.recv(1) == b"d":
                while True:
                    connection.sendall(buffer)
            while connection.recv_into(buffer):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.listener.close()


def _sink(ports):
    sink = Sink()
    ports.put(sink.port)
    threading.Event().wait()


class SinkProcess:
    """The sink in a process of its own, so that it does not share the client's interpreter lock."""

    def __init__(self):
        ports = multiprocessing.Queue()
        self.process = multiprocessing.Process(target=_sink, args=(ports,), daemon=True)
        self.process.start()
        self.port = ports.get()

    def close(self):
        self.process.terminate()
        self.process.join()


def bulk(port, kind, target, tunnels, download, seconds, tls=False):
    """Bytes that go through so many tunnels in the time."""
    moved, stop = [0] * tunnels, threading.Event()

    def run(index):
        with open_tunnel(port, kind, target, tls) as connection:
            connection.sendall(b"d" if download else b"u")
            buffer = bytearray(CHUNK)
            while not stop.is_set():
                moved[index] += connection.recv_into(buffer) if download else connection.send(buffer)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    threads = [threading.Thread(target=run, args=(i,)) for i in range(tunnels)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    stop.set()
    for thread in threads:
        thread.join(10)
    return {"count": sum(moved) / 1e9, "errors": 0, "p50": None, "p99": None, "p999": None}


def bulk_h2(port, target, tls, seconds):
    """A download through one tunnel inside HTTP/2 (RFC 9113 section 8.5)."""
    with socket.create_connection(("127.0.0.1", port)) as raw, (_inside_tls(raw, "h2") if tls else raw) as connection:
        connection.sendall(http2.opening([(":method", "CONNECT"), (":authority", f"127.0.0.1:{target}")], H2_WINDOW, has_body=True)
                           + http2.frame(http2.DATA, 0, 1, b"d"))
        moved = http2.download(connection, H2_WINDOW, time.monotonic() + seconds)
    return {"count": moved / 1e9, "errors": 0, "p50": None, "p99": None, "p999": None}


async def _idle(port, target, count, peer, settle):
    async def one():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: 127.0.0.1:{target}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200" not in head.split(b"\r\n")[0]:
            raise ConnectionError(head)
        writer.write(b"u")
        return writer

    async def many(number):
        opened = []
        while len(opened) < number:
            batch = await asyncio.gather(*(one() for _ in range(min(50, number - len(opened)))), return_exceptions=True)
            good = [writer for writer in batch if not isinstance(writer, BaseException)]
            opened += good
            if len(good) < len(batch):
                break
        return opened

    first = await many(200)  # what the first ones bring is no cost of each further one
    await asyncio.sleep(settle)
    before = peer.process.memory_mb()
    rest = await many(count)
    await asyncio.sleep(settle)
    grown = peer.process.memory_mb() - before
    for writer in first + rest:
        writer.transport.abort()
    return {"opened": len(rest), "kb": grown * 1024 / max(1, len(rest))}


def idle(port, target, count, peer, settle=3):
    return asyncio.run(_idle(port, target, count, peer, settle))


def capacity(users, seconds, directory, *arguments):
    """The gateway's own load generator, with a fixed number of users."""
    report = directory / "capacity.json"
    subprocess.run([GATEWAY, "capacity", "--start", str(users), "--max", str(users), "--stage", str(seconds), "--p99", "60000", "--json", report, *arguments],
                   check=True, capture_output=True, text=True)
    return json.loads(report.read_text())["stages"][-1]


def basic_fields(features, field):
    return {field: BASIC} if "auth" in features else None
