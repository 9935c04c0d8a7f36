#!/bin/sh
# Runs the system tests of W&B's client against a controller:
#
#     tests/wandb/judge/run.sh FOLDER [TEST...]
#
# FOLDER is a checkout of the client's repository, which is no part of this project. Without tests,
# all tests of logging, artifacts, sweeps and the public API run. `python3` needs the client and
# what its tests import: wandb, pytest, pytest-mock, pytest-asyncio, pytest-timeout, pytest-xdist,
# numpy, pandas, pillow. CONTROLLER names the program, and OUT a folder for the results.
# docs/wandb.md says which tests fail and why.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$1" && pwd)
shift
controller=${CONTROLLER:-$here/../../../target/debug/controller}
out=${OUT:-$(mktemp -d)}
port=${PORT:-7373}
users=${USERS:-700}
mkdir -p "$out"

echo "making $users users in $out"
number=0
: >"$out/users.txt"
: >"$out/next"
while [ "$number" -lt "$users" ]; do
    number=$((number + 1))
    # A name is as long as a key has to be, because tests pass the name as the key.
    name=$(printf 'judge-%04d-' "$number")$(od -An -N17 -tx1 /dev/urandom | tr -d ' \n')
    "$controller" user add "$name" --role admin --data "$out/data" >/dev/null 2>&1
    echo "$name $("$controller" key add "$name" --data "$out/data" 2>/dev/null)" >>"$out/users.txt"
done

BESOM_LOG=info "$controller" --listen "127.0.0.1:$port" --data "$out/data" \
    >"$out/controller.log" 2>&1 &
trap 'kill $!' EXIT
sleep 1
export JUDGE_ADDRESS="127.0.0.1:$port" JUDGE_POOL="$out/users.txt" JUDGE_NEXT="$out/next"
export PYTHONPATH="$here:$repository" WANDB_ERROR_REPORTING=false
export WANDB_CACHE_DIR="$out/cache" WANDB_DATA_DIR="$out/staging"
cd "$repository"
if [ $# -eq 0 ]; then
    system=tests/system_tests
    set -- $system/test_core $system/test_artifacts $system/test_sweep $system/test_api \
        --ignore $system/test_sweep/test_launch_scheduler.py
fi
python3 -m pytest -p besom_judge -n0 --timeout 120 -q -rA --no-header --tb=short \
    --basetemp "$out/tmp" -p no:cacheprovider --continue-on-collection-errors "$@" \
    >"$out/pytest.log" 2>&1 || true
grep -aE '^(PASSED|FAILED|ERROR|SKIPPED) ' "$out/pytest.log" | sort -u >"$out/results.txt"
tail -1 "$out/pytest.log"
echo "the results are in $out/results.txt"
