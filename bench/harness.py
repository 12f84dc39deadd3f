"""What the measurements of limits share: gateways as processes of their own, users with passwords, an origin, raw clients."""
import asyncio
import base64
import contextlib
import json
import pathlib
import re
import resource
import secrets
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
START_SECONDS = 30


def require_binary():
    if not BINARY.exists():
        sys.exit(f"{BINARY} is not there; build it: dotnet build -c Release PyProxy.Gateway")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Gateway:
    """One gateway in a directory of its own. Its configuration is what a measurement says, with what all of them need."""

    def __init__(self, directory, endpoints, settings, reverse=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.file = self.directory / "appsettings.json"
        self.endpoints = len(endpoints)
        self.file.write_text(json.dumps({
            "Kestrel": {"Endpoints": {name: {"Url": "http://127.0.0.1:0", **more} for name, more in endpoints.items()}},
            "ReverseProxy": reverse or {},
            "Gateway": {
                "DataDirectory": str(self.directory),
                "Egress": {"AllowedAddresses": ["127.0.0.0/8"], "ConnectPorts": ["*"]},
                "Telemetry": {"AccessLog": {"Path": f"{directory}/access.log"}},
                **settings,
            },
        }))

    def command(self, *arguments):
        done = subprocess.run([BINARY, *arguments, "--config", self.file], capture_output=True, text=True, cwd=self.directory, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def add_users(self, names, plan=""):
        """Puts users into the gateway's database; returns their passwords."""
        passwords = {name: secrets.token_urlsafe(18) for name in names}
        table = self.directory / "users.csv"
        table.write_text("name,password,plan\n" + "".join(f"{name},{password},{plan}\n" for name, password in passwords.items()))
        self.command("users", "import", str(table), "--update", "--generated")
        return passwords

    def __enter__(self):
        self.log = (self.directory / "log").open("w+")
        self.process = subprocess.Popen([BINARY, "--config", self.file], stderr=self.log, stdout=subprocess.DEVNULL, cwd=self.directory)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            said = (self.directory / "log").read_text()
            self.ports = {name: int(port) for name, port in re.findall(r"(\w+)\s+http://127\.0\.0\.1:(\d+)", said)}
            if len(self.ports) == self.endpoints:
                return self
            time.sleep(0.05)
        raise RuntimeError(f"the gateway did not start:\n{said}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def answer(reader):
    """One answer with a length: its status and its fields in small letters."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if match := re.search(r"content-length: (\d+)", head):
        await reader.readexactly(int(match[1]))
    return int(head.split(" ", 2)[1]), head


class SmallAnswers(asyncio.Protocol):
    """An origin that answers every request with two bytes, after a while if it is told so."""

    seconds = 0.0

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        for _ in range(data.count(b"\r\n\r\n")):
            if self.seconds:
                asyncio.get_running_loop().call_later(self.seconds, self.say)
            else:
                self.say()

    def say(self):
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@contextlib.asynccontextmanager
async def small_answers(seconds=0.0):
    SmallAnswers.seconds = seconds
    server = await asyncio.get_running_loop().create_server(SmallAnswers, "127.0.0.1", 0, backlog=4096)
    yield server.sockets[0].getsockname()[1]
    server.close()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
