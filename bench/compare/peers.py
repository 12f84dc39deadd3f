"""The proxies that are compared, each with the configuration that makes its work equivalent. What is written here is what they ran on."""
import base64
import json
import pathlib
import subprocess
import textwrap

from processes import Process, free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GATEWAY = ROOT / "PyProxy.Gateway" / "bin" / "Release" / "net10.0" / "PyProxy.Gateway"
BARE_YARP = ROOT / "bench" / "PyProxy.BareYarp" / "bin" / "Release" / "net10.0" / "PyProxy.BareYarp"
USER, PASSWORD = "alice", "wonderland"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

PACKAGES = {"nginx": "nginx-light", "haproxy": "haproxy", "caddy": "caddy", "squid": "squid", "tinyproxy": "tinyproxy",
            "microsocks": "microsocks", "wrk": "wrk", "h2load": "nghttp2-client", "openssl": "openssl"}


class Origin:
    """nginx with static answers of 100 bytes and 64 KB."""

    def __init__(self, directory):
        self.port = free_port()
        root = directory / "www"
        root.mkdir()
        (root / "small").write_bytes(b"x" * 100)
        (root / "64k").write_bytes(b"x" * 65536)
        config = directory / "origin.conf"
        config.write_text(textwrap.dedent(f"""\
            daemon off; worker_processes 2; pid {directory}/origin.pid; error_log {directory}/origin.err;
            events {{ worker_connections 20000; }}
            http {{ access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000; default_type application/octet-stream;
              client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2; fastcgi_temp_path {directory}/t3; uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
              open_file_cache max=10;
              server {{ listen 127.0.0.1:{self.port} backlog=8192; root {root}; }} }}
            """))
        self.process = Process(["nginx", "-p", directory, "-c", config], directory / "origin.log", self.port)

    def stop(self):
        self.process.stop()


def certificate(directory):
    pem, key = directory / "tls.pem", directory / "tls.key"
    if not pem.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", key, "-out", pem], check=True, capture_output=True)
        (directory / "tls.both").write_text(pem.read_text() + key.read_text())
    return pem, key, directory / "tls.both"


class Peer:
    def __init__(self, name, process, **ports):
        self.name = name
        self.process = process
        self.ports = ports

    def stop(self):
        self.process.stop()


def nginx(directory, origin):
    plain, tls = free_port(), free_port()
    pem, key, _ = certificate(directory)
    config = directory / "nginx.conf"
    config.write_text(textwrap.dedent(f"""\
        daemon off; worker_processes 2; pid {directory}/nginx.pid; error_log {directory}/nginx.err;
        events {{ worker_connections 20000; }}
        http {{ access_log off; tcp_nodelay on; keepalive_requests 100000000;
          client_body_temp_path {directory}/n1; proxy_temp_path {directory}/n2; fastcgi_temp_path {directory}/n3; uwsgi_temp_path {directory}/n4; scgi_temp_path {directory}/n5;
          upstream origin {{ server 127.0.0.1:{origin}; keepalive 1024; keepalive_requests 100000000; }}
          server {{ listen 127.0.0.1:{plain} backlog=8192; listen 127.0.0.1:{tls} ssl http2 backlog=8192;
            ssl_certificate {pem}; ssl_certificate_key {key};
            location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
        """))
    return Peer("nginx", Process(["nginx", "-p", directory, "-c", config], directory / "nginx.log", plain), web=plain, tls=tls)


def haproxy(directory, origin):
    plain, tls = free_port(), free_port()
    both = certificate(directory)[2]
    config = directory / "haproxy.cfg"
    config.write_text(textwrap.dedent(f"""\
        global
          maxconn 8000
          nbthread 2
        defaults
          mode http
          timeout connect 5s
          timeout client 60s
          timeout server 60s
          http-reuse always
        frontend web
          bind 127.0.0.1:{plain} backlog 8192
          bind 127.0.0.1:{tls} ssl crt {both} alpn h2,http/1.1 backlog 8192
          default_backend origin
        backend origin
          server one 127.0.0.1:{origin} pool-max-conn 1024
        """))
    return Peer("haproxy", Process(["haproxy", "-db", "-f", config], directory / "haproxy.log", plain), web=plain, tls=tls)


def caddy(directory, origin):
    plain, tls = free_port(), free_port()
    pem, key, _ = certificate(directory)
    config = directory / "Caddyfile"
    config.write_text(textwrap.dedent(f"""\
        {{
          admin off
          auto_https off
          storage file_system {directory}/caddy
        }}
        http://127.0.0.1:{plain} {{
          reverse_proxy 127.0.0.1:{origin} {{
            transport http {{
              keepalive_idle_conns_per_host 1024
            }}
          }}
        }}
        https://127.0.0.1:{tls} {{
          tls {pem} {key}
          reverse_proxy 127.0.0.1:{origin} {{
            transport http {{
              keepalive_idle_conns_per_host 1024
            }}
          }}
        }}
        """))
    return Peer("caddy", Process(["caddy", "run", "--config", config, "--adapter", "caddyfile"], directory / "caddy.log", plain, {"HOME": str(directory)}),
                web=plain, tls=tls)


