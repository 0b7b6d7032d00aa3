# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# What the checks beside this file share. Sourced, not run.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
PATH=$PWD/.deps/bin:$PATH
work=$(mktemp -d)
passed=0 failed=0 skipped=0
# A tool that takes Ctrl-C for itself must not let the checks go on; subshells lose traps.
stop_on_signals() { trap 'exit 130' INT; trap 'exit 143' TERM; }
stop_on_signals

# usage: prints the comment that the calling script begins with.
usage() { sed -n '3,/^set -/{/^set/d;/^# shellcheck/d;s/^# \{0,1\}//;p}' "$0"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# check TEXT COMMAND [ARG...]: one line: how it went, the seconds, TEXT and COMMAND's last line of output,
# which is its figure. All that it said is shown where it fails. COMMAND runs in a subshell, with set -e.
check() {
    local text=$1 status=0 word=ok begin=${EPOCHREALTIME/./}
    shift
    set +e
    (stop_on_signals; set -e; "$@") </dev/null >"$work/out" 2>"$work/log"
    status=$?
    set -e
    [ "$status" -eq 0 ] || word=FAIL
    printf '%-4s %6.1f s  %s: %s\n' "$word" "$(((${EPOCHREALTIME/./} - begin) / 100000))e-1" "$text" \
        "$(tail -n 1 "$work/out")"
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        sed 's/^/       /' "$work/out" "$work/log" | tail -n 40
    fi
}

# need TEXT COMMAND [ARG...]: a check without which the others make no sense.
need() {
    local before=$failed
    check "$@"
    if [ "$failed" -ne "$before" ]; then
        finish
        exit 1
    fi
}

# skip TEXT WHY: what cannot be run here says so.
skip() {
    printf 'skip           %s: %s\n' "$1" "$2"
    skipped=$((skipped + 1))
}

# finish: the last line, and the exit status.
finish() {
    local more=
    [ "$skipped" -eq 0 ] || more=", $skipped skipped"
    printf '%d passed, %d failed%s\n' "$passed" "$failed" "$more"
    [ "$failed" -eq 0 ]
}

# The container engine: the one that ENGINE names, docker where its daemon answers, or podman.
find_engine() {
    [ -z "${ENGINE:-}" ] || return 0
    if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        ENGINE=docker
    elif command -v podman >/dev/null; then
        ENGINE=podman
    else
        die "neither docker nor podman works here: name one with ENGINE"
    fi
}

# The version that all parts of the project have.
version=$(sed -n 's/^project(Torchere VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
chart=deploy/helm/torchere
