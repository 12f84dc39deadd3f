"""Debian's redis-server and PostgreSQL, to be killed and restarted."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nobody listens on {port}")


class Redis:
    def __init__(self):
        self.port, self.directory = free_port(), tempfile.mkdtemp(prefix="pyproxy-redis-")

    def start(self):
        self.process = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.directory], stdout=subprocess.DEVNULL)
        wait_for(self.port)
        return f"127.0.0.1:{self.port}"

    restart = start

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.directory)


class Postgres:
    """As the user postgres where this runs as root: the server refuses to be root's."""

    def __init__(self):
        self.port, self.directory = free_port(), tempfile.mkdtemp(prefix="pyproxy-postgres-")
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.as_user:
            shutil.chown(self.directory, "postgres")
        subprocess.run([*self.as_user, f"{self.bin}/initdb", "-D", f"{self.directory}/data", "-U", "postgres", "-A", "trust", "-N"], check=True, capture_output=True)

    def start(self):
        self._control("start", "-w", "-o", f"-p {self.port} -h 127.0.0.1 -k {self.directory}", "-l", f"{self.directory}/log")
        return f"Host=127.0.0.1;Port={self.port};Username=postgres;Database=postgres"

    restart = start

    def kill(self):
        self._control("stop", "-m", "immediate")

    def close(self):
        self.kill()
        shutil.rmtree(self.directory)

    def _control(self, *arguments):
        subprocess.run([*self.as_user, f"{self.bin}/pg_ctl", "-D", f"{self.directory}/data", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
