# SPDX-License-Identifier: Apache-2.0
# documented.sh PPTHREADS BLOCK: runs a block of a document's commands, in the folder at hand, to its end or to the first command that
# fails. ppthreads runs for real, with small models and few steps: of a flag that is given twice the last counts. Of programs that take
# long, or that not every machine has, it is checked that what they are given is there.
set -eu
PPTHREADS=$1
bench=$(dirname "$PPTHREADS")/ppthreads-bench

ppthreads() {
    local command=${1:-} small=(--warmup 0 --measure 1)
    local model=(--vocab-size 300 --seq-len 8 --dim 48 --ffn 48)
    case "$command" in
        run) set -- "$@" "${small[@]}" "${model[@]}" ;;
        compare) set -- "$@" --trials 1 "${small[@]}" "${model[@]}" ;;
        sweep) set -- "$@" "${small[@]}" "${model[@]}" --layers 4 --heads 2 --dim 16 --ffn 16 --repeat 1 ;;
        profile) set -- "$@" --rounds 1 "${model[@]}" ;;
        simulate) case " $* " in *" --costs "* | *" --flops "*) set -- "$@" "${model[@]}" ;; esac ;;
        plan) set -- "$@" --rounds 1 --microbatches 4 --schedule 1f1b,zb-v "${model[@]}" ;;
        # A schedule that is a file has sizes of its own.
        verify) case "$*" in *.csv*) ;; *) set -- "$@" --stages 1,2 --microbatches 4 --steps 1 ;; esac ;;
        schedule) case " $* " in *" 8192 "*) set -- "$@" --microbatches 64 ;; esac ;;
    esac
    "$PPTHREADS" "$@"
}

# A benchmark's name and flags are in its help.
ppthreads-bench() {
    local help word
    help=$("$bench" --help)
    grep -q "^  $1 " <<<"$help" || return 1
    for word in "${@:2}"; do
        case "$word" in --*) grep -qe "$word\b" <<<"$help" || return 1 ;; esac
    done
}

swift() {
    case "$*" in
        "run -c release ppthreads "*) ppthreads "${@:5}" ;;
        "run -c release ppthreads-bench "*) ppthreads-bench "${@:5}" ;;
        "run -c release "*) test -f "Snippets/$4.swift" ;;
        "build -c release"* | "test -c release"* | "format lint"*) ;;
        *) return 1 ;;
    esac
}

# A script's flags are somewhere in its folder; one that reads what was just written runs.
python3() {
    local word
    test -f "$1" || return 1
    case "$1 ${2:-}" in *"audit_trace.py trace.json") command python3 "$@" ; return ;; esac
    for word in "${@:2}"; do
        case "$word" in --*) grep -rqe "$word\b" "$(dirname "$1")" || return 1 ;; esac
    done
}
python() { python3 "$@"; }

# A tarball is made, of the program that is there, and installed for a user at home here.
export HOME=$PWD SOURCE_DATE_EPOCH=0
bash() {
    test -f "$1" || return 1
    case "$1" in .ci/release/tarball) command bash "$1" "$PPTHREADS" ;; esac
}
pip() { [ "$1" = install ]; }

# There may be no MPI: then the command reads its flags and files, plans, and says what it lacks.
mpirun() {
    while [ "$1" != ppthreads ]; do shift; done
    shift
    "$PPTHREADS" "$@" 2>errors && return
    grep -qE 'built without MPI|start the command with mpirun' errors
}
mpirun.mpich() { mpirun "$@"; }
srun() { mpirun "$@"; }
pkg-config() { mkdir -p lib/pkgconfig && touch lib/pkgconfig/mpich.pc && echo lib; }

# What a container's program is given is given to ours, in the folder that is mounted there.
docker() {
    if [ "$1" = build ]; then test -f Containerfile; return; fi
    while [ "$1" != ppthreads ]; do shift; done
    shift
    mkdir -p results && (cd results && ppthreads "${@//\/results\//}")
}
sudo() { "$@"; }
taskset() { "${@:3}"; }
perf() { if [ "$1" = record ]; then "${@:4}"; fi; }

. "$2"
