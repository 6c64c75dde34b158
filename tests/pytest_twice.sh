#!/usr/bin/env bash
# Runs pytest with the given arguments. Up to five tests that failed are run once more, one at a time: a machine that is busy with
# something else makes a test that waits for another process fail now and then, and a whole run takes long. They are named all
# the same. A test that fails twice fails.
set -uo pipefail

python=$1
shift
cache=$(mktemp -d)
trap 'rm -rf "$cache"' EXIT
"$python" -m pytest -n 3 --dist worksteal -o cache_dir="$cache" "$@"
code=$?
failed=$cache/v/cache/lastfailed
[ "$code" = 1 ] && [ -e "$failed" ] || exit "$code"
count=$(grep -c '": true' "$failed")
[ "$count" -le 5 ] || exit "$code"
echo "FAILED ONCE, run again alone:"
sed -n 's/^ *"\(.*\)": true,\{0,1\}$/  \1/p' "$failed"
"$python" -m pytest -o cache_dir="$cache" --last-failed --last-failed-no-failures none "$@"
