#!/bin/sh
# Print users of Redis with passwords that nobody has seen: deploy/redis/users.sh [--redis 6.2] [--prefix NAME] [USER ...]
#
# The lines are those of users-7.acl (of users.acl with --redis 6.2), ready for an `aclfile` or redis.conf, and one for the
# user `default`, without which anybody may do anything. With USER ... only those, to add one or to replace a password.
# --prefix is KEY_PREFIX. Passwords are printed in clear, as `>PASSWORD`, and stored nowhere: ACL SAVE has Redis
# replace them in its file by their hashes. docs/security.md shows all of it.
set -eu
fail() { printf 'users.sh: %s\n' "$*" >&2; exit "$status"; }

source=users-7.acl prefix=quantum status=2
while [ $# -gt 0 ]; do
    case $1 in
        --redis | --prefix) [ $# -ge 2 ] || fail "$1 needs a value" ;;
    esac
    case $1 in
        --redis)
            case $2 in
                6.2*) source=users.acl ;;
                [7-9]* | [1-9][0-9]*) source=users-7.acl ;;
                *) fail "--redis needs a version from 6.2 on, not $2" ;;
            esac
            shift 2
            ;;
        --prefix) prefix=$2 && shift 2 ;;
        --help | -h) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit ;;
        -*) fail "no such option: $1" ;;
        *) break ;;
    esac
done
case $prefix in '' | *[!A-Za-z0-9_.:{}-]*) fail "--prefix may have letters, digits and _.:{}-" ;; esac
file=$(dirname "$0")/$source
known="default $(sed -n 's/^user \([^ ]*\) off .*/\1/p' "$file" | tr '\n' ' ')"
# shellcheck disable=SC2086 # a list of words
[ $# -gt 0 ] || set -- $known
for user; do
    case " $known" in *" $user "*) ;; *) fail "$source has no user $user, but $known" ;; esac
done

status=1
if [ -t 1 ]; then
    echo "users.sh: these passwords stay on your screen; rather:  (umask 077; users.sh >users.acl)" >&2
elif [ -f /dev/stdout ] && exec 3>&1 && [ "$(stat -L -c %a /dev/fd/3 | tail -c 3)" != 00 ]; then
    fail "others could read the passwords in that file: (umask 077; users.sh >FILE)"
fi
for user; do
    password=$(od -A n -N 24 -t x1 /dev/urandom | tr -d ' \n')
    [ ${#password} = 48 ] || fail "/dev/urandom gives no password"
    rules='~* &* +@all'
    if [ "$user" != default ]; then
        rules=$(sed -n "s/^user $user off //p" "$file" | sed "s/quantum:/$prefix:/g")
    fi
    # (printf is a part of the shell: no list of processes shows its words)
    printf 'user %s on >%s %s\n' "$user" "$password" "$rules"
done
