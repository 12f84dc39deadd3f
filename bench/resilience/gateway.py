"""A gateway of the Release build as a process, what it uses, and clients that put load on it. Shared by the commands beside it."""
import asyncio
import base64
import collections
import json
import pathlib
import re
import secrets
import subprocess
import tempfile
import time
import urllib.request

from clients import Asking

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"


class Gateway:
    """`sections`: members of the configuration; {directory} in texts of it stands for the gateway's own directory."""

    def __init__(self, sections, prefix=(), ports=None):
        self._holder = tempfile.TemporaryDirectory(prefix="pyproxy-bench-")
        self.directory = pathlib.Path(self._holder.name)
        self.file = self.directory / "appsettings.json"
        endpoints = {"Web": "Reverse", "Proxy": "Forward", "Admin": "Admin"}
        ports = ports or {}
        configuration = {
            "Kestrel": {"Endpoints": {
                name: {"Url": f"http://127.0.0.1:{ports.get(name, 0)}", "Role": role} | ({"AllowAnonymous": True} if role == "Forward" else {})
                for name, role in endpoints.items()}},
            "Logging": {"LogLevel": {"Yarp": "Error"}},
        } | sections
        configuration["Gateway"] = {
            "DataDirectory": str(self.directory),
            "Telemetry": {"AccessLog": {"Path": str(self.directory / "access.log")}},
            "Egress": {"AllowedAddresses": ["127.0.0.0/8"], "ConnectPorts": ["*"]},
        } | configuration.get("Gateway", {})
        self.file.write_text(json.dumps(configuration, indent=2))
        self._prefix = list(prefix)

    def add_users(self, names):
        """Puts users into the gateway's database; returns their Authorization fields."""
        passwords = {name: secrets.token_urlsafe(18) for name in names}
        table = self.directory / "users.csv"
        table.write_text("name,password\n" + "".join(f"{name},{password}\n" for name, password in passwords.items()))
        subprocess.run([PROGRAM, "users", "import", table, "--update", "--generated", "--config", self.file], cwd=self.directory, check=True, stdout=subprocess.DEVNULL)
        return [f"Authorization: Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}\r\n" for name, password in passwords.items()]

    def start(self):
        self.log = open(self.directory / "stderr.log", "w+")
        self.process = subprocess.Popen([*self._prefix, PROGRAM, "--config", self.file], stderr=self.log, stdout=subprocess.DEVNULL, cwd=self.directory)
        self.ports = {}
        deadline = time.monotonic() + 30
        while len(self.ports) < 3:
            text = (self.directory / "stderr.log").read_text()
            self.ports = {name: int(port) for name, port in re.findall(r"(\w+)\s+http://127\.0\.0\.1:(\d+)", text)}
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the gateway did not start:\n{text}")
            time.sleep(0.05)
        return self

    def stop(self, wait=True):
        self.process.terminate()
        if wait:
            self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self._holder.cleanup()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def descriptors(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def megabytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def metric(self, name, **tags):
        """The sum over all series of a metric whose tags are those given; 0 where there is none."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.ports['Admin']}/metrics", timeout=5).read().decode()
        total = 0.0
        for line in text.splitlines():
            if re.match(rf"{name}[ {{]", line) and all(f'{key}="{value}"' in line for key, value in tags.items()):
                total += float(line.rsplit(" ", 2)[1] if line.count(" ") > 1 and line.rsplit(" ", 1)[1].isdigit() and len(line.rsplit(" ", 1)[1]) > 9 else line.rsplit(" ", 1)[1])
        return total

    def readiness(self):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.ports['Admin']}/health/ready", timeout=5).read().decode()


class Origin(asyncio.Protocol):
    """Answers every request, after a delay if it has one, and counts."""

    def __init__(self, server):
        self.server, self.left = server, b""

    def connection_made(self, transport):
        self.transport = transport
        self.server.transports.add(transport)

    def connection_lost(self, _):
        self.server.transports.discard(self.transport)

    def data_received(self, data):
        data = self.left + data
        while b"\r\n\r\n" in data:
            head, data = data.split(b"\r\n\r\n", 1)
            self.server.requests += 1
            if self.server.delay:
                asyncio.get_running_loop().call_later(self.server.delay, self.answer)
            else:
                self.answer()
        self.left = data

    def answer(self):
        if not self.transport.is_closing():
            self.transport.write(self.server.answer())


class OriginServer:
    def __init__(self, body=1000):
        self.body, self.status, self.delay, self.requests, self.transports = b"x" * body, 200, 0, 0, set()

    def answer(self):
        return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (self.status, len(self.body), self.body)

    async def start(self, port=0):
        self.listener = await asyncio.get_running_loop().create_server(lambda: Origin(self), "127.0.0.1", port, backlog=4096)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    def stop(self):
        self.listener.close()
        for transport in list(self.transports):
            transport.abort()


class Load(Asking):
    """
    So many clients, each of which asks again as soon as it has its answer (and rested). An answer is a status, or a word for none. `head`: more
    fields, or what makes them of a client's number.
    """

    def __init__(self, port, target, clients=50, rest=0.02, patience=10, head=""):
        self.port, self.target, self.count, self.rest, self.patience = port, target, clients, rest, patience
        self.head = head if callable(head) else lambda _: head
        self.answers = []  # (time, answer, seconds)

    async def _client(self, number):
        request = f"GET {self.target} HTTP/1.1\r\nHost: bench.test\r\n{self.head(number)}\r\n".encode()
        await asyncio.sleep(self.rest * number / max(1, self.count))
        connection = None
        while not self._stop:
            started = time.monotonic()
            try:
                connection = connection or await asyncio.open_connection("127.0.0.1", self.port)
                answer, keep = await asyncio.wait_for(self._ask(request, *connection), self.patience)
            except asyncio.TimeoutError:
                answer, keep = "silence", False
            except (ConnectionError, asyncio.IncompleteReadError) as e:
                answer, keep = ("cut" if isinstance(e, asyncio.IncompleteReadError) and e.partial else "reset"), False
            except OSError:
                answer, keep = "refused", False
            self.answers.append((time.monotonic(), answer, time.monotonic() - started))
            if not keep and connection:
                connection[1].transport.abort()
                connection = None
            await asyncio.sleep(self.rest)
        if connection:
            connection[1].close()

    async def _ask(self, request, reader, writer):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        try:
            await reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            return "cut", False
        return status, "connection: close" not in head.lower()


def tally(answers):
    return collections.Counter(str(answer) for _, answer, _ in answers)


def percentile(answers, share):
    times = sorted(seconds for _, _, seconds in answers)
    return times[min(len(times) - 1, int(share * len(times)))] if times else float("nan")
