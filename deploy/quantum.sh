#!/bin/sh
# The console, as `quantum` on a machine where it is installed (bin/quantum of a release).
#
# It asks the Redis that /etc/quantum/console.env names, for those who may read that file: the group quantum-console. What
# the caller's environment says wins. A caller who says anything of Redis there, or gives --redis-url, says all of it:
# the file is not read, so that its password goes to the Redis it is for.
set -eu

fail() { printf 'quantum: %s\n' "$*" >&2; exit 78; }

self=$(readlink -f "$0")
settings=${self%/opt/quantum-flows/*}/etc/quantum/console.env
given=$(env)
# (Settings know no case, and one that is empty is not set.)
is_given() { printf '%s\n' "$given" | grep -qi "^$1=."; }

own=''
if is_given 'REDIS_[A-Z_]*'; then own=yes; fi
for argument; do
    case $argument in --redis-url | --redis-url=*) own=yes ;; esac
done

if [ -z "$own" ] && [ -r "$settings" ]; then
    number=0
    while read -r line || [ -n "$line" ]; do
        number=$((number + 1))
        name=${line%%=*} value=${line#*=}
        case $line in
            '' | '#'* | ';'*) continue ;;
            *=*) ;;
            *) name='' ;;
        esac
        case $name in
            '' | *[!A-Z0-9_]*) fail "line $number of $settings is not NAME=value" ;;
        esac
        case $value in
            \"*\" | \'*\') value=${value#?} value=${value%?} ;;
        esac
        is_given "$name" || export "$name=$value"
    done <"$settings"
elif [ -z "$own" ] && [ -e "$settings" ]; then
    echo "quantum: only the group quantum-console may read $settings: going on without it" >&2
fi
# (-I: what lies in the folder where it is called is no part of it.)
exec "${self%/*}/python" -I -m console "$@"
