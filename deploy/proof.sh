#!/bin/sh
# Prove an installed service under its own settings: deploy/proof.sh p35|allocation|governor|alerts|history [options]
#
# The options are those of `quantum proof`; its last line is SUMMARY, its exit status 0 when all checks hold, else 1.
# The user and password of the service may not publish: give those of one who may (quantum-proof of deploy/redis) as
# PROOF_USERNAME and PROOF_PASSWORD_FILE.
set -eu
case ${1-} in
    p35) name=p35-decision-intelligence ;;
    alerts) name=p35-alerts ;;
    allocation) name=allocation-target ;;
    governor) name=governor ;;
    history) name=history ;;
    *)
        echo "usage: $0 p35|allocation|governor|alerts|history [options of quantum proof]" >&2
        exit 2
        ;;
esac
root=${ROOT-}
settings=$root/etc/quantum/$name.env
if [ -r "$settings" ]; then
    # As systemd reads it: what follows the name is the value, spaces and all.
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
            '' | '#'* | ';'*) ;;
            *=*)
                value=${line#*=}
                value=${value#\"}
                export "${line%%=*}=${value%\"}"
                ;;
        esac
    done <"$settings"
fi
if [ -n "${PROOF_USERNAME-}" ]; then
    REDIS_USERNAME=$PROOF_USERNAME REDIS_PASSWORD='' REDIS_PASSWORD_FILE=${PROOF_PASSWORD_FILE-}
    export REDIS_USERNAME REDIS_PASSWORD REDIS_PASSWORD_FILE
elif [ -z "${REDIS_PASSWORD_FILE-}" ] && [ -s "$root/etc/quantum/credentials/$name.redis_password" ]; then
    export REDIS_PASSWORD_FILE="$root/etc/quantum/credentials/$name.redis_password"
fi
python="$root/opt/quantum-flows/current/bin/python"
if [ ! -x "$python" ]; then
    echo "proof: nothing is installed at $root/opt/quantum-flows: run deploy/install.sh, or quantum proof where it is" >&2
    exit 78
fi
exec "$python" -I -m console proof "$@"
