#!/usr/bin/env python3
"""The dashboards in readable form; writes dashboards/*.json, and the Kubernetes form of the Prometheus rules.

  python3 deploy/grafana/dashboards.py            # writes the files
  python3 deploy/grafana/dashboards.py --check    # says which are not what this source says

In queries, {S} stands for the selector of the chosen jobs and gateways, [R] for Grafana's rate interval.
"""
import json
import pathlib
import sys

from panels import bars, dashboard, graph, quantiles, rate, row, stat, variable

HERE = pathlib.Path(__file__).resolve().parent

FAULTS = 'outcome=~"gateway_error|destination_error"'
ALL_BYTES = 'sum by (direction) (rate(pyproxy_request_bytes_total{S}[R])) + sum by (direction) (rate(pyproxy_tunnel_bytes_total{S}[R]))'

OVERVIEW = dashboard(
    "overview", "Overview", "Is it well, and what does it do: the numbers to look at first.",
    row("Now",
        stat("Gateways", "Gateways that are scraped and answer.", "none", "count(pyproxy_process_start_time_seconds{S})"),
        stat("Requests", "Exchanges that end, tunnels included.", "reqps", rate("pyproxy_requests_total")),
        stat("Failing", "Share of exchanges that failed through the gateway's or a destination's fault.", "percentunit",
             f'(sum(rate(pyproxy_requests_total{{S,{FAULTS}}}[R])) or vector(0)) / sum(rate(pyproxy_requests_total{{S}}[R]))',
             thresholds=[(0.01, "orange"), (0.05, "red")], decimals=2),
        stat("Slowest percent", "99 of 100 requests that are no tunnels took less.", "s", quantiles("pyproxy_request_duration_seconds", of=["0.99"])[0][0]),
        stat("Tunnels open", "CONNECT and SOCKS5 tunnels.", "none", "sum(pyproxy_tunnels_active{S})"),
        stat("Bytes a second", "Of bodies and tunnels, both directions.", "Bps", f"sum({ALL_BYTES})")),
    row("Traffic",
        graph("Requests by way in", "Exchanges that end, by how they came in.", "reqps", (rate("pyproxy_requests_total", "way_in"), "{{way_in}}"), stack=True),
        graph("Requests by outcome", "ok: answered by the destination, whatever its status. The others were refused or failed, and by whose fault.", "reqps",
              (rate("pyproxy_requests_total", "outcome"), "{{outcome}}"), stack=True),
        graph("Answers by status", "Status classes, whoever answered.", "reqps",
              ('sum by (class) (label_replace(rate(pyproxy_requests_total{S}[R]), "class", "${1}xx", "http_response_status_code", "(.).."))', "{{class}}"),
              stack=True),
        graph("Throughput", "in: from clients; out: to clients. Tunnels are counted while they run, bodies when the exchange ends.", "Bps",
              (ALL_BYTES, "{{direction}}")),
        graph("Under way", "Requests and tunnels that are being worked on.", "none",
              ("sum(pyproxy_requests_active{S})", "requests"), ("sum(pyproxy_tunnels_active{S})", "tunnels")),
        graph("Refusals", "What the gateway refused: credentials, rules, limits.", "reqps",
              (rate("pyproxy_requests_total", "outcome", 'outcome=~"unauthenticated|denied|limited"'), "{{outcome}}"), stack=True)),
    row("Time",
        graph("Duration", "From the request's head to the end of the answer; without tunnels.", "s", *quantiles("pyproxy_request_duration_seconds", of=["0.5", "0.9", "0.99"])),
        graph("In the gateway", "Before anything was sent on: authentication, rules, limits, waiting for a place.", "s",
              *quantiles("pyproxy_request_gateway_duration_seconds", "role")),
        graph("Waiting upstream", "From sending a request on to the head of the answer, all tries together.", "s",
              *quantiles("pyproxy_request_upstream_duration_seconds", "role"))),
    row("What it stands on",
        stat("Configuration", "1 while what the file says is in force; 0 after it was rejected.", "none", "min(pyproxy_configuration_in_force{S})",
             thresholds=[]),
        stat("Redis", "1 while Redis answers in time, 0 while it is away, 1 where there is none.", "none", "min(pyproxy_redis_connected{S}) or vector(1)"),
        stat("Database", "1 while the database answers, 0 while it is away, 1 where nothing needs it.", "none", "min(pyproxy_database_available{S}) or vector(1)"),
        stat("Open files", "Share of the descriptors that a gateway may have, the worst one's.", "percentunit",
             "max(pyproxy_process_open_files{S} / pyproxy_process_open_files_limit{S})", thresholds=[(0.8, "red")], decimals=1),
        stat("Certificates", "Time until the first one of an endpoint expires; 10 years where there is none.", "s",
             "(min(pyproxy_certificate_expiry_time_seconds{S}) - time()) or vector(315360000)"),
        stat("Access log lost", "Records that were dropped.", "cps", "sum(rate(pyproxy_access_log_dropped_total{S}[R])) or vector(0)", thresholds=[(0.001, "red")])))

