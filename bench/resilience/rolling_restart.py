#!/usr/bin/env python3
"""Two gateways behind HAProxy are restarted one after the other under load: no request may fail, tunnels finish or end at their deadline. Linux; needs haproxy.

HAProxy asks each gateway's /health/ready twice a second; a gateway that is told to stop says 503 there, goes on serving for
Gateway:Shutdown:Delay, and only then stops.

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/rolling_restart.py [--rounds 2]
"""
import argparse
import asyncio
import pathlib
import subprocess
import tempfile
import time

from gateway import Gateway, Load, OriginServer, tally
from stores import free_port, wait_for
from traffic import Tunnels

HAPROXY = """
global
    maxconn 4000
defaults
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend web
    mode http
    bind 127.0.0.1:{web}
    default_backend web
backend web
    mode http
    option httpchk GET /health/ready
    http-check expect status 200
{web_servers}
frontend proxy
    mode tcp
    bind 127.0.0.1:{proxy}
    default_backend proxy
backend proxy
    mode tcp
    option httpchk GET /health/ready
    http-check expect status 200
{proxy_servers}
"""


class Balancer:
    def __init__(self, gateways):
        self.directory = tempfile.TemporaryDirectory(prefix="pyproxy-haproxy-")
        self.web, self.proxy = free_port(), free_port()
        line = lambda name: "\n".join(
            f"    server {i} 127.0.0.1:{ports[name]} check port {ports['Admin']} inter 500 fall 1 rise 2" for i, ports in enumerate(gateways))
        file = pathlib.Path(self.directory.name) / "haproxy.cfg"
        file.write_text(HAPROXY.format(web=self.web, proxy=self.proxy, web_servers=line("Web"), proxy_servers=line("Proxy")))
        self.process = subprocess.Popen(["haproxy", "-db", "-q", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.web)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()


def sections(port):
    return {
        "ReverseProxy": {"Routes": {"all": {"ClusterId": "c", "Match": {"Path": "{**rest}"}}},
                         "Clusters": {"c": {"Destinations": {"o": {"Address": f"http://127.0.0.1:{port}"}}}}},
        "Gateway": {"Shutdown": {"Delay": "00:00:02", "TunnelTimeout": "00:00:04"}},
    }


async def run(options):
    origin = await OriginServer().start()
    ports = [{name: free_port() for name in ("Web", "Proxy", "Admin")} for _ in range(2)]
    gateways = [Gateway(sections(origin.port), ports=each).start() for each in ports]
    balancer = Balancer(ports)
    await asyncio.sleep(2)
    load = Load(balancer.web, "/", clients=options.clients).start()
    tunnels = Tunnels(balancer.proxy, origin.port, 20, 5).start()
    await asyncio.sleep(3)
    for turn in range(options.rounds):
        for i in range(2):
            started = time.monotonic()
            gateways[i].stop(wait=False)
            while gateways[i].process.poll() is None:
                await asyncio.sleep(0.05)
            took = time.monotonic() - started
            gateways[i].close()
            gateways[i] = Gateway(sections(origin.port), ports=ports[i]).start()
            await asyncio.sleep(3)
            print(f"round {turn + 1}, gateway {i + 1}: stopped after {took:.1f} s; so far {dict(tally(load.answers))}", flush=True)
    await load.stop()
    await tunnels.stop()
    for moment, what in tunnels.refusals:
        print(f"a tunnel was refused {moment - started:.1f} s after the last gateway was told to stop: {what}")
    print(f"\nrequests: {dict(tally(load.answers))}, slowest {percentile_ms(load)} ms")
    print(f"tunnels: {tunnels.finished} finished, {tunnels.ended} ended at the deadline, {tunnels.refused} refused")
    balancer.close()
    for gateway in gateways:
        gateway.close()


def percentile_ms(load):
    return round(1000 * max(seconds for _, _, seconds in load.answers))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--clients", type=int, default=30)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
