# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts beside this file share. Sourced, not run.
#
# A long step is shown, on stderr:
# on a terminal as one line that is redrawn, in a pipe as plain lines, one every ten seconds, so
# that a log shows that it goes on. A step that fails prints what it had to say.

# usage: prints the comment that the calling script begins with.
usage() { sed -n '3,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "$script"; }
script=$(realpath "$0")

# enter_project: goes to the repository's root; a relative TORCH_ROOT stays what it was.
enter_project() {
    if [ -n "${TORCH_ROOT:-}" ]; then
        TORCH_ROOT=$(realpath -m "$TORCH_ROOT")
        export TORCH_ROOT
    fi
    cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
}

say() { printf '%s\n' "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

# go_fits: whether there is a Go that is as new as client/go asks for; without one its tests are left out.
go_fits() {
    local wanted found
    wanted=$(sed -n 's/^go //p' client/go/go.mod)
    found=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return
    printf 'go%s\n%s\n' "$wanted" "$found" | sort --version-sort --check=quiet
}

# tick TEXT: shows once a second for how long TEXT has been going on, until it is ended.
tick() {
    local begin=$SECONDS seconds never
    exec {never}<> <(:) # nothing ever comes out of it: a wait that needs no process
    while ! read -r -t 1 -u "$never"; do
        seconds=$((SECONDS - begin))
        if [ -t 2 ]; then
            printf '\r\033[K%s … %d s' "$1" "$seconds" >&2
        elif [ $((seconds % 10)) -eq 0 ]; then
            say "$1: $seconds s"
        fi
    done
}

# shown TEXT: a line from inside a step, whose other output is kept back.
shown() {
    if [ -t 3 ]; then printf '\r\033[K' >&3; fi
    printf '%s\n' "$*" >&3
}

# step TEXT COMMAND [ARG...]: runs it without input, its output kept back unless it fails.
step() {
    local text=$1 status=0 begin=$SECONDS log ticker word=ok
    shift
    log=$(mktemp)
    if [ ! -t 2 ]; then say "$text"; fi
    tick "$text" &
    ticker=$!
    "$@" </dev/null 3>&2 >"$log" 2>&1 || status=$?
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
    [ "$status" -eq 0 ] || word=FAILED
    say "$text: $word, $((SECONDS - begin)) s"
    [ "$status" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# check TEXT COMMAND [ARG...]: a step whose failure is kept in mind while the others still run.
failed=()
check() { step "$@" || failed+=("$1"); }

# finish_checks: one line for all of them, and the exit status.
finish_checks() {
    if [ ${#failed[@]} -gt 0 ]; then
        say "FAILED after $SECONDS s: $(printf '%s; ' "${failed[@]}")"
        exit 1
    fi
    say "all checks passed in $SECONDS s"
}