ROUTES = dashboard(
    "routes", "Routes and destinations", "The reverse proxy, by YARP's routes, clusters and destinations.",
    row("Routes",
        graph("Requests by route", "Exchanges that end.", "reqps", (rate("pyproxy_requests_total", "route", 'role="reverse",route=~"$route"'), "{{route}}"), stack=True),
        graph("Failing by route", "Failures by the gateway's or the destination's fault, and why (the token of Proxy-Status).", "reqps",
              (rate("pyproxy_requests_total", "route, outcome, error_type", f'role="reverse",route=~"$route",{FAULTS}'), "{{route}} {{outcome}} {{error_type}}")),
        graph("Refused by route", "Credentials, rules, limits.", "reqps",
              (rate("pyproxy_requests_total", "route, outcome", 'role="reverse",route=~"$route",outcome=~"unauthenticated|denied|limited"'), "{{route}} {{outcome}}")),
        graph("Duration by route", "From the request's head to the end of the answer.", "s",
              *quantiles("pyproxy_request_duration_seconds", "route", 'role="reverse",route=~"$route"')),
        graph("In the gateway by route", "Before anything was sent on.", "s", *quantiles("pyproxy_request_gateway_duration_seconds", "route", 'route=~"$route"')),
        graph("Bytes by route", "Bodies and upgraded streams (WebSockets).", "Bps",
              (rate("pyproxy_request_bytes_total", "route, direction", 'role="reverse",route=~"$route"'), "{{route}} {{direction}}"))),
    row("Clusters and destinations",
        graph("Requests by destination", "Where requests went.", "reqps",
              (rate("pyproxy_requests_total", "cluster, destination", 'role="reverse",cluster=~"$cluster",destination!=""'), "{{cluster}} {{destination}}"), stack=True),
        graph("Answers by cluster", "By status, whoever answered.", "reqps",
              (rate("pyproxy_requests_total", "cluster, http_response_status_code", 'role="reverse",cluster=~"$cluster"'), "{{cluster}} {{http_response_status_code}}"), stack=True),
        graph("Waiting for destinations", "From sending a request on to the head of the answer.", "s",
              *quantiles("pyproxy_request_upstream_duration_seconds", "cluster, destination", 'role="reverse",cluster=~"$cluster"')),
        bars("Failing by destination", "Share of a destination's requests that failed by its fault, over the time shown.", "percentunit",
             '(sum by (cluster, destination) (increase(pyproxy_requests_total{S,role="reverse",cluster=~"$cluster",destination!="",outcome="destination_error"}[$__range])) '
             'or 0 * sum by (cluster, destination) (increase(pyproxy_requests_total{S,role="reverse",cluster=~"$cluster",destination!=""}[$__range]))) '
             '/ (sum by (cluster, destination) (increase(pyproxy_requests_total{S,role="reverse",cluster=~"$cluster",destination!=""}[$__range])) > 0)',
             "{{cluster}} {{destination}}", width=12),
        graph("Resilience", "What pipelines did: retries, time-outs, circuits that opened.", "ops",
              (rate("resilience_polly_strategy_events_total", "pipeline_name, event_name"), "{{pipeline_name}} {{event_name}}"), width=12)),
    variables=[variable("route", "Route", "pyproxy_requests_total", '{job=~"$job",role="reverse"}'),
               variable("cluster", "Cluster", "pyproxy_requests_total", '{job=~"$job",role="reverse"}')])

