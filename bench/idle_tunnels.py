#!/usr/bin/env python3
"""What an idle CONNECT tunnel, or an idle kept connection, costs the gateway in resident memory.

Starts the built gateway on a configuration of its own, opens idle tunnels to a sink in this process and prints KB of the gateway's RSS per
tunnel, kernel buffers not included. With --kept it is connections of which each has asked for one thing in absolute form. Needs Linux and:

    dotnet build -c Release PyProxy.Gateway && python3 bench/idle_tunnels.py
"""
import argparse
import asyncio
import json
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

from harness import small_answers

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
DEADLINE_SECONDS = 120
SETTLE_SECONDS = 3    # what opening left behind is collected meanwhile
WARM_UP = 200         # code, pools and threads that the first tunnels bring are no cost of each further one
AT_ONCE = 50


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def configuration(directory):
    return {
        "Kestrel": {"Endpoints": {"Proxy": {"Url": "http://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": True}}},
        "Gateway": {
            "DataDirectory": directory,
            "Egress": {"AllowedAddresses": ["127.0.0.1"], "ConnectPorts": ["*"]},
            "Telemetry": {"AccessLog": {"Path": f"{directory}/access.log"}},
        },
    }


def listening_port(pid):
    """The only port that the process listens on; None while there is none."""
    listing = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout
    ports = [line.split()[3].rsplit(":", 1)[1] for line in listing.splitlines() if f"pid={pid}," in line]
    return int(ports[0]) if ports else None


async def open_tunnel(port, target):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"no tunnel: {head!r}")
    # Bytes both ways: a tunnel that has worked and rests is what a gateway holds many of.
    writer.write(b"ping")
    await reader.readexactly(4)
    return writer


async def open_kept(port, target):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET http://{target}/ HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"no answer: {head!r}")
    await reader.readexactly(2)
    return writer


async def open_idle(open_one, count, port, target):
    opened = []
    while len(opened) < count:
        batch = min(AT_ONCE, count - len(opened))
        opened += await asyncio.gather(*(open_one(port, target) for _ in range(batch)))
    return opened


sink_connections = []


async def answer_once(reader, writer):
    # One answer, then the tunnel rests. No task waits for more, so that the end of the measurement has none to cancel.
    writer.write(await reader.readexactly(4))
    sink_connections.append(writer)


async def measure(gateway, count, kept):
    while (port := listening_port(gateway.pid)) is None:
        if gateway.poll() is not None:
            raise RuntimeError(f"the gateway ended with {gateway.returncode}")
        await asyncio.sleep(0.2)

    sink = await asyncio.start_server(answer_once, "127.0.0.1", 0, backlog=1024)
    async with small_answers() as origin:
        open_one, what, server = (open_kept, "kept connection", origin) if kept else (open_tunnel, "tunnel", sink.sockets[0].getsockname()[1])
        target = f"127.0.0.1:{server}"
        idle = await open_idle(open_one, WARM_UP, port, target)
        await asyncio.sleep(SETTLE_SECONDS)
        before = resident_kb(gateway.pid)
        idle += await open_idle(open_one, count, port, target)
        await asyncio.sleep(SETTLE_SECONDS)
        after = resident_kb(gateway.pid)
    print(f"{count} idle {what}s: RSS {before} KB -> {after} KB, {(after - before) / count:.1f} KB per {what}")


async def bounded(gateway, count, kept):
    await asyncio.wait_for(measure(gateway, count, kept), DEADLINE_SECONDS)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tunnels", type=int, default=5000, choices=range(100, 10001), metavar="100..10000")
    arguments.add_argument("--kept", action="store_true", help="kept connections instead of tunnels")
    arguments.add_argument("--gateway", type=pathlib.Path, default=GATEWAY, help="the executable to measure")
    options = arguments.parse_args()
    if not options.gateway.exists():
        sys.exit(f"{options.gateway} is not there; build it: dotnet build -c Release PyProxy.Gateway")

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="pyproxy-idle-") as directory:
        path = pathlib.Path(directory) / "appsettings.json"
        path.write_text(json.dumps(configuration(directory)))
        log = (pathlib.Path(directory) / "stderr.log").open("w")
        gateway = subprocess.Popen([options.gateway, "--config", path], stdout=subprocess.DEVNULL, stderr=log, cwd=directory)
        try:
            asyncio.run(bounded(gateway, options.tunnels, options.kept))
        finally:
            gateway.kill()
            gateway.wait()
            log.close()


if __name__ == "__main__":
    main()
