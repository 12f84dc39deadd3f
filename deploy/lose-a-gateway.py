#!/usr/bin/env python3
"""Loses one gateway of deploy/compose.yaml under load, starts it again, and prints what the clients saw.

  python3 deploy/lose-a-gateway.py kill    # as a crash: SIGKILL; what HAProxy may repeat (GET on the reverse proxy)
  python3 deploy/lose-a-gateway.py stop    # as an upgrade: SIGTERM; reverse proxy, forward proxy and CONNECT

Clients keep their connections and repeat nothing. The exit code is 0 when no request failed.
"""
import argparse
import base64
import http.client
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter

CREDENTIALS = {"Proxy-Authorization": "Basic " + base64.b64encode(b"demo:demo").decode()}
PATIENCE = 20


def reverse():
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=PATIENCE)
    return connection, lambda: connection.request("GET", "/bytes/2000")


def forward():
    connection = http.client.HTTPConnection("127.0.0.1", 3128, timeout=PATIENCE)
    return connection, lambda: connection.request("GET", "http://origin:9000/bytes/2000", headers=CREDENTIALS)


def tunnel():
    # A tunnel for each request: one that stays open beyond Gateway:Shutdown:TunnelTimeout would be ended, and rightly so.
    connection = http.client.HTTPConnection("127.0.0.1", 3128, timeout=PATIENCE)
    connection.set_tunnel("origin", 9000, CREDENTIALS)
    return connection, lambda: connection.request("GET", "/bytes/2000", headers={"Connection": "close"})


def client(way, until, seen, slowest):
    connection = None
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            if connection is None or connection.sock is None:
                connection, ask = way()
            ask()
            response = connection.getresponse()
            whole = len(response.read()) == 2000
            outcome = "ok" if response.status == 200 and whole else f"status {response.status}"
        except (OSError, http.client.HTTPException) as error:
            outcome = f"{type(error).__name__}: {error}"
            connection = None
        seen[outcome] += 1
        slowest[0] = max(slowest[0], time.monotonic() - began)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("how", choices=["kill", "stop"])
    arguments.add_argument("--seconds", type=int, default=30)
    arguments.add_argument("--clients", type=int, default=8, help="per way in")
    arguments.add_argument("--engine", default="docker" if shutil.which("docker") else "podman")
    options = arguments.parse_args()

    def engine(*words):
        return subprocess.run([options.engine, *words], check=True, capture_output=True, text=True).stdout.strip()

    lost = engine("ps", "--quiet", "--filter", "label=com.docker.compose.service=gateway-1")
    if not lost or "\n" in lost:
        sys.exit("There is to be one running container of the service gateway-1; start it as deploy/README.md says.")

    ways = [reverse] if options.how == "kill" else [reverse, forward, tunnel]
    until = time.monotonic() + options.seconds
    results = {way: (Counter(), [0.0]) for way in ways}
    threads = [threading.Thread(target=client, args=(way, until, *results[way])) for way in ways for _ in range(options.clients)]
    for thread in threads:
        thread.start()
    time.sleep(options.seconds / 4)
    began = time.monotonic()
    engine(options.how, lost)
    print(f"gateway-1: {options.how}, gone after {time.monotonic() - began:.1f} s")
    time.sleep(options.seconds / 4)
    engine("start", lost)
    print("gateway-1: started again")
    for thread in threads:
        thread.join()

    failed = 0
    for way, (seen, slowest) in results.items():
        bad = seen.total() - seen["ok"]
        failed += bad
        print(f"{way.__name__}: {seen.total()} requests, {bad} failed, slowest {slowest[0]:.2f} s")
        for outcome, count in seen.most_common():
            if outcome != "ok":
                print(f"    {count} {outcome}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
