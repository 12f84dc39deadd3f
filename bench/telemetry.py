#!/usr/bin/env python3
"""What telemetry costs the gateway in CPU time per request, each setting beside the others in the same minute.

Starts the built gateway once per setting on a configuration of its own, in front of one origin, and asks each in turns with wrk. The figure is the
gateway's own CPU time (user and system) divided by the requests that were answered; the ratio is to the first setting, by the median of rounds.
Needs Linux, wrk, and:

    dotnet build -c Release PyProxy.Gateway && python3 bench/telemetry.py
"""
import argparse
import contextlib
import http.server
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
CONNECTIONS = 32
TICKS = os.sysconf("SC_CLK_TCK")


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes whatever is exported and forgets it."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def settings(collector):
    traces = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{collector}/v1/traces", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
    return {
        "no traces": {},
        "traces, 0 %": {**traces, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"},
        "traces, 1 %": {**traces, "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"},
        "traces, 100 %": {**traces, "OTEL_TRACES_SAMPLER": "always_on"},
        "no access log": {"AccessLog": {"Path": ""}},
        "framework's request metrics": {"FrameworkRequestMetrics": True},
        "framework's activity": {"Logging": {"LogLevel": {"Microsoft.AspNetCore.Hosting.Diagnostics": "Critical"}}},
    }


def configuration(directory, origin, setting):
    top = {key: value for key, value in setting.items() if key.startswith("OTEL_") or key == "Logging"}
    telemetry = {"AccessLog": {"Path": f"{directory}/access.log"}} | {key: value for key, value in setting.items() if key not in top}
    return top | {
        "Kestrel": {"Endpoints": {"Web": {"Url": "http://127.0.0.1:0"}, "Admin": {"Url": "http://127.0.0.1:0", "Role": "Admin"}}},
        "ReverseProxy": {
            "Routes": {"all": {"ClusterId": "origin", "Match": {"Path": "{**rest}"}}},
            "Clusters": {"origin": {"Destinations": {"one": {"Address": f"http://127.0.0.1:{origin}"}}}}},
        "Gateway": {"DataDirectory": directory, "Telemetry": telemetry},
    }


@contextlib.contextmanager
def started(arguments, pattern, directory):
    """A process, and the first port that a line of its output matching the pattern names."""
    with subprocess.Popen([GATEWAY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory) as process:
        for line in process.stdout:
            if match := re.search(pattern, line):
                threading.Thread(target=process.stdout.read, daemon=True).start()
                try:
                    yield process.pid, int(match[1])
                finally:
                    process.terminate()
                return
        raise RuntimeError("did not start")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def ask(port, seconds):
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(out)
    return int(re.search(r"(\d+) requests in", out)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each turn")
    parser.add_argument("--only", action="append", help="settings to ask, the first being what is compared to")
    options = parser.parse_args()
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    chosen = {name: setting for name, setting in settings(collector.server_port).items() if not options.only or name in options.only}
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        _, origin = stack.enter_context(started(["origin", "--port", "0"], r"http://127\.0\.0\.1:(\d+)", work))
        gateways = {}
        for number, (name, setting) in enumerate(chosen.items()):
            directory = work / str(number)
            directory.mkdir()
            file = directory / "appsettings.json"
            file.write_text(json.dumps(configuration(str(directory), origin, setting)))
            gateways[name] = stack.enter_context(started(["--config", str(file)], r"Web\s+http://127\.0\.0\.1:(\d+)", directory))
            ask(gateways[name][1], 3)  # compiled for what it does from here on
        figures = {name: [] for name in gateways}
        for _ in range(options.rounds):
            for name, (pid, port) in gateways.items():
                before = cpu_seconds(pid)
                requests = ask(port, options.seconds)
                figures[name].append((cpu_seconds(pid) - before) / requests * 1e6)
    first = statistics.median(next(iter(figures.values())))
    print(f"{'':30}{'µs/request':>12}{'ratio':>8}   rounds")
    for name, values in figures.items():
        print(f"{name:30}{statistics.median(values):12.1f}{statistics.median(values) / first:8.2f}   {' '.join(f'{value:.1f}' for value in values)}")


if __name__ == "__main__":
    main()