FORWARD = dashboard(
    "forward", "Forward proxy and tunnels", "Absolute-form requests, CONNECT, SOCKS5, and the way out.",
    row("Requests and tunnels",
        graph("Requests by way in", "forward: in absolute form; connect and socks: tunnels, counted at their end.", "reqps",
              (rate("pyproxy_requests_total", "way_in", 'role=~"forward|socks"'), "{{way_in}}"), stack=True),
        graph("Outcomes", "Of exchanges that came in on forward and SOCKS endpoints.", "reqps",
              (rate("pyproxy_requests_total", "outcome, error_type", 'role=~"forward|socks"'), "{{outcome}} {{error_type}}"), stack=True),
        graph("Duration of requests", "In absolute form, to the end of the answer.", "s", *quantiles("pyproxy_request_duration_seconds", "way_in", 'role="forward"')),
        graph("Tunnels open", "By how they came in.", "none", ("sum by (way_in) (pyproxy_tunnels_active{S})", "{{way_in}}"), stack=True),
        graph("Tunnels opened", "Established in a second.", "ops", (rate("pyproxy_tunnels_opened_total", "way_in"), "{{way_in}}")),
        graph("How long tunnels last", "Those that have ended.", "s", *quantiles("pyproxy_tunnel_duration_seconds", "way_in")),
        graph("Bytes through tunnels", "Counted while they run.", "Bps", (rate("pyproxy_tunnel_bytes_total", "way_in, direction"), "{{way_in}} {{direction}}")),
        graph("Bytes of requests", "Bodies in absolute form and upgraded streams.", "Bps",
              (rate("pyproxy_request_bytes_total", "direction", 'role="forward"'), "{{direction}}")),
        graph("Until connected", "From asking for a tunnel to the destination being connected.", "s",
              *quantiles("pyproxy_request_upstream_duration_seconds", "role", 'role=~"forward|socks"'))),
    row("The way out",
        graph("Dials by outcome", "Connections asked for; what is no success is the token of Proxy-Status.", "ops",
              (rate("pyproxy_egress_dials_total", "purpose, outcome"), "{{purpose}} {{outcome}}"), stack=True),
        graph("Dials by address family", "Of destinations that were connected.", "ops",
              (rate("pyproxy_egress_dials_total", "network_type", 'outcome="success"'), "{{network_type}}")),
        graph("Dialling", "To resolve, vet and connect, retries included.", "s", *quantiles("pyproxy_egress_dial_duration_seconds", "purpose")),
        graph("Names asked for", "hit: from the cache, or from a question under way.", "ops", (rate("pyproxy_egress_dns_lookups_total", "outcome"), "{{outcome}}"), stack=True),
        graph("Resolving", "Duration of questions to the name server.", "s", *quantiles("pyproxy_egress_dns_duration_seconds", "outcome")),
        graph("Names remembered", "In the cache.", "none", ("sum by (instance) (pyproxy_egress_dns_cached_names{S})", "{{instance}}"))))

