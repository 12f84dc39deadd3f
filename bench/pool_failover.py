#!/usr/bin/env python3
"""What clients see when one of a pool's upstream proxies is killed under load, and when it comes back.

Starts squid, tinyproxy and microsocks (Debian's packages of these names), the built gateway with the three as a pool, an origin and clients:
half of them send requests in absolute form over kept connections, half open a tunnel for each request. One proxy is killed and started again
later. Prints, for each second, how many exchanges succeeded and failed and the longest, and how long the pool took to notice. Needs Linux and:

    dotnet build -c Release PyProxy.Gateway && python3 bench/pool_failover.py
"""
import argparse
import asyncio
import collections
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
KILL_AT, RESTART_AT, END_AT = 5, 12, 30  # seconds
ANSWER_SECONDS = 20
BODY = b"x" * 1000


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Parent:
    """One upstream proxy, which can be killed and started again on its port."""

    def __init__(self, name, directory):
        self.name, self.port, self.process = name, free_port(), None
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        self.directory.chmod(0o777)  # squid gives up root where it has it

    def command(self):
        path = self.directory / "proxy.conf"
        if self.name == "squid":
            path.write_text(
                f"http_port 127.0.0.1:{self.port}\nhttp_access allow all\ncache deny all\npid_filename none\naccess_log none\n"
                f"cache_log {self.directory}/cache.log\ncoredump_dir {self.directory}\npinger_enable off\nvisible_hostname squid.test\n")
            return [shutil.which("squid", path="/usr/sbin:/usr/bin"), "-N", "-f", str(path), "-n", f"bench{self.port}"]
        if self.name == "tinyproxy":
            path.write_text(f"Port {self.port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 500\n")
            return ["tinyproxy", "-d", "-c", str(path)]
        return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port)]

    async def start(self):
        self.process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.directory)
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", self.port))[1].close()
                return
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"{self.name} ended with {self.process.returncode}") from None
                await asyncio.sleep(0.01)

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def address(self):
        return f"{'socks5' if self.name == 'microsocks' else 'http'}://127.0.0.1:{self.port}"


def configuration(directory, parents):
    return {
        "Kestrel": {"Endpoints": {
            "Proxy": {"Url": "http://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": True},
            "Admin": {"Url": "http://127.0.0.1:0", "Role": "Admin"}}},
        "Gateway": {
            "DataDirectory": directory,
            "Egress": {
                "AllowedAddresses": ["127.0.0.1"], "ConnectPorts": ["*"], "DefaultProfile": "pool",
                "Profiles": {"pool": {"Upstreams": {"Proxies": {parent.name: {"Address": parent.address} for parent in parents}}}}},
            "Telemetry": {"AccessLog": {"Path": f"{directory}/access.log"}},
        },
    }


async def ports(gateway, log):
    """The ports that the gateway says it listens on, by endpoint."""
    while True:
        found = dict(re.findall(r"(?:Forward|Admin)\s+(\w+)\s+http://127\.0\.0\.1:(\d+)", log.read_text()))
        if len(found) == 2:
            return int(found["Proxy"]), int(found["Admin"])
        if gateway.poll() is not None:
            raise RuntimeError(f"the gateway ended with {gateway.returncode}")
        await asyncio.sleep(0.1)


async def serve(reader, writer):
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
            await writer.drain()
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


async def read_answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head)[1]))
    return int(head.split()[1]), b"Connection: close" in head


class Record:
    def __init__(self):
        self.started = time.monotonic()
        self.seconds = collections.defaultdict(lambda: {"ok": 0, "failed": collections.Counter(), "longest": 0.0})

    def at(self):
        return time.monotonic() - self.started

    def add(self, outcome, began):
        second = self.seconds[int(began)]
        second["longest"] = max(second["longest"], self.at() - began)
        if outcome == 200:
            second["ok"] += 1
        else:
            second["failed"][str(outcome)] += 1


async def request_client(record, proxy, origin):
    reader = writer = None
    while record.at() < END_AT:
        began = record.at()
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
            writer.write(b"GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n" % (origin, origin))
            status, closes = await asyncio.wait_for(read_answer(reader), ANSWER_SECONDS)
            record.add(status, began)
            if closes:
                raise ConnectionError
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as e:
            if not isinstance(e, ConnectionError):
                record.add(type(e).__name__, began)
            writer and writer.close()
            reader = writer = None


