#!/usr/bin/env bash
# What the fault rig needs beside Python: strace, which kills a process at a system call, and faketime, which moves its
# clock. Installed on Debian by root; anybody else is told what is missing.
set -euo pipefail

missing=()
command -v strace >/dev/null || missing+=(strace)
command -v faketime >/dev/null || missing+=(faketime)
((${#missing[@]} == 0)) && exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "the fault rig needs ${missing[*]} (Debian's names): install them and run again" >&2
    exit 2
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