POLICY = dashboard(
    "policy", "Policy", "Who asks, may they go there, how much may they use.",
    row("Who asks",
        graph("Credentials", "That clients presented, by scheme and what came of it.", "ops",
              (rate("pyproxy_authentication_attempts_total", "scheme, outcome"), "{{scheme}} {{outcome}}"), stack=True),
        graph("Verifying passwords", "Time that a password waited for and took to be verified.", "s", *quantiles("pyproxy_users_verification_duration_seconds", "outcome")),
        graph("Waiting and remembered", "Passwords that wait to be verified, and verified credentials that are remembered.", "none",
              ("sum(pyproxy_users_verifications_waiting{S})", "waiting"), ("sum(pyproxy_users_remembered{S})", "remembered"))),
    row("May they go there",
        graph("Verdicts by rule", "What rules did; would_…: what rules that only report would have done.", "ops",
              (rate("pyproxy_filter_verdicts_total", "rule, verdict"), "{{rule}} {{verdict}}"), stack=True),
        graph("Reports by rule and user", "Matches of rules that only report: who would have been hit.", "ops",
              ("topk(10, " + rate("pyproxy_filter_reports_total", "rule, user") + ")", "{{rule}} {{user}}")),
        graph("List hits", "Look-ups that found an entry.", "ops", (rate("pyproxy_filter_list_hits_total", "list"), "{{list}}")),
        graph("Age of lists", "Since the source last confirmed what is in force.", "s", ("max by (list) (pyproxy_filter_list_age_seconds{S})", "{{list}}")),
        graph("Entries of lists", "In force.", "none", ("max by (list) (pyproxy_filter_list_entries{S})", "{{list}}")),
        graph("Refreshes of lists", "By what came of it.", "ops", (rate("pyproxy_filter_list_refreshes_total", "list, outcome"), "{{list}} {{outcome}}"))),
    row("How much may they use",
        graph("Decisions", "Of plans' limits about requests.", "ops", (rate("pyproxy_limiter_decisions_total", "plan, outcome"), "{{plan}} {{outcome}}"), stack=True),
        graph("Refused by limit", "The limit that refused.", "ops", (rate("pyproxy_limiter_decisions_total", "plan, limit", 'outcome="refused"'), "{{plan}} {{limit}}")),
        graph("At once", "Requests and tunnels that hold a permit of a limit on how many there may be at once.", "none",
              ("sum by (plan) (pyproxy_limiter_permits{S})", "{{plan}}")),
        graph("Places", "Requests that have a place under the overload limit, and that wait for one.", "none",
              ("sum(pyproxy_limiter_admitted{S})", "admitted"), ("sum(pyproxy_limiter_queue_length{S})", "waiting")),
        graph("Queued", "Requests that found no free place, by what came of it.", "ops",
              ("sum by (outcome) (rate(pyproxy_limiter_queued_requests_total{S}[R])) or vector(0)", "{{outcome}}")),
        graph("Held back", "Seconds per second that transfers waited for bandwidth.", "none",
              (rate("pyproxy_limiter_throttled_time_seconds_total", "plan, direction"), "{{plan}} {{direction}}")),
        graph("Shared decisions", "Limits that gateways share: ahead and used_up are decided without asking Redis, alone while it is away.", "ops",
              ("sum by (source) (rate(pyproxy_limiter_shared_decisions_total{S}[R])) or vector(0)", "{{source}}"), stack=True),
        graph("Quotas", "Users by how much of a quota they have used in its period.", "none",
              ("sum by (plan, quota, use) (pyproxy_limiter_quotas{S})", "{{plan}} {{quota}} {{use}}"), stack=True),
        graph("Refused by quotas", "Requests refused and transfers cut.", "ops",
              ("sum by (plan, outcome) (rate(pyproxy_limiter_quota_refusals_total{S}[R])) or vector(0)", "{{plan}} {{outcome}}"))))

