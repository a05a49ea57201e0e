#!/usr/bin/env bash
# build.sh versitygw|kubo: builds a server for the tests of media, into ~/.cache/selvedge/bin. It needs Go.
set -euo pipefail
tools=${XDG_CACHE_HOME:-$HOME/.cache}/selvedge/bin
mkdir -p "$tools"
case ${1:-} in
  versitygw) GOBIN=$tools go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
  kubo) "$(dirname "$0")/../../local/stack/services/build-kubo.sh" "$tools/ipfs" ;;
  *) echo 'build.sh versitygw|kubo' >&2; exit 2 ;;
esac
