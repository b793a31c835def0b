#!/usr/bin/env bash
# The browser of tests/browser: Chromium. Installed on Debian by root; anybody else is told what is missing.
set -euo pipefail

command -v chromium >/dev/null && exit 0

if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "the tests of report pages need chromium (Debian's name): install it and run again" >&2
    exit 2
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