USERS = dashboard(
    "users", "Users", "The users with the most of everything. Beyond Gateway:Telemetry:MaxUserSeries they are together (other).",
    row("Now",
        stat("Users with series", "Of their own, the gateway that has the most.", "none", "max(pyproxy_user_series{S})", width=6),
        stat("Room for users", "How much of Gateway:Telemetry:MaxUserSeries is used.", "percentunit", "max(pyproxy_user_series{S} / pyproxy_user_series_limit{S})",
             width=6, thresholds=[(0.8, "orange"), (1, "red")]),
        stat("Remembered credentials", "Verified, and not verified anew for a while.", "none", "sum(pyproxy_users_remembered{S})", width=6),
        stat("Logins in outages", "While a store of users was away, kept or refused.", "cps", "sum(rate(pyproxy_users_outage_logins_total{S}[R])) or vector(0)", width=6)),
    row("Over time",
        graph("Requests", "The ten with the most.", "reqps", ("topk(10, " + rate("pyproxy_user_requests_total", "user") + ")", "{{user}}")),
        graph("Bytes", "The ten with the most, both directions, tunnels counted while they run.", "Bps", ("topk(10, " + rate("pyproxy_user_bytes_total", "user") + ")", "{{user}}")),
        graph("Refusals", "The ten with the most, by rules or by limits.", "reqps",
              ("topk(10, " + rate("pyproxy_user_refusals_total", "user, outcome") + ")", "{{user}} {{outcome}}"))),
    row("In the time shown",
        bars("Requests in all", "By user.", "none", "topk(15, sum by (user) (increase(pyproxy_user_requests_total{S}[$__range])))", "{{user}}"),
        bars("Bytes in all", "By user, both directions.", "bytes", "topk(15, sum by (user) (increase(pyproxy_user_bytes_total{S}[$__range])))", "{{user}}"),
        bars("Refusals in all", "By user.", "none", "topk(15, sum by (user) (increase(pyproxy_user_refusals_total{S}[$__range])))", "{{user}}")))

