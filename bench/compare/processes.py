"""Processes under test: started, watched in /proc, ended by their own ids."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 30
STOP_SECONDS = 10


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program and its children. CPU and memory are those of all of them."""

    def __init__(self, command, log, port, env=None, cwd=None):
        self.log = open(log, "wb")
        self.started = time.monotonic()
        self.popen = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      start_new_session=True, env={**os.environ, **(env or {})}, cwd=cwd)
        self.port = port
        try:
            self._wait_for_port()
        except BaseException:
            self.stop()
            raise

    def _wait_for_port(self):
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.popen.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.popen.args[0]} did not start: {pathlib.Path(self.log.name).read_text(errors='replace')[-2000:]}")

    def _tree(self):
        children = {}
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    fields = pathlib.Path(entry.path, "stat").read_text().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                children.setdefault(int(fields[1]), []).append((int(entry.name), (int(fields[11]) + int(fields[12])) / TICKS))
        cpu, ids = 0.0, []
        pending = [self.popen.pid]
        own = next((seconds for siblings in children.values() for pid, seconds in siblings if pid == self.popen.pid), 0.0)
        cpu += own
        while pending:
            pid = pending.pop()
            ids.append(pid)
            for child, seconds in children.get(pid, []):
                cpu += seconds
                pending.append(child)
        return cpu, ids

    def cpu_seconds(self):
        return self._tree()[0]

    def memory_mb(self, what="VmRSS"):
        """Resident memory of all processes; pages that they share (PSS would split them) count in each."""
        total = 0
        for pid in self._tree()[1]:
            try:
                match = re.search(rf"{what}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())
            except OSError:
                continue
            total += int(match[1]) if match else 0
        return total / 1024

    def stop(self):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.popen.pid, sign)
                self.popen.wait(STOP_SECONDS)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.log.close()
