#!/usr/bin/env bash
# build.sh versitygw|kubo: builds a server for the tests of media, into ~/.cache/selvedge/bin. It needs Go.
set -euo pipefail
tools=${XDG_CACHE_HOME:-$HOME/.cache}/selvedge/bin
mkdir -p "$tools"
case ${1:-} in
  versitygw) GOBIN=$tools go install github.com/versity/versitygw/cmd/versitygw@v1.8.0 ;;
  kubo)
    # `go install` refuses a module that replaces another, and the proxy does not have the replacement: so it is built with
    # the QUIC that the released libp2p knows, which these tests do not use.
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cd "$folder"
    go mod init selvedge.test/kubo
    go mod edit -require=github.com/ipfs/kubo@v0.43.1 \
      -replace=github.com/quic-go/quic-go=github.com/quic-go/quic-go@v0.60.0 \
      -replace=github.com/quic-go/webtransport-go=github.com/quic-go/webtransport-go@v0.11.1
    go build -mod=mod -o "$tools/ipfs" github.com/ipfs/kubo/cmd/ipfs
    ;;
  *) echo 'build.sh versitygw|kubo' >&2; exit 2 ;;
esac