RUNTIME = dashboard(
    "runtime", "Runtime and saturation", "What the processes use and where they are near an end. Queue and threads of the pool are gauges, whatever their names say.",
    row("Process",
        graph("Processors", "In use, of those that the process may use.", "none",
              ("sum by (instance) (rate(dotnet_process_cpu_time_seconds_total{S}[R]))", "{{instance}}"), ("max by (instance) (dotnet_process_cpu_count{S})", "{{instance}} has")),
        graph("Memory", "Resident, and what the collector has taken from the system.", "bytes",
              ("sum by (instance) (dotnet_process_memory_working_set_bytes{S})", "{{instance}} resident"),
              ("sum by (instance) (dotnet_gc_last_collection_memory_committed_size_bytes{S})", "{{instance}} committed")),
        graph("Open files", "Descriptors, and how many there may be.", "none",
              ("sum by (instance) (pyproxy_process_open_files{S})", "{{instance}}"), ("max by (instance) (pyproxy_process_open_files_limit{S})", "{{instance}} limit")),
        graph("Uptime", "Since the process started.", "s", ("time() - max by (instance) (pyproxy_process_start_time_seconds{S})", "{{instance}}")),
        graph("Thread pool", "Work that waits, and threads.", "none",
              ("sum by (instance) (dotnet_thread_pool_queue_length_total{S})", "{{instance}} waiting"), ("sum by (instance) (dotnet_thread_pool_thread_count_total{S})", "{{instance}} threads")),
        graph("Collections", "By generation.", "ops", (rate("dotnet_gc_collections_total", "gc_heap_generation"), "{{gc_heap_generation}}")),
        graph("Pauses", "Share of the time that all threads stood still for the collector.", "percentunit",
              ("sum by (instance) (rate(dotnet_gc_pause_time_seconds_total{S}[R]))", "{{instance}}")),
        graph("Allocations", "Bytes a second.", "Bps", ("sum by (instance) (rate(dotnet_gc_heap_total_allocated_bytes_total{S}[R]))", "{{instance}}")),
        graph("Contention and exceptions", "Locks that were waited for; exceptions that were thrown.", "ops",
              (rate("dotnet_monitor_lock_contentions_total"), "contentions"), ("sum(rate(dotnet_exceptions_total{S}[R])) or vector(0)", "exceptions"))),
    row("Connections",
        graph("From clients", "Open, and accepted but not yet looked at.", "none",
              ("sum by (instance) (kestrel_active_connections{S})", "{{instance}} open"), ("sum by (instance) (kestrel_queued_connections{S})", "{{instance}} queued")),
        graph("Ended before HTTP", "By the adapter that ended them, and why.", "ops",
              ("sum by (adapter, reason) (rate(pyproxy_listener_rejected_connections_total{S}[R])) or vector(0)", "{{adapter}} {{reason}}")),
        graph("How long connections last", "Those that have ended.", "s", *quantiles("kestrel_connection_duration_seconds"))),
    row("What it stands on",
        graph("Redis calls", "By what came of them.", "ops", ("sum by (outcome) (rate(pyproxy_redis_calls_total{S}[R])) or vector(0)", "{{outcome}}"), stack=True),
        graph("Redis", "Duration of calls that were answered.", "s", *quantiles("pyproxy_redis_call_duration_seconds")),
        graph("Database away", "Operations that found it away.", "ops", ("sum(rate(pyproxy_database_failures_total{S}[R])) or vector(0)", "failures")),
        graph("Configuration", "1 after the start, one more with every configuration that was taken.", "none",
              ("max by (instance) (pyproxy_configuration_generation{S})", "{{instance}}")),
        graph("Reloads", "Configurations read after the start.", "ops", (rate("pyproxy_configuration_reloads_total", "outcome"), "{{outcome}}")),
        graph("Certificates", "Time until they expire; 10 years where there is none.", "s",
              ("(min by (endpoint) (pyproxy_certificate_expiry_time_seconds{S}) - time()) or vector(315360000)", "{{endpoint}}"))),
    row("Records and bounds",
        graph("Access log", "Records handed over, and lost.", "cps",
              (rate("pyproxy_access_log_records_total"), "records"), ("sum(rate(pyproxy_access_log_dropped_total{S}[R])) or vector(0)", "lost")),
        graph("Access log waiting", "Bytes in the queue; at 16 MB records are dropped.", "bytes", ("sum by (instance) (pyproxy_access_log_queue_bytes{S})", "{{instance}}")),
        graph("Series of requests", "Combinations of tags; from 4000 on further ones are one.", "none", ("max by (instance) (pyproxy_exchange_series{S})", "{{instance}}")),
        graph("Should be nothing", "Failures that nobody waited for, audit records that could not be written, questions that filters did not answer.", "ops",
              ("sum(rate(pyproxy_tasks_unobserved_failures_total{S}[R])) or vector(0)", "unobserved failures"),
              ("sum(rate(pyproxy_admin_audit_failures_total{S}[R])) or vector(0)", "audit records"),
              ("sum(rate(pyproxy_filter_failures_total{S}[R])) or vector(0)", "filter failures"), width=12),
        graph("Admin API", "Tokens presented, and calls that change something.", "ops",
              ("sum by (outcome) (rate(pyproxy_admin_authentication_attempts_total{S}[R])) or vector(0)", "tokens {{outcome}}"),
              ("sum by (http_response_status_code) (rate(pyproxy_admin_changes_total{S}[R])) or vector(0)", "changes {{http_response_status_code}}"), width=12)))

DASHBOARDS = {"overview": OVERVIEW, "routes": ROUTES, "forward": FORWARD, "policy": POLICY, "users": USERS, "runtime": RUNTIME}


def prometheus_rule():
    rules = (HERE.parent / "prometheus" / "rules.yaml").read_text()
    body = "".join(f"  {line}\n" if line else "\n" for line in rules[rules.index("groups:"):].splitlines())
    return (
        "# Made by deploy/grafana/dashboards.py from deploy/prometheus/rules.yaml.\n"
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: pyproxy-gateway\nspec:\n" + body)


def main():
    files = {HERE / "dashboards" / f"{name}.json": json.dumps(board, indent=2, ensure_ascii=False) + "\n" for name, board in DASHBOARDS.items()}
    files[HERE.parent / "kubernetes" / "monitoring" / "prometheusrule.yaml"] = prometheus_rule()
    stale = [path for path, text in files.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(HERE.parent)} is not what its source says: run python3 deploy/grafana/dashboards.py")
        sys.exit(1 if stale else 0)
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(files[path])


if __name__ == "__main__":
    main()
