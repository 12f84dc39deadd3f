#!/usr/bin/env python3
"""Goodput at twice the sustainable load: answers of status 2xx within a second, against the maximum. Linux.

The gateway has one CPU for itself; origin (nginx) and load (h2load, constant rate on many connections) share another. Needs Debian's nginx-light and
nghttp2-client:

    dotnet build -c Release PyProxy.Gateway
    python3 bench/resilience/overload.py
"""
import argparse
import pathlib
import resource
import subprocess
import tempfile
import time

from gateway import Gateway

NGINX = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error;
events {{ worker_connections 8192; }}
http {{ access_log off; keepalive_requests 1000000; server {{ listen 127.0.0.1:{port} backlog=8192; location / {{ return 200 "ok"; }} }} }}
"""


def load(port, connections, rate, seconds):
    """h2load at a rate, or as fast as answers come; returns (good per second, refused per second, late or other answers per second)."""
    command = ["taskset", "-c", "1", "h2load", "--h1", "-c", str(connections), "-t", "1", "-D", str(seconds), "--warm-up-time", "2",
               *(["--rps", f"{rate / connections:.3f}"] if rate else []), f"http://127.0.0.1:{port}/"]
    with tempfile.NamedTemporaryFile("r") as log:
        output = subprocess.run([*command[:-1], "--log-file", log.name, command[-1]], capture_output=True, text=True).stdout
        good = refused = late = 0
        for line in log.read().splitlines():
            _, status, microseconds = line.split("\t")[:3]
            if status == "503":
                refused += 1
            elif status.startswith("2") and int(microseconds) <= 1_000_000:
                good += 1
            else:
                late += 1
    if not good:
        raise RuntimeError(output)
    return good / seconds, refused / seconds, late / seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=2000)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with tempfile.TemporaryDirectory() as directory:
        port = 18765
        (pathlib.Path(directory) / "nginx.conf").write_text(NGINX.format(directory=directory, port=port))
        origin = subprocess.Popen(["taskset", "-c", "1", "nginx", "-p", directory, "-c", "nginx.conf"], stderr=subprocess.DEVNULL)
        try:
            run(options, port)
        finally:
            origin.terminate()
            origin.wait()


def run(options, port):
    sections = {"ReverseProxy": {
        "Routes": {"all": {"ClusterId": "c", "Match": {"Path": "{**rest}"}}},
        "Clusters": {"c": {"Destinations": {"o": {"Address": f"http://127.0.0.1:{port}"}}}}}}
    with Gateway(sections, prefix=["taskset", "-c", "0"]) as gateway:
        time.sleep(1)
        load(gateway.ports["Web"], 256, None, 12)  # until everything is compiled for good
        print("| Load | Connections | Offered /s | Good /s (2xx within 1 s) | Refused /s | Late /s |\n|---|---|---|---|---|---|")
        maximum, *rest = load(gateway.ports["Web"], 256, None, options.seconds)
        print(f"| as fast as it answers | 256 | | {maximum:.0f} | {rest[0]:.0f} | {rest[1]:.0f} |", flush=True)
        for factor, connections in ((1, options.connections), (2, options.connections), (2, 5 * options.connections)):
            good, refused, late = load(gateway.ports["Web"], connections, factor * maximum, options.seconds)
            print(f"| {factor} × the maximum | {connections} | {factor * maximum:.0f} | {good:.0f} ({good / maximum:.0%}) | {refused:.0f} | {late:.0f} |", flush=True)
        print(f"\nrefused because of the machine: {gateway.metric('pyproxy_overload_refusals_total'):.0f}")


if __name__ == "__main__":
    main()
