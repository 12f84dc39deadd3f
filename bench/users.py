#!/usr/bin/env python3
"""What logins cost, seen from outside of a running gateway.

cold-start   N users log in at once after a start: with generated passwords (fast keyed hash) and with chosen ones (PBKDF2, Argon2id).
flood        Latency of users who are verified already, with and without a flood of wrong passwords beside them: first a flood that the guessing
             limiter ends (few addresses), then one that it cannot (each guess for another name from another address of 127.0.0.0/8).
timing       Whether the time of a refusal tells a known name from an unknown one (Mann-Whitney U).
import       How long 100,000 users take into the database.

Needs Linux and:

    dotnet build -c Release PyProxy.Gateway
    python3 bench/users.py cold-start --users 10000
    python3 bench/users.py cold-start --users 1000 --algorithm Pbkdf2
    python3 bench/users.py cold-start --users 1000 --algorithm Argon2id
    python3 bench/users.py flood
    python3 bench/users.py timing
    python3 bench/users.py import
"""
import argparse
import asyncio
import base64
import itertools
import json
import math
import pathlib
import random
import re
import secrets
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
AT_ONCE = 500          # connections of this client; more would measure its own limits
ANSWER_SECONDS = 600
NO_LIMITS = {"AttemptsPerName": 1000, "AttemptsPerAddress": 100_000}


def configuration(directory, database, algorithm, guessing, stores):
    return {
        "Kestrel": {"Endpoints": {
            "Proxy": {"Url": "http://127.0.0.1:0", "Role": "Forward"},
            "Open": {"Url": "http://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": True}}},
        "Gateway": {
            "DataDirectory": directory,
            "SharedState": {"Database": database},
            "Users": {"Stores": stores, "HtpasswdFile": f"{directory}/htpasswd", "CredentialCacheDuration": "01:00:00", "PasswordHashing": {"Algorithm": algorithm}},
            "Authentication": {"Guessing": guessing},
            "Egress": {"AllowedAddresses": ["127.0.0.1"], "ConnectPorts": ["*"]},
            "Telemetry": {"AccessLog": {"Path": f"{directory}/access.log"}},
        },
    }


class Gateway:
    def __init__(self, directory, database, algorithm, guessing=None, stores=("Database",)):
        self.directory = pathlib.Path(directory)
        self.file = self.directory / "appsettings.json"
        self.file.write_text(json.dumps(configuration(directory, database, algorithm, guessing or {}, list(stores))))

    def command(self, *arguments, stdin=None):
        file = ["--config", self.file] if arguments[0] == "users" else []
        done = subprocess.run([GATEWAY, *arguments, *file], capture_output=True, text=True, cwd=self.directory, input=stdin)
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


