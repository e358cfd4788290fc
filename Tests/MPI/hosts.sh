#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2054,SC2317 # commas within words; functions that a trap or a name in a variable calls
# Runs an MPI program on several hosts that are namespaces of this machine; --help says how. Wants root, iproute2 and an MPI.
#
# A host is a process that sleeps in namespaces of its own: network, host name, mounts (for /sys, /etc/hosts and
# /dev/shm, which hosts do not share), System V IPC and, with a clock offset, time. A last network namespace, the switch, has
# a bridge that joins them. Both ends of every cable are in namespaces made here: nothing of the machine's own network changes.
set -euo pipefail

mpi=openmpi hosts=2 ranks_per_host=1 rate="" cut_after="" clock_offset="" pids="" quiet=yes
variables=() mpirun_arguments=()
name=pphosts$$         # begins the names of everything made here
device=net0            # a host's end of its cable, in every host
folder=""
mpirun=""

usage() {
    cat <<'HELP'
usage: hosts.sh [options] -- program [argument...]
       hosts.sh --clean
Runs the program with mpirun on hosts that are namespaces of this machine, joined by a switch, and exits as mpirun does:
64 for a wrong option, 69 when something that it needs is not there, 129, 130 or 143 when it was ended by a signal.
Ranks get no input: with some, MPICH 4.0 does not end. Nothing is left afterwards, in whichever way it ends but SIGKILL;
--clean takes away what a killed one has left.

  --mpi openmpi|mpich    whose mpirun (openmpi)
  --hosts N              how many hosts, 1 to 64 (2)
  --ranks-per-host N     ranks 0 to N - 1 are on the first host, the next N on the second (1); each host has CPUs of its own where
                         there are enough
  --rate RATE            what each direction of each cable carries: 1gbit, 100mbit (as fast as the machine can)
  --env NAME=VALUE       a variable for mpirun and every rank; hosts other than the first get no others. May be repeated
  --mpirun ARGUMENT      a further argument for mpirun. May be repeated
  --pids FILE            writes a line for each rank as it starts: rank, process id, host
  --cut-after SECONDS    takes the last host's cable out at the switch, so long after the start. No end sees an error
  --clock-offset SECONDS how far CLOCK_MONOTONIC of the second host is ahead; whole seconds, negative for behind
  --verbose              lets mpirun say all that it has to say; else as little as it can
HELP
}

fail() { echo "hosts.sh: $2" >&2; exit "$1"; }

check_number() { # OPTION VALUE PATTERN WHAT
    [[ $2 =~ ^$3$ ]] || fail 64 "$1 $2: $4"
}

parse() {
    while [ $# -gt 0 ]; do
        case $1 in
        --)
            [ $# -gt 1 ] || fail 64 "no program: it comes after --"
            program=("${@:2}")
            return
            ;;
        --help | -h) usage; exit 0 ;;
        --clean) clean_up_after_killed; exit 0 ;;
        --verbose) quiet=no; shift; continue ;;
        --*) [ $# -gt 1 ] || fail 64 "$1: no such option, or it lacks its value" ;;
        *) fail 64 "$1: the program comes after --" ;;
        esac
        case $1 in
        --mpi) check_number "$1" "$2" 'openmpi|mpich' "openmpi or mpich"; mpi=$2 ;;
        --hosts) check_number "$1" "$2" '[1-9]|[1-5][0-9]|6[0-4]' "1 to 64"; hosts=$2 ;;
        --ranks-per-host) check_number "$1" "$2" '[1-9][0-9]{0,2}' "1 to 999"; ranks_per_host=$2 ;;
        --rate) check_number "$1" "$2" '[1-9][0-9]*[kmg]bit' "a number with kbit, mbit or gbit"; rate=$2 ;;
        --env) check_number "$1" "$2" '[A-Za-z_][A-Za-z_0-9]*=.*' "NAME=VALUE"; variables+=("$2") ;;
        --mpirun) mpirun_arguments+=("$2") ;;
        --pids) pids=$(realpath -- "$2") ;;
        --cut-after) check_number "$1" "$2" '[0-9]+(\.[0-9]+)?' "seconds"; cut_after=$2 ;;
        --clock-offset) check_number "$1" "$2" '-?[0-9]{1,9}' "whole seconds"; clock_offset=$2 ;;
        *) fail 64 "$1: no such option" ;;
        esac
        shift 2
    done
    fail 64 "no program: it comes after --"
}

