#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Kills a sweep at random moments, lets it go on, kills it again, and checks the file: every run once, no broken row. Exits
# with 1 when something is wrong or was left behind. Usage: kill_a_sweep.sh [kills], with SEED in the environment if wanted.
set -euo pipefail
cd "$(dirname "$0")/.."
ppthreads=${PPTHREADS:-.build/release/ppthreads}
kills=${1:-20}
kills_a_file=3
seed=${SEED:-$RANDOM}
RANDOM=$seed
failures=0
grid=(--schedule "gpipe,1f1b" --transport "threads,processes" --stages 2,3 --heads 1,2 --layers 3,6 --dim 32 --ffn 64
    --vocab-size 100 --seq-len 32 --batch-size 8 --warmup-steps 1 --measure-steps 3)

now() { date +%s%N; }
complain() { echo "  WRONG: $1"; failures=$((failures + 1)); }
sweep() { "$ppthreads" sweep --out "$file" "${grid[@]}" >"$folder/output" 2>"$folder/errors"; }
# Lines after the header; a half row counts.
rows() { if [ -e "$file" ]; then awk 'NR > 1' "$file" | wc -l; else echo 0; fi; }
# Every live process but the shell's own that was started with the file as its --out: the sweep, and its forked ranks.
# A process that has ended and is not reaped yet has no command line any more.
left() {
    local process
    for process in /proc/[0-9]*; do
        if tr '\0' '\n' 2>/dev/null <"$process/cmdline" | grep -qxF "$file"; then echo "${process#/proc/}"; fi
    done
}
check_leftovers() {
    local tries=0
    while [ -n "$(left)" ] && [ $tries -lt 40 ]; do sleep 0.05; tries=$((tries + 1)); done
    if [ -n "$(left)" ]; then complain "processes are left: $(left | xargs)"; fi
    if [ "$(ls /dev/shm)" != "$names" ]; then complain "/dev/shm has changed"; fi
}
was_mended() { grep -q "half a row at its end was cut off" "$folder/errors"; }

# Lets the sweep end, and checks its file. No value of these runs has a comma, so that awk can split rows at them.
check_file() {
    local code=0
    sweep || code=$?
    if [ $code -ne 0 ]; then complain "going on ended with code $code: $(cat "$folder/errors")"; fi
    if [ -n "$(tail -c 1 "$file")" ]; then complain "the last row has no end"; fi
    if [ "$(grep -c '^schedule,' "$file")" -ne 1 ]; then complain "the header is not there once"; fi
    if [ "$(awk -F, '{ print NF }' "$file" | sort -u | wc -l)" -ne 1 ]; then complain "rows differ in their fields"; fi
    if [ "$(rows)" -ne "$runs" ]; then complain "$(rows) rows, not $runs"; fi
    runs_of "$file" >"$folder/runs"
    if ! cmp -s "$folder/runs" "$folder/expected"; then complain "the runs are not those of a sweep left alone"; fi
    if ! "$ppthreads" analyze "$file" >/dev/null 2>"$folder/errors"; then complain "analyze: $(cat "$folder/errors")"; fi
    sweep || complain "a finished sweep cannot be started again"
    if ! grep -q "$runs were there before" "$folder/output"; then complain "a finished sweep is not known as one"; fi
    check_leftovers
}
# The settings that vary, sorted, by the columns' names.
runs_of() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { print $at["schedule"], $at["world_size"], $at["layers"], $at["heads"], $at["transport"], $at["repeat"] }' \
        "$1" | sort
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
names=$(ls /dev/shm)
file=$folder/alone.csv
start=$(now)
sweep || { cat "$folder/errors"; exit 1; }
whole=$((($(now) - start) / 1000))
runs=$(rows)
runs_of "$file" >"$folder/expected"
if [ "$(uniq "$folder/expected" | wc -l)" -ne "$runs" ]; then complain "the sweep left alone has a run twice"; fi
echo "seed $seed; left alone, $runs runs take $((whole / 1000)) ms"

killed=0
kills_of_file=0
for ((kill = 1; kill <= kills; kill++)); do
    if [ $kills_of_file -eq 0 ]; then file=$folder/$kill.csv; fi
    moment=$(((RANDOM * 32768 + RANDOM) % whole))
    before=$(rows)
    "$ppthreads" sweep --out "$file" "${grid[@]}" >"$folder/output" 2>"$folder/errors" &
    process=$!
    sleep "$(printf '%d.%06d' $((moment / 1000000)) $((moment % 1000000)))"
    if kill -KILL $process 2>/dev/null; then killed=$((killed + 1)); fi
    { wait $process || true; } 2>/dev/null
    mended=""
    if was_mended; then mended=", half a row cut off"; fi
    echo "kill $kill after $((moment / 1000)) ms: $before rows before, $(rows) after$mended"
    if [ "$(rows)" -lt $((before > 0 && ${#mended} > 0 ? before - 1 : before)) ]; then complain "rows are lost"; fi
    check_leftovers
    kills_of_file=$((kills_of_file + 1))
    if ((kills_of_file == kills_a_file || kill == kills)) || [ "$(rows)" -ge "$runs" ]; then
        check_file
        kills_of_file=0
    fi
done

# Cut in the middle of its last row.
last=$(tail -n 1 "$file" | wc -c)
truncate -s "-$((last / 2))" "$file"
sweep || true
if ! was_mended; then complain "the half row was not noticed"; fi
check_file
echo "cut by hand in the middle of a row: $(rows) rows at the end"

if [ $failures -gt 0 ]; then echo "$failures things are WRONG"; exit 1; fi
echo "all is well: $killed of $kills kills hit a sweep at work; every run is there once, and nothing is left"
