"""What dashboards.py is written in: panels with their queries, rows, variables, and the layout."""
import re

SELECTOR = 'job=~"$job",instance=~"$instance"'
WIDTH, HEIGHT, STAT_HEIGHT = 24, 8, 4


def query(text):
    """`x{S}` and `x{S,more}` get the selector, `[R]` the interval."""
    return re.sub(r"\{S\b", "{" + SELECTOR, text).replace("[R]", "[$__rate_interval]")


def panel(kind, title, description, unit, *targets, width=8, stack=False, thresholds=None, decimals=None):
    """A target is a query with the legend behind it; `instant` panels (stat, table, bargauge) show the last value only."""
    instant = kind != "timeseries"
    steps = [{"color": "green", "value": None}] + [{"color": color, "value": value} for value, color in thresholds or []]
    defaults = {"unit": unit, "color": {"mode": "thresholds" if instant else "palette-classic"}, "thresholds": {"mode": "absolute", "steps": steps}}
    if unit != "dateTimeAsIso":
        defaults["min"] = 0
    if decimals is not None:
        defaults["decimals"] = decimals
    options = {}
    if kind == "timeseries":
        defaults["custom"] = {
            "lineWidth": 1, "fillOpacity": 25 if stack else 8, "showPoints": "never", "spanNulls": False,
            "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        }
        options = {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"]}, "tooltip": {"mode": "multi", "sort": "desc"}}
    elif kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "colorMode": "value", "textMode": "auto"}
    elif kind == "bargauge":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal", "displayMode": "basic"}
    return {
        "type": kind, "title": title, "description": description,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options,
        "gridPos": {"w": width, "h": STAT_HEIGHT if kind == "stat" else HEIGHT},
        "targets": [
            {"refId": chr(ord("A") + i), "expr": query(expression), "legendFormat": legend, "instant": instant, "range": not instant}
            for i, (expression, legend) in enumerate(targets)
        ],
    }


def graph(title, description, unit, *targets, **more):
    return panel("timeseries", title, description, unit, *targets, **more)


def stat(title, description, unit, expression, legend="", **more):
    return panel("stat", title, description, unit, (expression, legend), **{"width": 4, **more})


def bars(title, description, unit, expression, legend, **more):
    return panel("bargauge", title, description, unit, (expression, legend), **more)


def quantiles(metric, by="", more="", of=("0.5", "0.99")):
    """Targets: quantiles of a histogram, apart by some labels."""
    labels = "".join("{{" + label.strip() + "}} " for label in by.split(",") if label)
    inner = f"sum by (le{', ' + by if by else ''}) (rate({metric}_bucket{{S{',' + more if more else ''}}}[R]))"
    return [(f"histogram_quantile({q}, {inner})", f"{labels}p{float(q) * 100:g}") for q in of]


def rate(metric, by="", more=""):
    return f"sum {f'by ({by}) ' if by else ''}(rate({metric}{{S{',' + more if more else ''}}}[R]))"


def row(title, *panels):
    return {"type": "row", "title": title, "collapsed": False, "panels": []}, panels


def variable(name, label, metric, where=""):
    return {
        "name": name, "label": label, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": f"label_values({metric}{where}, {name})", "refId": name}, "definition": f"label_values({metric}{where}, {name})",
        "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*" if name in ("route", "cluster") else ".+",
        "current": {"text": "All", "value": "$__all"},
    }


COMMON_VARIABLES = [
    {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "current": {}},
    variable("job", "Job", "pyproxy_process_start_time_seconds"),
    variable("instance", "Gateway", "pyproxy_process_start_time_seconds", '{job=~"$job"}'),
]


def dashboard(name, title, description, *rows, variables=()):
    panels, y, number = [], 0, 1
    for head, members in rows:
        panels.append({**head, "id": number, "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        x, y, number, line = 0, y + 1, number + 1, 0
        for member in members:
            size = member["gridPos"]
            if x + size["w"] > WIDTH:
                x, y, line = 0, y + line, 0
            panels.append({**member, "id": number, "gridPos": {"x": x, "y": y, **size}})
            x, number, line = x + size["w"], number + 1, max(line, size["h"])
        y += line
    return {
        "uid": f"pyproxy-{name}", "title": f"PyProxy.Gateway / {title}", "description": description, "tags": ["pyproxy-gateway"],
        "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s", "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "links": [{
            "title": "Dashboards", "type": "dashboards", "tags": ["pyproxy-gateway"], "asDropdown": False, "includeVars": True, "keepTime": True,
            "targetBlank": False, "icon": "external link", "tooltip": "", "url": "",
        }],
        "templating": {"list": [*COMMON_VARIABLES, *variables]}, "annotations": {"list": []}, "panels": panels,
    }
