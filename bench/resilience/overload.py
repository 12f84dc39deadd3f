#!/usr/bin/env python3
"""Goodput under more load than there is time for: answers of status 2xx within a second, against the maximum. Linux.

The maximum is the most that is answered, as fast as answers come, to few connections or to as many as the load has later.

The gateway has one CPU for itself; origin (nginx) and load (h2load, constant rate on many connections) share another. Needs Debian's nginx-light and
nghttp2-client:

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/overload.py
"""
import argparse
import contextlib
import itertools
import pathlib
import resource
import subprocess
import tempfile
import time

from gateway import Gateway
from stores import free_port

NGINX = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error;
events {{ worker_connections 20000; }}
http {{ access_log off; keepalive_requests 1000000; server {{ listen 127.0.0.1:{port} backlog=8192; location / {{ return 200 "ok"; }} }} }}
"""

PARTS = 10
FEW = 256


class Outcome:
    """What h2load was answered, per second, and how long those who were let in waited."""

    def __init__(self, log, seconds):
        self.good = self.refused = self.late = 0
        times = []
        for line in log:
            _, status, microseconds = line.split("\t")[:3]
            if status == "503":
                self.refused += 1
                continue
            times.append(int(microseconds) / 1000)
            if status.startswith("2") and times[-1] <= 1000:
                self.good += 1
            else:
                self.late += 1
        self.good, self.refused, self.late = (round(count / seconds) for count in (self.good, self.refused, self.late))
        times.sort()
        self.median, self.p99 = (times[int(share * (len(times) - 1))] if times else float("nan") for share in (0.5, 0.99))


def load(port, connections, rate, seconds):
    """
    h2load at a rate, or as fast as answers come. All connections of one h2load ask in the same moment of their turn, so a rate is put together from
    several that begin one after the other within a turn.
    """
    parts = PARTS if rate else 1
    command = ["taskset", "-c", "1", "h2load", "--h1", "-c", str(connections // parts), "-t", "1", "-D", str(seconds), "--warm-up-time", "2",
               *(["--rps", f"{rate / connections:.3f}"] if rate else [])]
    with contextlib.ExitStack() as stack:
        logs, running = [], []
        for _ in range(parts):
            logs.append(stack.enter_context(tempfile.NamedTemporaryFile("r")))
            running.append(subprocess.Popen([*command, "--log-file", logs[-1].name, f"http://127.0.0.1:{port}/"], stdout=subprocess.DEVNULL))
            time.sleep(connections / rate / parts if rate else 0)
        for process in running:
            process.wait(seconds + 30)
        return Outcome(itertools.chain(*logs), seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--warm", type=int, default=30, help="seconds of full load, twice, before the maximum is measured, until everything is compiled for good")
    parser.add_argument("--connections", type=int, default=5_000)
    parser.add_argument("--loads", type=float, nargs="+", default=[1, 2, 3], help="multiples of the maximum")
    parser.add_argument("--delay-ms", type=int, nargs="+", help="Gateway:Limits:Overload:Machine:ThreadPoolDelay, one measurement each; 0 = no refusals; default: the gateway's")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        (pathlib.Path(directory) / "nginx.conf").write_text(NGINX.format(directory=directory, port=port))
        origin = subprocess.Popen(["taskset", "-c", "1", "nginx", "-p", directory, "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            for delay in options.delay_ms or [None]:
                run(options, port, delay)
        finally:
            origin.terminate()
            origin.wait()


def run(options, port, delay):
    sections = {"ReverseProxy": {
        "Routes": {"all": {"ClusterId": "c", "Match": {"Path": "{**rest}"}}},
        "Clusters": {"c": {"Destinations": {"o": {"Address": f"http://127.0.0.1:{port}"}}}}}}
    if delay is not None:
        sections["Gateway"] = {"Limits": {"Overload": {"Machine": {"ThreadPoolDelay": f"00:00:{delay / 1000:06.3f}"}}}}
    with Gateway(sections, prefix=["taskset", "-c", "0"]) as gateway:
        time.sleep(1)
        web = gateway.ports["Web"]
        for connections in (FEW, options.connections):
            load(web, connections, None, options.warm)
        print(f"ThreadPoolDelay {'default' if delay is None else f'{delay} ms'}\n\n"
              "| Load | Connections | Offered /s | Good /s (2xx within 1 s) | Refused /s | Late /s | p50 of those let in | p99 | Gateway's CPU |\n|---|---|---|---|---|---|---|---|---|")
        maximum = 0
        for connections, factor in ((FEW, None), (options.connections, None), *((options.connections, factor) for factor in options.loads)):
            before, began = gateway.cpu_seconds(), time.monotonic()
            outcome = load(web, connections, factor and factor * maximum, options.seconds)
            used = (gateway.cpu_seconds() - before) / (time.monotonic() - began)
            maximum = maximum if factor else max(maximum, outcome.good)
            name, offered = (f"{factor:g} × the maximum", f"{factor * maximum:.0f}") if factor else ("as fast as it answers", "")
            print(f"| {name} | {connections} | {offered} | {outcome.good} ({outcome.good / maximum:.0%}) | {outcome.refused} | {outcome.late} "
                  f"| {outcome.median:.0f} ms | {outcome.p99:.0f} ms | {used:.0%} |", flush=True)
        print(f"\nrefused because of the machine: {gateway.metric('pyproxy_overload_refusals_total'):.0f}\n")


if __name__ == "__main__":
    main()
