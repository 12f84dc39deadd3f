#!/usr/bin/env python3
"""What logins cost, seen from outside of a running gateway.

cold-start   N users log in at once after a start: with generated passwords (fast keyed hash) and with chosen ones (PBKDF2, Argon2id).
flood        Latency of users who are verified already, with and without a flood of wrong passwords beside them.
import       How long 100,000 users take into the database.

Needs Linux and:

    dotnet build -c Release PyProxy.Gateway
    python3 bench/users.py cold-start --users 10000
    python3 bench/users.py cold-start --users 200 --algorithm Pbkdf2
    python3 bench/users.py flood
    python3 bench/users.py import
"""
import argparse
import asyncio
import base64
import json
import pathlib
import re
import secrets
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
AT_ONCE = 500          # connections of this client; more would measure its own limits
ANSWER_SECONDS = 600


def configuration(directory, database, algorithm):
    return {
        "Kestrel": {"Endpoints": {
            "Proxy": {"Url": "http://127.0.0.1:0", "Role": "Forward"},
            "Open": {"Url": "http://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": True}}},
        "Gateway": {
            "DataDirectory": directory,
            "SharedState": {"Database": database},
            "Users": {"Stores": ["Database"], "CredentialCacheDuration": "01:00:00", "PasswordHashing": {"Algorithm": algorithm}},
            "Egress": {"AllowedAddresses": ["127.0.0.1"], "ConnectPorts": ["*"]},
            "Telemetry": {"AccessLog": {"Path": f"{directory}/access.log"}},
        },
    }


class Gateway:
    def __init__(self, directory, database, algorithm):
        self.directory = pathlib.Path(directory)
        self.file = self.directory / "appsettings.json"
        self.file.write_text(json.dumps(configuration(directory, database, algorithm)))

    def command(self, *arguments):
        done = subprocess.run([GATEWAY, *arguments, "--config", self.file], capture_output=True, text=True, cwd=self.directory)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def __enter__(self):
        self.process = subprocess.Popen([GATEWAY, "--config", self.file], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=self.directory)
        self.ports = {}
        for line in self.process.stderr:
            if match := re.search(r"(\w+)\s+http://127\.0\.0\.1:(\d+)", line):
                self.ports[match[1]] = int(match[2])
            if len(self.ports) == 2:
                return self
        raise RuntimeError("the gateway did not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def write_users(path, count):
    users = [(f"user{i}", secrets.token_urlsafe(18)) for i in range(count)]
    path.write_text("name,password\n" + "".join(f"{name},{password}\n" for name, password in users))
    return users


class Origin(asyncio.Protocol):
    """Answers every request without looking at it; the gateway sends one at a time."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" * data.count(b"\r\n\r\n"))


async def origin():
    server = await asyncio.get_running_loop().create_server(Origin, "127.0.0.1", 0, backlog=4096)
    return server, server.sockets[0].getsockname()[1]


def request(port, user, password):
    credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nProxy-Authorization: Basic {credentials}\r\n\r\n".encode()


async def ask(reader, writer, data):
    """Sends one request and returns its status; the body is read, so that the connection can be used again."""
    writer.write(data)
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_SECONDS)).decode("latin-1")
    if match := re.search(r"content-length: (\d+)", head, re.IGNORECASE):
        await reader.readexactly(int(match[1]))
    return int(head.split(" ", 2)[1])


async def log_in_all(port, target, users):
    """Everybody's first request, each on a connection of its own; those that are told to come later do."""
    slots, statuses = asyncio.Semaphore(AT_ONCE), {}

    async def one(user, password):
        async with slots:
            while True:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                status = await ask(reader, writer, request(target, user, password))
                writer.close()
                statuses[status] = statuses.get(status, 0) + 1
                if status != 503:
                    return
                await asyncio.sleep(1)

    started = time.monotonic()
    await asyncio.gather(*(one(*user) for user in users))
    return time.monotonic() - started, statuses


async def cold_start(options):
    kinds = [options.algorithm] if options.algorithm else ["generated"]
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
            gateway = Gateway(directory, options.database, "Pbkdf2" if kind == "generated" else kind)
            users = write_users(gateway.directory / "users.csv", options.users)
            gateway.command("users", "import", str(gateway.directory / "users.csv"), "--update", *(["--generated"] if kind == "generated" else []))
            server, target = await origin()
            with gateway:
                seconds, statuses = await log_in_all(gateway.ports["Proxy"], target, users)
                again, _ = await log_in_all(gateway.ports["Proxy"], target, users)
            server.close()
            print(f"{kind}: {options.users} users logged in {seconds:.1f} s after a restart ({options.users / seconds:.0f}/s); "
                  f"once verified {again:.1f} s ({options.users / again:.0f}/s); statuses {statuses}")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


async def measure_verified(port, target, users, seconds):
    latencies = []

    async def one(user, password):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        data = request(target, user, password)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.monotonic()
            assert await ask(reader, writer, data) == 200
            latencies.append(time.monotonic() - started)
            await asyncio.sleep(0.01)
        writer.close()

    await asyncio.gather(*(one(*user) for user in users))
    return latencies


async def flood(options):
    with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
        gateway = Gateway(directory, options.database, "Pbkdf2")
        users = write_users(gateway.directory / "users.csv", 20)
        gateway.command("users", "import", str(gateway.directory / "users.csv"), "--update")
        server, target = await origin()
        with gateway:
            port = gateway.ports["Proxy"]
            await log_in_all(port, target, users)
            wrong, stop = {}, asyncio.Event()

            async def attack(number):
                while not stop.is_set():
                    try:
                        reader, writer = await asyncio.open_connection("127.0.0.1", port)
                        status = await ask(reader, writer, request(target, f"user{number % 20}", secrets.token_hex(8)))
                        wrong[status] = wrong.get(status, 0) + 1
                        writer.close()
                    except (ConnectionError, asyncio.IncompleteReadError):
                        pass
                    await asyncio.sleep(0.1)

            await measure_verified(port, target, users, 3)  # code and pools that the first requests bring
            without = await measure_verified(port, target, users, options.seconds)
            attackers = [asyncio.create_task(attack(i)) for i in range(options.attackers)]
            await asyncio.sleep(2)
            beside = await measure_verified(port, target, users, options.seconds)
            stop.set()
            for attacker in attackers:
                attacker.cancel()
        server.close()
        for name, latencies in (("without a flood", without), ("beside a flood", beside)):
            print(f"{name}: {len(latencies)} requests of verified users, p50 {percentile(latencies, .5):.1f} ms, p99 {percentile(latencies, .99):.1f} ms")
        print(f"answers to wrong passwords: {wrong}")


async def run_import(options):
    with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
        gateway = Gateway(directory, options.database, "Pbkdf2")
        write_users(gateway.directory / "users.csv", options.users)
        print(gateway.command("users", "import", str(gateway.directory / "users.csv"), "--update", "--generated").strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["cold-start", "flood", "import"])
    parser.add_argument("--users", type=int, default=None, help="how many; default 10000, for import 100000")
    parser.add_argument("--algorithm", choices=["Pbkdf2", "Argon2id"], help="hash chosen passwords so; default: generated ones")
    parser.add_argument("--database", default="Data Source=users.db", help="Gateway:SharedState:Database; default: SQLite in a temporary directory")
    parser.add_argument("--attackers", type=int, default=50, help="connections that try wrong passwords")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    options.users = options.users or (100_000 if options.what == "import" else 10_000)
    asyncio.run({"cold-start": cold_start, "flood": flood, "import": run_import}[options.what](options))


if __name__ == "__main__":
    main()
