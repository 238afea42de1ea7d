#!/usr/bin/env bash
# The command by the name that the CSP specification documents; it does what bin/start-llm-groupchat does.
set -euo pipefail
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/start-llm-groupchat" "$@"
