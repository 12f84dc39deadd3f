#!/usr/bin/env python3
"""How long a gateway takes from the start of its process to the first byte that it has proxied.

Starts the published program again and again, with the root appsettings.json (other ports and a new data directory), asks for the sample route as soon as
something listens, and prints how long until the first byte of the origin's answer: reverse proxy and, in runs of their own, forward proxy with a password.
The origin is ready before. Needs Linux and:

    dotnet restore PyProxy.Gateway -p:PublishReadyToRun=true
    dotnet publish PyProxy.Gateway --no-restore -c Release -r linux-x64 --no-self-contained
    python3 bench/start_up.py
"""
import argparse
import asyncio
import contextlib
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from harness import basic, small_answers

ROOT = pathlib.Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "linux-x64" / "publish" / "PyProxy.Gateway"
PATIENCE = 30  # seconds
ENDPOINTS = {"Web": "Reverse", "Proxy": "Forward", "Socks": "Socks", "Admin": "Admin"}


def free_ports(count):
    with contextlib.ExitStack() as sockets:
        probes = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


async def first_byte(port, request, until):
    """Asks as soon as somebody listens; the first line of the answer."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except ConnectionRefusedError:
            if time.monotonic() > until:
                sys.exit("The gateway does not listen.")
            await asyncio.sleep(0.001)
    writer.write(request.encode())
    status = await reader.read(12)
    writer.close()
    return status.decode()


async def one_start(program, origin, way):
    ports = dict(zip(ENDPOINTS, free_ports(len(ENDPOINTS))))
    with tempfile.TemporaryDirectory() as data:
        environment = {
            **os.environ,
            **{f"Kestrel__Endpoints__{name}__Url": f"http://127.0.0.1:{port}" for name, port in ports.items()},
            "ReverseProxy__Clusters__sample__Destinations__origin__Address": f"http://127.0.0.1:{origin}",
            "Gateway__Egress__ConnectPorts__0": "*",
            "Gateway__DataDirectory": data,
        }
        target = f"http://127.0.0.1:{origin}/" if way == "Proxy" else "/"
        login = f"Proxy-Authorization: {basic('alice', 'wonderland')}\r\n" if way == "Proxy" else ""
        request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{origin}\r\n{login}\r\n"
        used_before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        process = subprocess.Popen([program, "--config", ROOT / "appsettings.json"], env=environment, cwd=data,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            status = await first_byte(ports[way], request, began + PATIENCE)
            took = time.monotonic() - began
        finally:
            process.kill()
            process.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        if status != "HTTP/1.1 200":
            sys.exit(f"The gateway answered {status}.")
    cpu = used.ru_utime + used.ru_stime - used_before.ru_utime - used_before.ru_stime
    return took * 1000, cpu * 1000


async def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", type=pathlib.Path, default=PUBLISHED, help="the published program (default: %(default)s)")
    arguments.add_argument("--starts", type=int, default=10)
    options = arguments.parse_args()
    if not options.program.exists():
        sys.exit(f"{options.program} is not there; it is made by what --help says.")

    async with small_answers() as origin:
        for way, name in (("Web", "reverse"), ("Proxy", "forward, with a password")):
            await one_start(options.program, origin, way)  # from the disk; the others find it in memory
            runs = [await one_start(options.program, origin, way) for _ in range(options.starts)]
            times, cpu = zip(*runs)
            print(f"{name}: median {statistics.median(times):.0f} ms, {min(times):.0f} to {max(times):.0f} ms; "
                  f"{statistics.median(cpu):.0f} ms of processor time; {len(runs)} starts")


asyncio.run(main())
