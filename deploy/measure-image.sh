#!/usr/bin/env bash
# The image's size, and how long from `run` to the first 200 of /health/ready and from `stop` to the end; five times.
# usage: deploy/measure-image.sh [image]     ENGINE=podman for podman
set -euo pipefail
engine=${ENGINE:-docker} image=${1:-pyproxy-gateway}
now() { date +%s%3N; }

size=$("$engine" image inspect --format '{{.Size}}' "$image")
echo "size: $((size / 1000000)) MB unpacked"
for _ in 1 2 3 4 5; do
  began=$(now)
  # The forward roles stay on the container's loopback, so it needs no user.
  container=$("$engine" run --detach --read-only --tmpfs /tmp --publish 127.0.0.1::9090 \
    --env Kestrel__Endpoints__Proxy__Url=http://127.0.0.1:3128 --env Kestrel__Endpoints__Socks__Url=http://127.0.0.1:1080 "$image")
  address=$("$engine" port "$container" 9090/tcp | head -1)
  until [[ $(curl -s -o /dev/null -w '%{http_code}' "http://$address/health/ready") == 200 ]]; do
    (($(now) - began < 30000)) || { echo "not ready after 30 s"; "$engine" rm -f "$container" >/dev/null; exit 1; }
    sleep 0.01
  done
  ready=$(now)
  "$engine" stop --time 35 "$container" >/dev/null
  stopped=$(now)
  code=$("$engine" inspect --format '{{.State.ExitCode}}' "$container")
  "$engine" rm "$container" >/dev/null
  echo "ready after $((ready - began)) ms, stopped after $((stopped - ready)) ms with exit code $code"
done
