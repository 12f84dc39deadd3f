#!/usr/bin/env python3
"""Measures the gateway beside its peers, all driven in turns in one run, so that what disturbs the machine disturbs them alike.

    dotnet build -c Release PyProxy.sln
    python3 bench/compare                                 # everything, about 40 minutes
    python3 bench/compare --only reverse-small-64 bulk-down-8 --rounds 3
    python3 bench/compare --list

Needs Linux and, from Debian's packages: nginx-light haproxy caddy squid tinyproxy microsocks wrk nghttp2-client openssl. What
is not installed is named and left out. Writes report.md, report.json and a plot for each scenario into --out. All traffic stays on loopback.
"""
import argparse
import json
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import types

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parent.parent)]
import drivers  # noqa: E402
import peers as the_peers  # noqa: E402
import report  # noqa: E402
from scenarios import SCENARIOS, start  # noqa: E402

EXTRAS = ("idle", "users", "start")
IDLE_TUNNELS, USERS = 5000, 10_000
COMPILED_WHILE_RUNNING, COMPILING_SECONDS = ("bare YARP", "gateway"), 20  # in less, half of what is measured would be the compiler


def missing():
    return {program: package for program, package in the_peers.PACKAGES.items() if shutil.which(program) is None}


def measure(scenario, peer, bench):
    before, started = peer.process.cpu_seconds(), time.monotonic()
    done = scenario.drive(peer, bench)
    elapsed, cpu = time.monotonic() - started, peer.process.cpu_seconds() - before
    return {**done, "rate": done["count"] / elapsed, "cpu": cpu / max(done["count"], 1e-9), "memory": peer.process.memory_mb("VmHWM")}


def run_scenario(scenario, bench, options, absent):
    """Rounds in which every peer has its turn, after one that only warms up."""
    running = {}
    try:
        for name in scenario.peers:
            if name not in absent:
                try:
                    running[name] = start(name, bench.directory_of(scenario.name), bench.origin.port)
                except RuntimeError as failure:
                    print(f"  {failure}", flush=True)
        for name, peer in running.items():
            warm_up = types.SimpleNamespace(**{**vars(bench), "seconds": COMPILING_SECONDS if name.startswith(COMPILED_WHILE_RUNNING) else options.seconds})
            scenario.drive(peer, warm_up)
        rounds = []
        for number in range(1, options.rounds + 1):
            measured = {}
            for name, peer in running.items():
                try:
                    measured[name] = measure(scenario, peer, bench)
                except (AssertionError, OSError, subprocess.CalledProcessError) as failure:
                    print(f"  {name}: {failure}", flush=True)
            rounds.append(measured)
            print(f"  round {number}: " + ", ".join(f"{name} {m['cpu'] * scenario.scale:.3g} {scenario.cpu_unit}, {m['rate']:.3g}/s" for name, m in measured.items()), flush=True)
        return rounds
    finally:
        for peer in running.values():
            peer.stop()


def run_idle(bench, absent):
    found = {}
    for name in ("squid", "tinyproxy", "gateway"):
        if name in absent:
            continue
        peer = start(name, bench.directory_of("idle"), bench.origin.port)
        try:
            found[name] = drivers.idle(peer.ports["forward"], bench.sink.port, IDLE_TUNNELS, peer)
        finally:
            peer.stop()
        print(f"  {name}: {found[name]}", flush=True)
    return found


def run_users(bench):
    """As many users as at once come, each with credentials of its own, half of them through tunnels."""
    directory = bench.directory_of("users")
    names = [f"user{i}" for i in range(USERS)]
    (directory / "users.csv").write_text("name,password\n" + "".join(f"{name},{name}-0123456789abcdef0123\n" for name in names))
    (directory / "users.txt").write_text("".join(f"{name}:{name}-0123456789abcdef0123\n" for name in names))
    more = {"SharedState": {"Database": "Data Source=users.db"}, "Users": {"Stores": ["Database"]}}
    peer = the_peers.gateway(directory, bench.origin.port, ("auth",), "seed", more)
    peer.stop()
    config = directory / "seed" / "appsettings.json"
    subprocess.run([the_peers.GATEWAY, "users", "import", directory / "users.csv", "--generated", "--config", config], check=True, capture_output=True)
    process = the_peers.Process([the_peers.GATEWAY, "--config", config], directory / "users.log", peer.ports["web"])
    try:
        stage = drivers.capacity(USERS, 20, directory, "--rate", "0.2", "--forward", f"http://127.0.0.1:{peer.ports['forward']}",
                                 "--target", f"http://127.0.0.1:{bench.origin.port}/small", "--users", directory / "users.txt", "--mix", "plain=50,tunnel=50")
        return {"stage": stage, "memory": process.memory_mb("VmHWM")}
    finally:
        process.stop()