check_needs() {
    [ "$(id -u)" = 0 ] || fail 69 "namespaces want root"
    for needed in ip tc nsenter unshare taskset "mpirun.$mpi"; do
        command -v "$needed" >/dev/null || fail 69 "$needed is not there"
    done
}

# -- Taking away

# Daemons of MPI that have lost their mpirun are still in a namespace: that tells whose they are. A process that is
# just being started can be missed by one look, so look until nobody is there.
empty_namespace() {
    local found
    for _ in $(seq 200); do
        found=$(ip netns pids "$1" 2>/dev/null) || return 0
        [ -n "$found" ] || return 0
        # shellcheck disable=SC2086 # one word for each process
        kill -KILL $found 2>/dev/null || true
        sleep 0.01
    done
}

remove_namespaces() { # PREFIX
    local namespace
    for namespace in $(ip netns list | cut -d' ' -f1 | grep -E "^$1-([0-9]+|switch)$" || true); do
        empty_namespace "$namespace"
        ip netns delete "$namespace"
    done
}

clean_up() {
    trap '' HUP INT TERM
    trap - EXIT
    disown -a    # the shell would report each one killed
    # Before its daemons, of whose end it would tell.
    if [ -n "$mpirun" ]; then kill -KILL "$mpirun" 2>/dev/null || true; fi
    remove_namespaces "$name"
    if [ -n "$folder" ]; then rm -rf -- "$folder"; fi
}

clean_up_after_killed() {
    local path
    for path in /run/netns/pphosts*-* "${TMPDIR:-/tmp}"/pphosts*.*; do
        if [[ ${path##*/} =~ ^(pphosts([0-9]+))[-.] ]] && [ ! -e "/proc/${BASH_REMATCH[2]}" ]; then
            remove_namespaces "${BASH_REMATCH[1]}"
            if [ -d "$path" ]; then rm -rf -- "$path"; fi
        fi
    done
}

# -- Making hosts

in_namespace() { ip netns exec "$name-$1" "${@:2}"; }

# A bucket must hold a packet and what comes in while a timer is late, but a burst goes at the full speed of the machine.
# A quarter of a millisecond's worth lets no hand-off of 100 KB through at once. The switch's end matters when several hosts
# send to one; it gets a larger bucket, as the losses of two small ones in a row add up to a fifth at 1gbit. Packets that are
# larger than a bucket would be cut into 1500 bytes, each with its own timer, on the sender's time: 14 ms of it for 2 MB.
shape() { # NAMESPACE DEVICE MICROSECONDS
    local number=${rate%?bit} unit bytes
    case $rate in *kbit) unit=1000 ;; *mbit) unit=1000000 ;; *) unit=1000000000 ;; esac
    bytes=$((number * unit * $3 / 8000000))
    if [ "$bytes" -lt 4096 ]; then bytes=4096; fi
    ip -netns "$name-$1" link set "$2" gso_max_size 16384
    in_namespace "$1" tc qdisc add dev "$2" root tbf rate "$rate" burst "$bytes" latency 50ms
}

make_switch() {
    ip netns add "$name-switch"
    ip -netns "$name-switch" link add switch type bridge
    ip -netns "$name-switch" link set switch up
}

connect() { # HOST
    ip -netns "$name-switch" link add "port$1" type veth peer name "$device" netns "$name-$1"
    ip -netns "$name-switch" link set "port$1" master switch up
    ip -netns "$name-$1" address add "10.77.0.$(($1 + 1))/24" dev "$device"
    ip -netns "$name-$1" link set lo up
    ip -netns "$name-$1" link set "$device" up
    if [ -n "$rate" ]; then
        shape "$1" "$device" 250
        shape switch "port$1" 2000
    fi
}

write_sleeper() {
    cat >"$folder/sleep" <<'SLEEPER'
#!/bin/sh
set -e
hostname "$2"
mount -t tmpfs -o mode=1777 shm /dev/shm
mount --bind "$1/hosts" /etc/hosts
echo $$ >"$1/$2.new"
mv "$1/$2.new" "$1/$2.pid"
exec sleep infinity
SLEEPER
}

make_host() { # HOST
    local options=()
    if [ "$1" = 1 ] && [ -n "$clock_offset" ]; then options=(--time --monotonic "$clock_offset"); fi
    ip netns add "$name-$1"
    connect "$1"
    echo "10.77.0.$(($1 + 1)) host$1" >>"$folder/hosts"
    ip netns exec "$name-$1" unshare --uts --ipc "${options[@]}" --fork sh "$folder/sleep" "$folder" "host$1" \
        </dev/null &
    for _ in $(seq 500); do
        if [ -e "$folder/host$1.pid" ]; then return; fi
        sleep 0.01
    done
    fail 69 "host$1 did not come up"
}

