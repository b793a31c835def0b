#!/usr/bin/env bash
# What the live tests need beside Python: PostgreSQL 15 with wal2json, and a Java that compiles. Installed on Debian by
# root; anybody else is told what is missing.
set -euo pipefail

missing=()
[[ -x /usr/lib/postgresql/15/bin/postgres ]] || missing+=(postgresql-15)
[[ -f /usr/lib/postgresql/15/lib/wal2json.so ]] || missing+=(postgresql-15-wal2json)
command -v javac >/dev/null || missing+=(openjdk-17-jdk-headless)
((${#missing[@]} == 0)) && exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "the live tests need ${missing[*]} (Debian's names): install them and run again" >&2
    exit 2
fi
# The package would start a server of its own; the tests start theirs.
mkdir -p /etc/postgresql-common/createcluster.d
echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.d/lakehouse-live.conf
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