def write_users_with_one_hash(path, count, password, password_hash):
    """Hashed once: what is measured is the logins, and hashing all of them would take as long again."""
    path.write_text("name,password_hash\n" + "".join(f'user{i},"{password_hash}"\n' for i in range(count)))
    return [(f"user{i}", password) for i in range(count)]


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
    with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
        gateway = Gateway(directory, options.database, options.algorithm or "Pbkdf2")
        file = gateway.directory / "users.csv"
        if options.algorithm:
            algorithm = ["--argon2id"] if options.algorithm == "Argon2id" else []
            users = write_users_with_one_hash(file, options.users, "correct horse", gateway.command("hash", *algorithm, stdin="correct horse\n").strip())
        else:
            users = write_users(file, options.users)
        gateway.command("users", "import", str(file), "--update", *([] if options.algorithm else ["--generated"]))
        server, target = await origin()
        with gateway:
            seconds, statuses = await log_in_all(gateway.ports["Proxy"], target, users)
            again, _ = await log_in_all(gateway.ports["Proxy"], target, users)
        server.close()
        print(f"{options.algorithm or 'generated'}: {options.users} users logged in {seconds:.1f} s after a restart ({options.users / seconds:.0f}/s); "
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


async def attack(port, target, names, address, wrong):
    """Wrong passwords, one after the other, each on a connection of its own."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address(), 0))
            status = await ask(reader, writer, request(target, names(), secrets.token_hex(8)))
            wrong[status] = wrong.get(status, 0) + 1
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(0.1)


def any_loopback_address():
    return f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}"


async def flood(options):
    with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
        gateway = Gateway(directory, options.database, "Pbkdf2")
        users = write_users(gateway.directory / "users.csv", 20)
        gateway.command("users", "import", str(gateway.directory / "users.csv"), "--update")
        server, target = await origin()
        with gateway:
            port = gateway.ports["Proxy"]
            await log_in_all(port, target, users)
            number = itertools.count()
            floods = {
                "no flood": None,
                "flood at 20 names from one address": (lambda: f"user{next(number) % 20}", lambda: "127.0.0.2"),
                "flood at any name from any address": (lambda: f"name{next(number)}", any_loopback_address),
            }
            await measure_verified(port, target, users, 3)  # code and pools that the first requests bring
            for name, kind in floods.items():
                wrong = {}
                attackers = [asyncio.create_task(attack(port, target, *kind, wrong)) for _ in range(options.attackers if kind else 0)]
                await asyncio.sleep(2 if kind else 0)
                latencies = await measure_verified(port, target, users, options.seconds)
                for attacker in attackers:
                    attacker.cancel()
                print(f"{name}: {len(latencies)} requests of verified users, p50 {percentile(latencies, .5):.1f} ms, p99 {percentile(latencies, .99):.1f} ms"
                      + (f"; answers to wrong passwords {wrong}" if kind else ""))
        server.close()


def mann_whitney(a, b):
    """Two-sided p of both being of one distribution (normal approximation, which is good from 20 samples on)."""
    ranked = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    rank_sum = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    u = rank_sum - len(a) * (len(a) + 1) / 2
    mean, deviation = len(a) * len(b) / 2, math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
    return math.erfc(abs(u - mean) / deviation / math.sqrt(2))


# One user each, in the forms of old htpasswd files and of `htpasswd -B`, which costs a twentieth of today's hashes.
HTPASSWD = {"{SHA}": "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "bcrypt, cost 5": "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"}


async def time_refusals(gateway, names, rounds):
    server, target = await origin()
    took = {name: [] for name in names}
    with gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.ports["Proxy"])
        for number in range(rounds + 10):
            for name in random.sample(names, len(names)):  # in any order, so that what drifts drifts for all
                started = time.perf_counter()
                assert await ask(reader, writer, request(target, f"{name}{number}" if name == "unknown" else name, secrets.token_hex(8))) == 407
                if number >= 10:
                    took[name].append(time.perf_counter() - started)
        writer.close()
    server.close()
    for name in names:
        comparison = "" if name == "unknown" else f", p of no difference to an unknown name {mann_whitney(took[name], took['unknown']):.2f}"
        print(f"  {name}: {len(took[name])} refusals, p10 {percentile(took[name], .1):.2f} ms, median {percentile(took[name], .5):.2f} ms{comparison}")


async def timing(options):
    with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
        gateway = Gateway(directory, options.database, options.algorithm or "Pbkdf2", NO_LIMITS)
        file = gateway.directory / "users.csv"
        file.write_text("name,password,disabled\nknown,correct horse,\ndisabled,correct horse,true\n")
        gateway.command("users", "import", str(file), "--update")
        gateway.command("users", "add", "generated", "--generate")
        file.write_text(f"old:{HTPASSWD['{SHA}']}\n")
        gateway.command("users", "import", str(file), "--format", "Htpasswd", "--update")
        print("database")
        await time_refusals(gateway, ["known", "unknown", "disabled", "generated", "old"], options.rounds)
    for form, text in HTPASSWD.items():
        with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
            gateway = Gateway(directory, options.database, "Pbkdf2", NO_LIMITS, stores=["Htpasswd"])
            (gateway.directory / "htpasswd").write_text(f"known:{text}\n")
            print(f"htpasswd file, {form}")
            await time_refusals(gateway, ["known", "unknown"], options.rounds)


async def run_import(options):
    with tempfile.TemporaryDirectory(prefix="pyproxy-users-") as directory:
        gateway = Gateway(directory, options.database, "Pbkdf2")
        write_users(gateway.directory / "users.csv", options.users)
        print(gateway.command("users", "import", str(gateway.directory / "users.csv"), "--update", "--generated").strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["cold-start", "flood", "timing", "import"])
    parser.add_argument("--users", type=int, default=None, help="how many; default 10000, for import 100000")
    parser.add_argument("--algorithm", choices=["Pbkdf2", "Argon2id"], help="hash chosen passwords so; default: generated ones")
    parser.add_argument("--database", default="Data Source=users.db", help="Gateway:SharedState:Database; default: SQLite in a temporary directory")
    parser.add_argument("--attackers", type=int, default=50, help="connections that try wrong passwords")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=200, help="refusals of each kind that timing measures")
    options = parser.parse_args()
    options.users = options.users or (100_000 if options.what == "import" else 10_000)
    asyncio.run({"cold-start": cold_start, "flood": flood, "timing": timing, "import": run_import}[options.what](options))


if __name__ == "__main__":
    main()
