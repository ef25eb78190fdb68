#!/bin/sh
# The first python there is runs the probe; without one, that is what is told.
for python in python3 python; do
  if command -v "$python" >/dev/null 2>&1; then
    exec "$python" "$1" "$2" "$3"
  fi
done
printf 'studiolink-probe {"error": "no python on PATH", "ok": false, "reading": "worker", "v": 1}\n'
printf 'studiolink-probe {"ok": true, "reading": "end", "v": 1}\n'