def run_start(bench, options):
    """From the start of the process to the first byte through it."""
    times = []
    for _ in range(options.rounds + 1):
        directory = bench.directory_of(f"start{len(times)}")
        before = time.monotonic()
        peer = the_peers.gateway(directory, bench.origin.port)
        try:
            before = peer.process.started
            subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{peer.ports['web']}/small"], check=True)
            times.append((time.monotonic() - before) * 1000)
        finally:
            peer.stop()
    return {"ms": times[1:]}


def main():
    parser = argparse.ArgumentParser(prog="python3 bench/compare", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [scenario.name for scenario in SCENARIOS] + list(EXTRAS)
    parser.add_argument("--only", nargs="+", choices=names, metavar="SCENARIO", help="just these; --list names them")
    parser.add_argument("--list", action="store_true", help="names of the scenarios")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each peer (default 5), after one that warms up")
    parser.add_argument("--seconds", type=int, default=5, help="of each turn (default 5)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("artifacts/compare"), help="directory for the report (default artifacts/compare)")
    options = parser.parse_args()
    if options.list:
        print(*names, sep="\n")
        return 0
    for built in (the_peers.GATEWAY, the_peers.BARE_YARP):
        if not built.exists():
            print(f"{built} is not there: dotnet build -c Release PyProxy.sln", file=sys.stderr)
            return 1
    absent = missing()
    if absent:
        print(f"Left out, because not installed: {', '.join(absent)}. To have them: apt-get install {' '.join(sorted(set(absent.values())))}", file=sys.stderr)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    wanted = options.only or names
    options.out.mkdir(parents=True, exist_ok=True)
    results, lines = {}, ["# The gateway beside its peers", "", report.machine() + ".", "",
                          f"{options.rounds} rounds of {options.seconds} s for each peer, in turns; ratios are of the same round: median (least–most).", ""]
    with tempfile.TemporaryDirectory(prefix="pyproxy-compare-") as root:
        root = pathlib.Path(root)
        root.chmod(0o755)

        def directory_of(name):
            path = root / name
            path.mkdir(exist_ok=True)
            return path

        origin, sink = the_peers.Origin(directory_of("origin")), drivers.SinkProcess()
        bench = types.SimpleNamespace(seconds=options.seconds, directory=directory_of("drivers"), directory_of=directory_of, origin=origin, sink=sink)
        try:
            for scenario in SCENARIOS:
                if scenario.name not in wanted:
                    continue
                print(scenario.title, flush=True)
                rounds = results[scenario.name] = run_scenario(scenario, bench, options, absent)
                lines += report.table(scenario, rounds)
                (options.out / f"{scenario.name}.svg").write_text(report.plot(scenario, rounds))
            if "idle" in wanted:
                print(f"{IDLE_TUNNELS} idle tunnels", flush=True)
                results["idle"] = found = run_idle(bench, absent)
                lines += [f"### Memory of {IDLE_TUNNELS} idle tunnels", "", "| | opened | KB each |", "|---|---|---|",
                          *(f"| {name} | {m['opened']} | {m['kb']:.1f} |" for name, m in found.items()), ""]
            if "users" in wanted:
                print(f"{USERS} users at once", flush=True)
                results["users"] = found = run_users(bench)
                stage = found["stage"]
                lines += [f"### {USERS:,} users at once, each with own credentials", "", "| requests | errors | p50 ms | p99 ms | peak memory MB |", "|---|---|---|---|---|",
                          f"| {stage['requests']:,} | {sum(stage['failures'].values())} | {stage['p50Milliseconds']:.1f} | {stage['p99Milliseconds']:.1f} | {found['memory']:.0f} |", ""]
            if "start" in wanted:
                print("Start to first byte", flush=True)
                results["start"] = found = run_start(bench, options)
                lines += ["### From start to the first proxied byte", "", f"{report.spread(found['ms'])} ms", ""]
        finally:
            origin.stop()
            sink.close()
            (options.out / "report.json").write_text(json.dumps({"machine": report.machine(), "results": results}, indent=1))
            (options.out / "report.md").write_text("\n".join(lines))
    print(f"Written: {options.out}/report.md, report.json and plots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