async def tunnel_client(record, proxy, origin):
    while record.at() < END_AT:
        began = record.at()
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
            writer.write(b"CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (origin, origin))
            status = int((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), ANSWER_SECONDS)).split()[1])
            if status == 200:
                writer.write(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % origin)
                status, _ = await asyncio.wait_for(read_answer(reader), ANSWER_SECONDS)
            record.add(status, began)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as e:
            record.add(type(e).__name__, began)
        finally:
            writer and writer.close()


async def upstreams(admin):
    reader, writer = await asyncio.open_connection("127.0.0.1", admin)
    writer.write(b"GET /api/v1/upstreams HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    return {proxy["name"]: proxy for proxy in json.loads(answer[answer.index("["):answer.rindex("]") + 1])[0]["proxies"]}


async def watch(record, admin, name, events):
    known = True
    while record.at() < END_AT:
        state = (await upstreams(admin))[name]["in"]
        if state != known:
            events.append((record.at(), "back" if state else "out"))
            known = state
        await asyncio.sleep(0.02)


async def disturb(record, parent, events):
    await asyncio.sleep(KILL_AT)
    parent.kill()
    events.append((record.at(), "killed"))
    await asyncio.sleep(RESTART_AT - record.at())
    await parent.start()
    events.append((record.at(), "started again"))


async def measure(gateway, log, parents, options):
    proxy, admin = await ports(gateway, log)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    origin = b"127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    victim = next(parent for parent in parents if parent.name == options.kill)
    record, events = Record(), []
    await asyncio.gather(
        *(request_client(record, proxy, origin) for _ in range(options.clients // 2)),
        *(tunnel_client(record, proxy, origin) for _ in range(options.clients // 2)),
        watch(record, admin, victim.name, events),
        disturb(record, victim, events))

    print(f"{options.clients} clients; {victim.name} is killed after {KILL_AT} s and started again after {RESTART_AT} s\n")
    print("second      ok  failed  longest ms  ")
    for second in sorted(record.seconds):
        numbers = record.seconds[second]
        what = ", ".join(f"{at:.2f} s: {event}" for at, event in events if int(at) == second)
        failed = ", ".join(f"{count} x {status}" for status, count in numbers["failed"].items())
        print(f"{second:6} {numbers['ok']:7} {sum(numbers['failed'].values()):7} {numbers['longest'] * 1000:11.0f}  {what}{' (' + failed + ')' if failed else ''}")
    ok = sum(numbers["ok"] for numbers in record.seconds.values())
    failed = sum(sum(numbers["failed"].values()) for numbers in record.seconds.values())
    print(f"\nexchanges: {ok} succeeded, {failed} failed")
    for name, state in (await upstreams(admin)).items():
        print(f"{name:11} taken {state['taken']}, failed {state['failed']}, {'in' if state['in'] else 'out'}")


async def run(options):
    with tempfile.TemporaryDirectory(prefix="pyproxy-pool-") as directory:
        pathlib.Path(directory).chmod(0o755)
        parents = [Parent(name, directory) for name in ("squid", "tinyproxy", "microsocks")]
        path, log = pathlib.Path(directory) / "appsettings.json", pathlib.Path(directory) / "gateway.log"
        gateway = None
        try:
            for parent in parents:
                await parent.start()
            path.write_text(json.dumps(configuration(directory, parents)))
            with log.open("w") as output:
                gateway = subprocess.Popen([options.gateway, "--config", path], stdout=output, stderr=output, cwd=directory)
                await measure(gateway, log, parents, options)
        finally:
            for process in [gateway, *(parent.process for parent in parents)]:
                if process is not None and process.poll() is None:
                    process.kill()
                    process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--clients", type=int, default=20, choices=range(2, 201), metavar="2..200")
    arguments.add_argument("--kill", default="squid", choices=["squid", "tinyproxy", "microsocks"])
    arguments.add_argument("--gateway", type=pathlib.Path, default=GATEWAY, help="the executable to measure")
    options = arguments.parse_args()
    if not options.gateway.exists():
        sys.exit(f"{options.gateway} is not there; build it: dotnet build -c Release PyProxy.Gateway")
    for name in ("squid", "tinyproxy", "microsocks"):
        if shutil.which(name, path="/usr/sbin:/usr/bin") is None:
            sys.exit(f"{name} is not on this machine: install the package {name}")
    asyncio.run(run(options))


main()
