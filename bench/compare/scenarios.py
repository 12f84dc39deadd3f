"""What is measured: for each scenario its peers, how they are driven, and in which unit."""
import dataclasses
from typing import Callable

import drivers
import peers as the_peers
from peers import FEATURES

REVERSE = ("nginx", "haproxy", "caddy", "bare YARP", "gateway", "gateway, everything on")
FORWARD = ("squid", "tinyproxy", "gateway", "gateway, everything on")
TUNNEL = ("squid", "tinyproxy", "gateway")
SOCKS = ("microsocks", "gateway")


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    peers: tuple
    baseline: str
    unit: str                       # of what is counted: request, tunnel, GB
    drive: Callable                 # (peer, bench) -> {"count", "errors", "p50", "p99", "p999"}
    scale: float = 1e6              # CPU seconds per unit -> what is shown
    cpu_unit: str = "µs"


def credentials(peer, field):
    return drivers.basic_fields(FEATURES if peer.name.endswith("everything on") or peer.name.endswith("auth") else (), field)


def web(path, connections):
    return lambda peer, bench: drivers.wrk(f"http://127.0.0.1:{peer.ports['web']}/{path}", connections, bench.seconds, bench.directory,
                                           credentials=credentials(peer, "Authorization"))


def tls(peer, bench):
    return drivers.wrk(f"https://127.0.0.1:{peer.ports['tls']}/small", 64, bench.seconds, bench.directory, credentials=credentials(peer, "Authorization"))


def h2(peer, bench):
    return drivers.h2load(f"https://127.0.0.1:{peer.ports['tls']}/small", 16, 16, bench.seconds)


def forward(peer, bench):
    target = f"http://127.0.0.1:{bench.origin.port}/small"
    return drivers.wrk(f"http://127.0.0.1:{peer.ports['forward']}/", 64, bench.seconds, bench.directory, absolute=target,
                       credentials=credentials(peer, "Proxy-Authorization"))


def kind(peer):
    return "forward" if "forward" in peer.ports else "socks"


def set_up(kind):
    return lambda peer, bench: drivers.set_up(peer.ports[kind], kind, bench.sink.port, bench.seconds)


def bulk(kind, tunnels, download):
    return lambda peer, bench: drivers.bulk(peer.ports[kind], kind, bench.sink.port, tunnels, download, bench.seconds)


def bulk_over(tls):
    def run(peer, bench):
        port = peer.ports["proxy_tls" if tls else "proxy_h2c" if "h2" in peer.name else "forward"]
        if "h2" in peer.name:
            return drivers.bulk_h2(port, bench.sink.port, tls, bench.seconds)
        return drivers.bulk(port, "forward", bench.sink.port, 1, True, bench.seconds, tls)
    return run


ALONE = tuple(f"gateway, {feature}" for feature in FEATURES)

SCENARIOS = [
    Scenario("reverse-small-64", "Reverse, 100 bytes, 64 connections", REVERSE, "bare YARP", "request", web("small", 64)),
    Scenario("reverse-small-512", "Reverse, 100 bytes, 512 connections", REVERSE, "bare YARP", "request", web("small", 512)),
    Scenario("reverse-64k-64", "Reverse, 64 KB, 64 connections", REVERSE[:-1], "bare YARP", "request", web("64k", 64)),
    Scenario("reverse-64k-512", "Reverse, 64 KB, 512 connections", REVERSE[:-1], "bare YARP", "request", web("64k", 512)),
    Scenario("reverse-tls", "Reverse, TLS in front, 100 bytes, 64 connections", REVERSE[:-1], "bare YARP", "request", tls),
    Scenario("reverse-h2", "Reverse, h2 in front, 100 bytes, 16 connections of 16 streams", REVERSE[:-1], "bare YARP", "request", h2),
    Scenario("features", "Reverse, each feature alone (for information)", ("bare YARP", "gateway", *ALONE), "bare YARP", "request", web("small", 64)),
    Scenario("forward-plain", "Forward, absolute form, 100 bytes, 64 connections", FORWARD, "squid", "request", forward),
    Scenario("connect-set-up", "CONNECT, opened and closed, 8 at once", TUNNEL, "tinyproxy", "tunnel", set_up("forward")),
    Scenario("socks-set-up", "SOCKS5, opened and closed, 8 at once", SOCKS, "microsocks", "tunnel", set_up("socks")),
    *(Scenario(f"bulk-{direction}-{tunnels}", f"CONNECT, {direction}load through {tunnels} tunnel{'s' if tunnels > 1 else ''}", TUNNEL, "squid", "GB",
               bulk("forward", tunnels, direction == "down"), 1, "s") for direction in ("down", "up") for tunnels in (1, 8)),
    *(Scenario(f"socks-bulk-{direction}", f"SOCKS5, {direction}load through 8 tunnels", SOCKS, "microsocks", "GB",
               bulk("socks", 8, direction == "down"), 1, "s") for direction in ("down", "up")),
    Scenario("bulk-h2", "CONNECT inside h2 against h1, both inside TLS, download through 1 tunnel", ("gateway", "gateway, h2"), "gateway", "GB", bulk_over(True), 1, "s"),
    Scenario("bulk-h2c", "CONNECT inside h2 against h1, both without TLS, download through 1 tunnel", ("gateway", "gateway, h2"), "gateway", "GB", bulk_over(False), 1, "s"),
]


def start(name, directory, origin):
    """Starts a peer by the name that it has in the scenarios."""
    if name == "gateway, everything on":
        return the_peers.gateway(directory, origin, FEATURES, name)
    if name == "gateway, h2":
        return the_peers.gateway(directory, origin, (), name)
    if name.startswith("gateway, "):
        return the_peers.gateway(directory, origin, (name.removeprefix("gateway, "),), name)
    return {"nginx": the_peers.nginx, "haproxy": the_peers.haproxy, "caddy": the_peers.caddy, "bare YARP": the_peers.bare_yarp, "gateway": the_peers.gateway,
            "squid": the_peers.squid, "tinyproxy": the_peers.tinyproxy, "microsocks": the_peers.microsocks}[name](directory, origin)
