#!/bin/sh
# The demo, step by step: see docs/cli.md. All flags are passed on, such as --auto.
cd "$(dirname "$0")" || exit 1
[ -d node_modules ] || npm ci || exit 1
exec npx --no-install lockstep demo "$@"
