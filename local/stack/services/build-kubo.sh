#!/usr/bin/env bash
# build-kubo.sh FILE: builds Kubo by Go, for the stack and for the tests of media.
set -euo pipefail
file=${1:?}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# `go install` refuses a module that replaces another, and the proxy does not have the replacement: so it is built with
# the QUIC that the released libp2p knows, which nothing here uses.
go mod init selvedge.test/kubo
go mod edit -require=github.com/ipfs/kubo@v0.43.1 \
  -replace=github.com/quic-go/quic-go=github.com/quic-go/quic-go@v0.60.0 \
  -replace=github.com/quic-go/webtransport-go=github.com/quic-go/webtransport-go@v0.11.1
CGO_ENABLED=0 go build -mod=mod -trimpath -o ipfs github.com/ipfs/kubo/cmd/ipfs
mkdir -p "$(dirname "$file")"
# Whole, or not at all.
mv ipfs "$file.new"
mv "$file.new" "$file"
