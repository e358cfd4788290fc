#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills each rank of a run of forked processes in turn, then the parent, and reports how long the end took and what was
# left behind. Exits with 1 when a run did not end within 2 s, ended with another code than 70, or left something.
set -euo pipefail
cd "$(dirname "$0")/.."
ppthreads=${PPTHREADS:-.build/release/ppthreads}
rounds=${1:-5}
failures=0

now() { date +%s%N; }
start() {
    "$ppthreads" run --transport processes --stages 3 --layers 6 --dim 64 --heads 4 --ffn 128 --vocab-size 100 \
        --batch 12 --measure 1000000 2>"$errors" &
    parent=$!
    children=""
    while [ "$(wc -w <<<"$children")" -lt 3 ]; do
        children=$(cat "/proc/$parent/task/$parent/children")
        sleep 0.01
    done
    sleep 0.2
}
# A process that has ended and is not reaped yet by its new parent is not alive.
is_alive() {
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1) || true
    [ -n "$state" ] && [ "$state" != Z ] && [ "$state" != X ]
}
any_alive() {
    for child in $children; do
        if is_alive "$child"; then return 0; fi
    done
    return 1
}
complain() { echo "  WRONG: $1"; failures=$((failures + 1)); }
check_leftovers() {
    if any_alive; then complain "a rank is left"; fi
    if [ "$(ls /dev/shm)" != "$names" ]; then complain "/dev/shm has changed"; fi
}

errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
names=$(ls /dev/shm)
for rank in 0 1 2; do
    for _ in $(seq "$rounds"); do
        start
        before=$(now)
        kill -KILL "$(cut -d' ' -f$((rank + 1)) <<<"$children")"
        code=0
        wait "$parent" || code=$?
        milliseconds=$((($(now) - before) / 1000000))
        echo "rank $rank killed: ended after $milliseconds ms with code $code: $(cat "$errors")"
        if [ "$milliseconds" -ge 2000 ]; then complain "it took longer than 2 s"; fi
        if [ "$code" -ne 70 ]; then complain "the code is not 70"; fi
        if [ "$(wc -l <"$errors")" -ne 1 ]; then complain "not one line"; fi
        check_leftovers
    done
done
for _ in $(seq "$rounds"); do
    start
    before=$(now)
    kill -KILL "$parent"
    wait "$parent" 2>/dev/null || true
    while any_alive && [ $((($(now) - before) / 1000000)) -lt 5000 ]; do sleep 0.001; done
    echo "parent killed: all ranks gone after $((($(now) - before) / 1000000)) ms"
    check_leftovers
done
exit $((failures > 0))