# -- Running

# MPI calls it in place of ssh: options, host, words that a shell there joins. As with ssh, the environment stays behind.
write_agent() {
    cat >"$folder/agent" <<AGENT
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
host=\$1; shift
exec env -i PATH="\$PATH" HOME="\$HOME" TMPDIR="$folder" \\
    nsenter --target "\$(cat "$folder/\$host.pid")" --mount --uts --ipc --net --time --wdns=/ sh -c "\$*" </dev/null
AGENT
    chmod +x "$folder/agent"
}

# A host's CPUs: its part of those that there are, or, where hosts are more, one that others have too. Otherwise each host's ranks
# would begin with the same one.
cpus_of() { # HOST
    local all cpus="" index
    mapfile -t all < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done)
    for ((index = $1 % ${#all[@]}; index < ${#all[@]}; index += hosts)); do cpus+=",${all[index]}"; done
    echo "${cpus:1}"
}

# Takes the place of the program, which keeps its process id.
write_rank() {
    local host
    for host in $(seq 0 $((hosts - 1))); do cpus_of "$host" >"$folder/host$host.cpus"; done
    cat >"$folder/rank" <<RANK
#!/bin/sh
host=\$(hostname)
[ -z "$pids" ] || echo "\${OMPI_COMM_WORLD_RANK:-\$PMI_RANK} \$\$ \$host" >>"$pids"
exec taskset -c "\$(cat "$folder/\$host.cpus")" "\$@"
RANK
    chmod +x "$folder/rank"
    if [ -n "$pids" ]; then : >"$pids"; fi
    program=("$folder/rank" "${program[@]}")
}

host_list() {
    local list="" host
    for host in $(seq 0 $((hosts - 1))); do list+=",host$host:$ranks_per_host"; done
    echo "${list:1}"
}

# Shared memory within a host and TCP over the cable between them, with nothing else to choose: hosts that share a kernel
# would find other ways. Keepalives: mpirun itself notices in a few seconds that a host is cut off.
openmpi_command() {
    command=(mpirun.openmpi --allow-run-as-root --oversubscribe --bind-to none --map-by slot --host "$(host_list)"
        --mca plm rsh --mca plm_rsh_agent "$folder/agent" --mca orte_tmpdir_base "$folder"
        --mca oob_tcp_if_include "$device" --mca btl_tcp_if_include "$device"
        --mca pml ob1 --mca btl "tcp,self,vader"
        --mca oob_tcp_keepalive_time 2 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 2)
    local variable
    if [ "$quiet" = yes ]; then command+=(-q); fi
    for variable in "${variables[@]}"; do
        # mpirun hands its own parameters on by itself, and refuses to be told.
        if [[ $variable != OMPI_MCA_* ]]; then command+=(-x "${variable%%=*}"); fi
    done
}

mpich_command() {
    command=(mpirun.mpich -launcher ssh -launcher-exec "$folder/agent" -hosts "$(host_list)" -iface "$device" -bind-to none
        -genv UCX_TLS tcp,sm,self -genv UCX_NET_DEVICES "$device")
    local variable
    for variable in "${variables[@]}"; do command+=(-genv "${variable%%=*}" "${variable#*=}"); done
}

start() {
    "${mpi}_command"
    command+=("${mpirun_arguments[@]}" -n $((hosts * ranks_per_host)) "${program[@]}")
    nsenter --target "$(cat "$folder/host0.pid")" --mount --uts --ipc --net --time --wdns="$PWD" \
        env TMPDIR="$folder" "${variables[@]}" "${command[@]}" </dev/null &
    mpirun=$!
}

# Waits in the switch, where it is found and ended with all else.
cut_later() {
    in_namespace switch sh -c "sleep $cut_after && ip link set port$((hosts - 1)) down" </dev/null &
}

parse "$@"
check_needs
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
folder=$(mktemp -d "${TMPDIR:-/tmp}/$name.XXXXXX")
echo "127.0.0.1 localhost" >"$folder/hosts"
write_sleeper
write_agent
write_rank
make_switch
for host in $(seq 0 $((hosts - 1))); do make_host "$host"; done
start
if [ -n "$cut_after" ]; then cut_later; fi
code=0
wait "$mpirun" || code=$?
mpirun=""    # its id may be another's from here on
exit "$code"
