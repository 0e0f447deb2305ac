#!/bin/sh
# Installs what building and testing dbx needs, on Debian and its relatives. Silent when all of it is there.
set -eu

packages="gcc make pkg-config bison re2c libreadline-dev libopenblas-openmp-dev libgsl-dev libcmocka-dev python3"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    for tool in gcc bison re2c pkg-config python3; do
        command -v "$tool" >/dev/null || {
            echo "setup: this system has no apt-get; please install what these Debian packages hold:" >&2
            echo "    $packages" >&2
            exit 1
        }
    done
    exit 0
fi

missing=
for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
    *" installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "setup: please run as root: apt-get install$missing" >&2
        exit 1
    }
    sudo=sudo
fi
echo "setup: installing$missing"
$sudo apt-get update -q
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
