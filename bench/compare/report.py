"""The tables, and the plots as plain SVG."""
import html
import platform
import re
import statistics
import pathlib

COLOURS = {"nginx": "#4b9b5f", "haproxy": "#7c6bb0", "caddy": "#c08a3e", "squid": "#7c6bb0", "tinyproxy": "#c08a3e", "microsocks": "#c08a3e", "bare YARP": "#888"}


def machine():
    cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 1048576
    count = len(re.findall(r"^processor", pathlib.Path("/proc/cpuinfo").read_text(), re.M))
    return f"{count} × {cpu[1] if cpu else platform.machine()}, {memory:.0f} GB, {platform.system()} {platform.release()}; load generator and origin on the same machine"


def ratios(rounds, name, baseline, value):
    """Ratios of the pairs that stood side by side in one round."""
    return [value(r[name]) / value(r[baseline]) for r in rounds if name in r and baseline in r and value(r[baseline])]


def spread(values):
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def middle(rounds, name, value):
    values = [value(r[name]) for r in rounds if name in r and value(r[name]) is not None]
    return statistics.median(values) if values else None


def number(value, digits=1):
    return "–" if value is None else f"{value:,.{digits}f}"


def table(scenario, rounds):
    lines = [f"### {scenario.title}", "",
             f"| | {scenario.unit}s/s | own CPU {scenario.cpu_unit}/{scenario.unit} | p50 ms | p99 ms | p99.9 ms | memory MB | CPU, × {scenario.baseline} | rate, × {scenario.baseline} |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name in scenario.peers:
        if not any(name in r for r in rounds):
            lines.append(f"| {name} | not there | | | | | | | |")
            continue
        errors = sum(r[name]["errors"] for r in rounds if name in r)
        digits = 2 if scenario.unit == "GB" else 0
        lines.append("| " + " | ".join([
            name + (f" ({errors} errors)" if errors else ""),
            number(middle(rounds, name, lambda m: m["rate"]), digits), number(middle(rounds, name, lambda m: m["cpu"] * scenario.scale), 2 if scenario.unit == "GB" else 1),
            *(number(middle(rounds, name, lambda m, key=key: m[key])) for key in ("p50", "p99", "p999")),
            number(middle(rounds, name, lambda m: m["memory"]), 0),
            spread(ratios(rounds, name, scenario.baseline, lambda m: m["cpu"])), spread(ratios(rounds, name, scenario.baseline, lambda m: m["rate"])),
        ]) + " |")
    return lines + [""]


def plot(scenario, rounds):
    """Bars of CPU per unit, each relative to the baseline of its round."""
    names = [name for name in scenario.peers if any(name in r for r in rounds)]
    values = {name: statistics.median(ratios(rounds, name, scenario.baseline, lambda m: m["cpu"]) or [0]) for name in names}
    most = max(1.0, *values.values(), 1.0)
    width, row, left = 640, 26, 190
    height = row * len(names) + 34
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif" font-size="13">',
             f'<text x="4" y="16" font-weight="600">{html.escape(scenario.title)}: own CPU, × {html.escape(scenario.baseline)}</text>']
    for i, name in enumerate(names):
        y, length = 28 + i * row, (width - left - 60) * values[name] / most
        parts.append(f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{html.escape(name)}</text>'
                     f'<rect x="{left}" y="{y + 2}" width="{length:.1f}" height="{row - 8}" fill="{COLOURS.get(name, "#2a6fb0")}"/>'
                     f'<text x="{left + length + 6:.1f}" y="{y + 15}">{values[name]:.2f}</text>')
    one = left + (width - left - 60) / most
    parts.append(f'<line x1="{one:.1f}" x2="{one:.1f}" y1="24" y2="{height - 4}" stroke="#a4262c" stroke-dasharray="4 4"/></svg>')
    return "\n".join(parts) + "\n"
