# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The load generator as pods of deploy/test/cluster, which sources this: it has k, load_image and namespace.

# start_load NAME TARGET [FLAG]: a pod that calls TARGET until it is deleted; one of that name that a failed check
# left goes first.
start_load() {
    k delete pod "$1" --ignore-not-found --now >&2
    k apply -f - <<YAML >&2
apiVersion: v1
kind: Pod
metadata: {name: $1, labels: {app: load}}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: load
      image: $load_image
      imagePullPolicy: IfNotPresent
      args: ["--target=$2"${3:+, "$3"}]
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
YAML
    k wait pod "$1" --for=condition=Ready --timeout=60s >&2
}

last_line() { k logs "$1" --tail=1; }
number() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" <<<"$2"; }

# await_calls NAME N: until NAME has made N calls more than now.
await_calls() {
    local line now wanted=
    for _ in $(seq 120); do
        line=$(last_line "$1")
        now=$(number calls "$line")
        wanted=${wanted:-$((${now:-0} + $2))}
        [ "${now:-0}" -lt "$wanted" ] || return 0
        sleep 0.5
    done
    echo "$1 is stuck: $line" >&2
    return 1
}

# summary NAME: what it has done; fails where a call failed.
summary() {
    local line
    line=$(last_line "$1")
    echo "$1: $line" >&2
    printf '%s %d calls, %d failed, %d sent again, slowest %d ms' "$1" "$(number calls "$line")" \
        "$(number failed "$line")" "$(number retries "$line")" "$(number slowest_ms "$line")"
    [ "$(number failed "$line")" = 0 ] && [ "$(number calls "$line")" -gt 200 ]
}

# under_load COMMAND [ARG...]: no call may fail while it runs, nor before or after: of a client that balances,
# of one that has the service's address, and of one that connects anew for each call and does not try again.
under_load() {
    local name status=0 figures=()
    start_load balanced "dns:///torchere-headless.$namespace:8500"
    start_load one "dns:///torchere.$namespace:8500"
    start_load fresh "passthrough:///$(k get service torchere -o jsonpath='{.spec.clusterIP}'):8500" --fresh
    for name in balanced one fresh; do await_calls $name 100; done
    "$@" >&2
    for name in balanced one fresh; do
        await_calls $name 200
        figures+=("$(summary $name)") || status=1
    done
    k delete pod balanced one fresh --now >&2
    printf '%s; ' "${figures[@]}"
    echo
    return $status
}