def bare_yarp(directory, origin):
    plain, tls = free_port(), free_port()
    pem, key, _ = certificate(directory)
    home = directory / "bare-yarp"
    home.mkdir(exist_ok=True)
    (home / "appsettings.json").write_text(json.dumps({
        "Kestrel": {"Endpoints": {
            "Web": {"Url": f"http://127.0.0.1:{plain}"},
            "Tls": {"Url": f"https://127.0.0.1:{tls}", "Certificate": {"Path": str(pem), "KeyPath": str(key)}}}},
        "ReverseProxy": reverse(origin)}))
    return Peer("bare YARP", Process([BARE_YARP], directory / "bare-yarp.log", plain, cwd=home), web=plain, tls=tls)


def reverse(origin, route=None):
    return {"Routes": {"all": {"ClusterId": "origin", "Match": {"Path": "{**rest}"}, **(route or {})}},
            "Clusters": {"origin": {"Destinations": {"one": {"Address": f"http://127.0.0.1:{origin}"}}}}}


# What can be switched on. "log" is to a file, as everybody else's would be.
FEATURES = ("auth", "limits", "rules", "log")


def gateway(directory, origin, features=(), name=None, more=None):
    name = name or "gateway"
    ports = {role: free_port() for role in ("web", "tls", "forward", "socks", "admin", "proxy_tls", "proxy_h2c")}
    home = directory / name.replace(" ", "-").replace(",", "")
    home.mkdir(exist_ok=True)
    pem, key, _ = certificate(directory)
    tls = {"Certificate": {"Path": str(pem), "KeyPath": str(key)}}
    settings = {
        "DataDirectory": str(home / "data"),
        "Egress": {"AllowedAddresses": ["127.0.0.1"], "ConnectPorts": ["*"]},
        "Telemetry": {"AccessLog": {"Path": str(home / "access.log")} if "log" in features else {"Format": "Off"}},
    }
    route, anonymous = {}, {"AllowAnonymous": True}
    if "auth" in features:
        hashed = subprocess.run([GATEWAY, "hash"], input=PASSWORD + "\n", capture_output=True, text=True, check=True).stdout.strip()
        settings["Users"] = {"Accounts": {USER: {"PasswordHash": hashed, **({"Plan": "busy"} if "limits" in features else {})}}}
        route["AuthorizationPolicy"] = "default"
        anonymous = {}
    if "limits" in features:
        settings["Plans"] = {"busy": {"Rates": ["1000000/s burst 1000000", "1000000000/h"], "Concurrency": 100000, "Tunnels": 100000}}
        route["RateLimiterPolicy"] = "busy"
    if "rules" in features:
        settings["Filtering"] = {"Default": "Allow", "Rules": [
            {"Name": f"no-{i}", "Match": {"Hosts": [f"host{i}.example", f"*.host{i}.example"]}, "Action": "Deny"} for i in range(1000)]}
    configuration = {
        "Kestrel": {"Endpoints": {
            "Web": {"Url": f"http://127.0.0.1:{ports['web']}", "Role": "Reverse"},
            "Tls": {"Url": f"https://127.0.0.1:{ports['tls']}", "Role": "Reverse", **tls},
            "Proxy": {"Url": f"http://127.0.0.1:{ports['forward']}", "Role": "Forward", **anonymous},
            "ProxyTls": {"Url": f"https://127.0.0.1:{ports['proxy_tls']}", "Role": "Forward", **anonymous, **tls},
            "ProxyH2c": {"Url": f"http://127.0.0.1:{ports['proxy_h2c']}", "Role": "Forward", "Protocols": "Http2", **anonymous},
            "Socks": {"Url": f"http://127.0.0.1:{ports['socks']}", "Role": "Socks", **anonymous},
            "Admin": {"Url": f"http://127.0.0.1:{ports['admin']}", "Role": "Admin"}}},
        "ReverseProxy": reverse(origin, route),
        "Gateway": {**settings, **(more or {})},
        "Logging": {"LogLevel": {"Default": "Warning"}}}
    (home / "appsettings.json").write_text(json.dumps(configuration, indent=1))
    return Peer(name, Process([GATEWAY, "--config", home / "appsettings.json"], home / "log", ports["web"]), **ports)


def squid(directory, _):
    port = free_port()
    directory.chmod(0o777)  # started by root, it goes on as its own user
    config = directory / "squid.conf"
    config.write_text(textwrap.dedent(f"""\
        http_port 127.0.0.1:{port}
        acl local src 127.0.0.0/8
        http_access allow local
        cache deny all
        access_log none
        cache_log {directory}/squid.cache.log
        pid_filename {directory}/squid.pid
        coredump_dir {directory}
        max_filedescriptors 16000
        shutdown_lifetime 1 second
        """))
    return Peer("squid", Process(["squid", "-N", "-n", f"compare{port}", "-f", config], directory / "squid.log", port), forward=port)


def tinyproxy(directory, _):
    port = free_port()
    config = directory / "tinyproxy.conf"
    config.write_text(textwrap.dedent(f"""\
        Port {port}
        Listen 127.0.0.1
        Timeout 600
        MaxClients 10000
        LogLevel Critical
        LogFile "{directory}/tinyproxy.out"
        """))
    return Peer("tinyproxy", Process(["tinyproxy", "-d", "-c", config], directory / "tinyproxy.log", port), forward=port)


def microsocks(directory, _):
    port = free_port()
    return Peer("microsocks", Process(["microsocks", "-i", "127.0.0.1", "-p", port], directory / "microsocks.log", port), socks=port)
