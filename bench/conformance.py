#!/usr/bin/env python3
"""Asks the built gateway what RFC 9110 and 9112 ask of intermediaries, as a reverse and as a forward proxy, and prints the scores.

Starts the gateway on a configuration of its own, and the checks of bench/rfc against it: raw sockets over HTTP/1.1 and a strict origin that
records every byte. What fails is listed; docs/conformance.md says why. The exit code is 1 where a score is lower than there.

    dotnet build -c Release PyProxy.Gateway && python3 bench/conformance.py
"""
import argparse
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
SUITE = ROOT / "bench" / "rfc" / "rfcproxy.py"
START_SECONDS = 30
LEAST = {"reverse": {"must": 107, "should": 17, "practical": 18}, "forward": {"must": 122, "should": 17, "practical": 23}}


def free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def configuration(directory, origin, reverse, forward):
    shipped = (ROOT / "appsettings.json").read_text(encoding="utf-8")
    return {
        "Kestrel": {"Endpoints": {
            "Web": {"Url": f"http://127.0.0.1:{reverse}"},
            "Proxy": {"Url": f"http://127.0.0.1:{forward}", "Role": "Forward"}}},
        "ReverseProxy": {
            "Routes": {"all": {"ClusterId": "origin", "Match": {"Path": "{**rest}"}}},
            "Clusters": {"origin": {"Destinations": {"one": {"Address": f"http://127.0.0.1:{origin}"}}}}},
        "Gateway": {
            "DataDirectory": directory,
            "Users": {"Accounts": {"alice": {"PasswordHash": re.search(r'"PasswordHash": "([^"]+)"', shipped)[1]}}},
            "Egress": {"AllowedAddresses": ["127.0.0.1"], "ConnectPorts": ["*"]},
            "Telemetry": {"AccessLog": {"Path": f"{directory}/access.log"}}},
    }


def wait_for(port, gateway):
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if gateway.poll() is not None:
            sys.exit(f"the gateway ended with {gateway.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("the gateway does not listen")


def ask(mode, port, origin):
    """Runs one mode; true where the score is what it should be."""
    asked = dict(os.environ, MODE=mode, PROXY=f"127.0.0.1:{port}", ORIGIN=f"127.0.0.1:{origin}", PYTHONDONTWRITEBYTECODE="1")
    if mode == "forward":
        asked["AUTH"] = "alice:wonderland"
    lines = subprocess.run([sys.executable, SUITE], env=asked, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    print(*(line for line in lines if line.startswith("FAIL")), sep="\n")
    score = json.loads(lines[-1])
    print(f"{mode}: MUST {score['must']}, SHOULD {score['should']}, practical {score['practical']}", flush=True)
    return all(int(score[level].split("/")[0]) >= least for level, least in LEAST[mode].items())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--gateway", type=pathlib.Path, default=GATEWAY, help="the executable to ask")
    options = arguments.parse_args()
    if not options.gateway.exists():
        sys.exit(f"{options.gateway} is not there; build it: dotnet build -c Release PyProxy.Gateway")

    origin, reverse, forward = free_ports(3)
    with tempfile.TemporaryDirectory(prefix="pyproxy-conformance-") as directory:
        path = pathlib.Path(directory) / "appsettings.json"
        path.write_text(json.dumps(configuration(directory, origin, reverse, forward)), encoding="utf-8")
        gateway = subprocess.Popen([options.gateway, "--config", path], stdout=subprocess.DEVNULL)
        try:
            wait_for(forward, gateway)
            good = [ask("reverse", reverse, origin), ask("forward", forward, origin)]
        finally:
            gateway.terminate()
            gateway.wait()
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
