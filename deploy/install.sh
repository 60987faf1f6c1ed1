#!/bin/sh
# Install, upgrade, roll back and remove the services of quantum-flows. `deploy/install.sh --help` says how.
#
#   /opt/quantum-flows/releases/VERSION-HASH/   a version with all that it needs, its units and env files in share/
#   /opt/quantum-flows/current, previous        symbolic links to two of them; `current` is replaced in one step
#   /etc/quantum/NAME.env                       settings, one file a service; yours, once you have edited it
#   /etc/quantum/credentials/                   passwords, for root only
#   /etc/quantum/console.env                    where the console finds Redis, and its service; for the group quantum-console
#   /etc/systemd/system/quantum-NAME.service    ours: for changes use `systemctl edit quantum-NAME`
#   /usr/local/bin/quantum                      the console
#
# A version is built beside the running one and takes its place only when it is complete. When a service does not come up
# with it, the version before is put back. Running this twice does nothing the second time but restart the services.

set -eu
umask 022

usage() {
    cat <<'EOF'
usage: deploy/install.sh [options]

  (no action)    install this version, or upgrade to it
  --rollback     go back to the version before
  --uninstall    stop and remove the services and all versions; settings and the user stay
  --purge        with --uninstall: remove the settings, the user and the group, too

  --flow NAME    only this one: p35, alerts, allocation, governor, history or console (the HTTP API and
                 the page); may be repeated (default: all)
  --no-start     start nothing, as in a container: what is installed starts with the system
  --root DIR     work on the system whose root is DIR: start nothing, create no user and no group
  --wait SECONDS how long a service may take to come up (default 60)
  --dry-run      say what would be done, and do nothing
  --help         this text

environment: PYTHON, the interpreter to use, 3.11 or 3.12, not in anybody's home; pip's own (an index, a proxy).
exit status: 0 done; 1 failed, and the version before runs on; 2 wrong usage.
EOF
}

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'install.sh: %s\n' "$*" >&2; usage >&2; exit 2; }

# Carry out a command that changes something.
act() {
    if [ -n "$DRY_RUN" ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

unit_of() {
    case $1 in
        p35) echo quantum-p35-decision-intelligence ;;
        alerts) echo quantum-p35-alerts ;;
        allocation) echo quantum-allocation-target ;;
        governor) echo quantum-governor ;;
        history) echo quantum-history ;;
        console) echo quantum-console ;;
        *) wrong "--flow must be p35, alerts, allocation, governor, history or console, not $1" ;;
    esac
}

ALL_FLOWS='p35 alerts allocation governor history console'
ACTION=install FLOWS='' ROOT='' WAIT=60 DRY_RUN='' PURGE='' NO_START=''
while [ $# -gt 0 ]; do
    case $1 in
        --flow) [ $# -ge 2 ] || wrong "--flow needs a name"; unit_of "$2" >/dev/null; FLOWS="$FLOWS $2"; shift ;;
        --root) [ $# -ge 2 ] || wrong "--root needs a folder"; ROOT=$2; shift ;;
        --wait) [ $# -ge 2 ] || wrong "--wait needs seconds"; WAIT=$2; shift ;;
        --rollback) ACTION=rollback ;;
        --uninstall) ACTION=uninstall ;;
        --purge) PURGE=yes ;;
        --no-start) NO_START=yes ;;
        --dry-run) DRY_RUN=yes ;;
        --help | -h) usage; exit 0 ;;
        *) wrong "unknown option $1" ;;
    esac
    shift
done
case $WAIT in '' | *[!0-9]*) wrong "--wait must be whole seconds, not $WAIT" ;; esac
[ -z "$PURGE" ] || [ "$ACTION" = uninstall ] || wrong "--purge goes with --uninstall"
[ -z "$NO_START" ] || [ "$ACTION" != uninstall ] || wrong "--no-start does not go with --uninstall"
if [ -n "$ROOT" ]; then
    [ -d "$ROOT" ] || wrong "--root $ROOT is no folder"
    ROOT=$(cd "$ROOT" && pwd)
    [ "$ROOT" != / ] || ROOT=''
fi

SOURCE=$(cd "$(dirname "$0")/.." && pwd)
HOME_OF_ALL=$ROOT/opt/quantum-flows
SETTINGS=$ROOT/etc/quantum
UNITS=$ROOT/etc/systemd/system
COMMAND=$ROOT/usr/local/bin/quantum
# On another root nothing runs and no user is made. (Tests name programs of their own.)
on_this_system() { [ -n "$ROOT" ] || echo "$1"; }
SYSTEMCTL=${SYSTEMCTL-$(on_this_system systemctl)}
USERADD=${USERADD-$(on_this_system useradd)}
USERDEL=${USERDEL-$(on_this_system userdel)}
GROUPADD=${GROUPADD-$(on_this_system groupadd)}
GROUPDEL=${GROUPDEL-$(on_this_system groupdel)}
BOOTED=${BOOTED-/run/systemd/system} # there where systemd runs the machine: sd_booted(3)

[ -n "$ROOT" ] || [ -n "$DRY_RUN" ] || [ "$(id -u)" = 0 ] || die "must be run as root, or with --root or --dry-run"
[ -z "$NO_START" ] || SYSTEMCTL=''
if [ -n "$SYSTEMCTL" ] && [ ! -d "$BOOTED" ]; then
    # Then no service of ours runs, and none can be started.
    [ "$ACTION" = uninstall ] || die "systemd does not run here, so no service can be started: nothing was done
Install without starting: --no-start. For containers there is deploy/compose.yaml, for another system --root."
    SYSTEMCTL=''
fi

# --- versions

current_release() { readlink "$HOME_OF_ALL/${1:-current}" 2>/dev/null | sed 's,^releases/,,' || :; }

fits() {
    "$1" - 2>/dev/null <<'EOF'
import ensurepip, sys, venv
home = sys.base_prefix.startswith(("/home/", "/root/", "/run/user/"))
sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 13) and not home else 1)
EOF
}

# The services cannot see anybody's home (ProtectHome=yes), so the interpreter must not lie there.
find_python() {
    for python in ${PYTHON:-/usr/bin/python3 /usr/bin/python3.12 /usr/bin/python3.11 \
        /usr/local/bin/python3 python3 python3.12 python3.11}; do
        if fits "$python"; then
            command -v "$python"
            return
        fi
    done
    die "${PYTHON:+$PYTHON will not do: }needs Python 3.11 or 3.12 with venv, outside of any home (Debian: apt-get install python3-venv)"
}

# What a release is made of, so that equal ones have equal names.
release_name() {
    version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$SOURCE/flows/__init__.py")
    hash=$({
        "$1" -VV
        cd "$SOURCE"
        find pyproject.toml requirements.lock connectors flows sinks console \
            deploy/systemd deploy/env deploy/quantum.sh -type f ! -path '*/__pycache__/*' ! -name '*.pyc' \
            -exec sha256sum {} + | LC_ALL=C sort
    } | sha256sum | cut -c1-12)
    echo "$version-$hash"
}

# Build the release $1 with the interpreter $2, unless it is there. Nothing else is touched.
build() {
    release=$HOME_OF_ALL/releases/$1
    if [ -e "$release/complete" ]; then
        say "version $1 is built already"
        return
    fi
    say "building version $1 with $("$2" --version)"
    if [ -n "$DRY_RUN" ]; then
        say "would build: $release, with the packages of requirements.lock"
        return
    fi
    scratch=$(mktemp -d)
    # Whatever goes wrong from here on: an incomplete version does not stay.
    trap 'rm -rf "$scratch"; [ -e "$release/complete" ] || drop "$release"' EXIT
    trap 'exit 1' HUP INT TERM
    rm -rf "$release"
    mkdir -p "$HOME_OF_ALL/releases"
    "$2" -m venv "$release"
    pip="$release/bin/python -m pip --disable-pip-version-check --no-input --quiet"
    $pip install --require-hashes --only-binary :all: --requirement "$SOURCE/requirements.lock" ||
        die "the packages of requirements.lock could not be installed"
    # The build tool is for this step alone; its version is locked, too.
    sed -n '/^setuptools==/,/[^\\]$/p' "$SOURCE/requirements-dev.lock" >"$scratch/build.lock"
    $pip install --require-hashes --only-binary :all: --requirement "$scratch/build.lock"
    mkdir "$scratch/source"
    for name in pyproject.toml README.md LICENSE connectors flows sinks console; do
        cp -R "$SOURCE/$name" "$scratch/source/"
    done
    $pip install --no-deps --no-build-isolation --no-index "$scratch/source" || die "this version could not be built"
    $pip uninstall --yes setuptools
    $pip check >/dev/null || die "the packages of requirements.lock do not fit together"
    install -m 0755 "$SOURCE/deploy/quantum.sh" "$release/bin/quantum"
    mkdir -p "$release/share/quantum-flows"
    cp -R "$SOURCE/deploy/systemd" "$SOURCE/deploy/env" "$release/share/quantum-flows/"
    for flow in $ALL_FLOWS; do
        module=flows.$flow
        [ "$flow" != console ] || module=console.web.server
        [ ! -e "$SOURCE/deploy/systemd/$(unit_of "$flow").service" ] ||
            (cd / && "$release/bin/python" -c "import $module") || die "$module cannot be loaded"
    done
    (cd / && "$release/bin/python" -m console --help >/dev/null) || die "the console cannot be loaded"
    if [ -n "$ROOT" ]; then
        # What was installed into another root will be used in that root.
        grep -rlIF "$ROOT/opt/quantum-flows" "$release/bin" "$release/pyvenv.cfg" |
            xargs -r sed -i "s,$ROOT/opt/quantum-flows,/opt/quantum-flows,g"
    fi
    : >"$release/complete"
}

drop() {
    rm -rf "$1"
    say "what was built is removed again, and nothing else was changed" >&2
}

forget_old_releases() {
    for path in "$HOME_OF_ALL"/releases/*; do
        name=${path##*/}
        if [ -e "$path" ] && [ "$name" != "$(current_release)" ] && [ "$name" != "$(current_release previous)" ]; then
            act rm -rf "$path"
        fi
    done
}

# Make the link $1 point to the release $2 in one step.
point() {
    act ln -sfn "releases/$2" "$HOME_OF_ALL/.$1.new" &&
        act mv -T "$HOME_OF_ALL/.$1.new" "$HOME_OF_ALL/$1"
}

# --- user and settings

# The user of the services, and the group of those who may ask.
make_user_and_group() {
    [ -z "$GROUPADD" ] || getent group quantum-console >/dev/null || act "$GROUPADD" --system quantum-console
    [ -z "$USERADD" ] || getent passwd quantum >/dev/null ||
        act "$USERADD" --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin quantum
}

# The file $1 of settings, readable by the group $2, as the release $3 delivers it; one that was edited is kept, and the
# difference is shown.
settle() {
    name=$1
    installed=$SETTINGS/$name
    delivered=$HOME_OF_ALL/releases/$3/share/quantum-flows/env/$name
    before=$HOME_OF_ALL/current/share/quantum-flows/env/$name
    [ -z "$DRY_RUN" ] || delivered=$SOURCE/deploy/env/$name
    if [ ! -e "$installed" ] || { [ -e "$before" ] && cmp -s "$installed" "$before"; }; then
        cmp -s "$installed" "$delivered" || act install -m 0640 "$delivered" "$installed"
        [ -n "$DRY_RUN" ] || chgrp "$2" "$installed" 2>/dev/null || :
    elif ! cmp -s "$installed" "$delivered"; then
        say "kept as you edited it: $installed (- what this version delivers, + yours)"
        diff -u "$delivered" "$installed" | sed -e '1,2d' -e 's/^\([-+ ]*#*[A-Z_]*\(PASSWORD\|URL\)[A-Z_]*\)=..*/\1=(not shown)/' || :
    fi
}

# --- services

installed_flows() {
    for flow in $ALL_FLOWS; do
        if [ -e "$UNITS/$(unit_of "$flow").service" ]; then
            echo "$flow"
        fi
    done
}

systemctl_() { [ -z "$SYSTEMCTL" ] || act "$SYSTEMCTL" "$@"; }

ask_systemctl() { "$SYSTEMCTL" show --property="$2" --value "$1.service"; }

start() {
    unit=$(unit_of "$1")
    if [ -z "$SYSTEMCTL" ]; then
        act mkdir -p "$UNITS/multi-user.target.wants" &&
            act ln -sfn "/etc/systemd/system/$unit.service" "$UNITS/multi-user.target.wants/$unit.service"
    elif [ -n "$DRY_RUN" ] || ! "$SYSTEMCTL" is-active --quiet "$unit.service"; then
        # Not waited for here: a service without Redis waits for it, for ever.
        systemctl_ enable --now --no-block "$unit.service"
    else
        systemctl_ restart --no-block "$unit.service"
    fi
}

# Whether the service of flow $1 comes up; one that waits for Redis has.
comes_up() {
    [ -n "$SYSTEMCTL" ] && [ -z "$DRY_RUN" ] || return 0
    unit=$(unit_of "$1")
    seconds=0
    while :; do
        state=$(ask_systemctl "$unit" ActiveState)
        if [ "$state" = active ]; then
            say "$unit runs"
            return 0
        fi
        if [ "$state" = failed ] || [ "$(ask_systemctl "$unit" SubState)" = auto-restart ]; then
            break
        fi
        [ "$seconds" -lt "$WAIT" ] || break
        sleep 1
        seconds=$((seconds + 1))
    done
    text=$(ask_systemctl "$unit" StatusText)
    case $state:$text in
        activating:"waiting for Redis"*) say "$unit: $text"; return 0 ;;
    esac
    say "$unit does not come up ($state): journalctl -u $unit" >&2
    return 1
}

# Let the release $1 run the flows $2, and those that are installed already.
activate() {
    new=$1
    shift
    old=$(current_release)
    share=$HOME_OF_ALL/releases/$new/share/quantum-flows
    if [ "$old" = "$new" ]; then
        flows=$*
    else
        flows=$(for flow in "$@" $(installed_flows); do echo "$flow"; done | sort -u)
        if [ -n "$old" ]; then
            point previous "$old" || return 1
        fi
        point current "$new" || return 1
    fi
    act mkdir -p "$UNITS" "$ROOT/usr/local/bin" || return 1
    for flow in $flows; do
        unit=$(unit_of "$flow").service
        if [ -n "$DRY_RUN" ] || [ -e "$share/systemd/$unit" ]; then
            act install -m 0644 "$share/systemd/$unit" "$UNITS/$unit" || return 1
        else
            # (a version that has no such flow)
            remove_service "$flow"
            flows=$(for one in $flows; do [ "$one" = "$flow" ] || echo "$one"; done)
        fi
    done
    act ln -sfn /opt/quantum-flows/current/bin/quantum "$COMMAND" || return 1
    systemctl_ daemon-reload || return 1
    for flow in $flows; do
        start "$flow" || return 1
    done
    for flow in $flows; do
        comes_up "$flow" || return 1
    done
}

remove_service() {
    unit=$(unit_of "$1").service
    systemctl_ disable --now "$unit" || :
    act rm -f "$UNITS/$unit" "$UNITS/multi-user.target.wants/$unit"
}

# --- actions

install_() {
    python=$(find_python)
    new=$(release_name "$python")
    old=$(current_release)
    older=$(current_release previous)
    act mkdir -p "$HOME_OF_ALL/releases"
    [ -n "$DRY_RUN" ] || lock
    build "$new" "$python"
    make_user_and_group
    act mkdir -p "$SETTINGS"
    act install -d -m 0700 "$SETTINGS/credentials"
    for flow in $FLOWS; do
        unit=$(unit_of "$flow")
        [ "$flow" = console ] || settle "${unit#quantum-}.env" quantum "$new"
    done
    settle console.env quantum-console "$new"
    # shellcheck disable=SC2086 # a list of words
    if activate "$new" $FLOWS; then
        forget_old_releases
        say "version $new is installed${DRY_RUN:+ (not really)}"
        [ -n "$DRY_RUN" ] || say_what_is_next
        return
    fi
    if [ -n "$old" ] && [ "$old" != "$new" ]; then
        say "version $new failed; going back to $old" >&2
        # shellcheck disable=SC2046
        activate "$old" $(installed_flows) || die "version $old does not come up either: see journalctl"
        if [ -n "$older" ]; then
            point previous "$older"
        else
            act rm -f "$HOME_OF_ALL/previous"
        fi
        forget_old_releases
    else
        say "version $new stays installed, with its services and $SETTINGS: mend what is wrong and run this again," \
            "or remove it with --uninstall" >&2
    fi
    exit 1
}

say_what_is_next() {
    say "next:"
    if [ -z "$SYSTEMCTL" ]; then
        say "  start     nothing was started: what is installed starts with the system; one flow by hand:"
        say "            /opt/quantum-flows/current/bin/python -m bytewax.run flows.p35"
    fi
    say "  settings  /etc/quantum/*.env, then: systemctl restart quantum-...; passwords: docs/getting-started.md"
    say "  ask       quantum why; quantum health; it finds Redis by /etc/quantum/console.env"
    say "            let others ask: usermod --append --groups quantum-console NAME"
    say "  look      http://127.0.0.1:8030/ (docs/api.md says how to let others)"
    say "  prove     $SOURCE/deploy/proof_p35.sh"
}

rollback() {
    old=$(current_release previous)
    [ -n "$old" ] && [ -e "$HOME_OF_ALL/releases/$old/complete" ] || die "there is no version before this one"
    [ -n "$DRY_RUN" ] || lock
    # shellcheck disable=SC2046
    activate "$old" $(installed_flows) || die "version $old does not come up: journalctl tells why"
    say "version $old is installed again${DRY_RUN:+ (not really)}"
}

uninstall() {
    for flow in $FLOWS; do
        if [ -e "$UNITS/$(unit_of "$flow").service" ]; then
            remove_service "$flow"
        fi
    done
    systemctl_ daemon-reload || :
    if [ -n "$(installed_flows)" ] && [ -z "$DRY_RUN" ]; then
        say "still installed:" "$(installed_flows | tr '\n' ' ')"
        return
    fi
    act rm -rf "$HOME_OF_ALL"
    act rm -f "$COMMAND"
    if [ -n "$PURGE" ]; then
        act rm -rf "$SETTINGS"
        [ -z "$USERDEL" ] || ! getent passwd quantum >/dev/null || act "$USERDEL" quantum
        [ -z "$GROUPDEL" ] || ! getent group quantum-console >/dev/null || act "$GROUPDEL" quantum-console
    elif [ -e "$SETTINGS" ]; then
        say "kept: $SETTINGS, the user quantum and the group quantum-console (--purge removes them)"
    fi
    say "uninstalled${DRY_RUN:+ (not really)}"
}

lock() {
    exec 9>"$HOME_OF_ALL/.lock"
    flock -n 9 || die "another install.sh is at work"
}

if [ -z "$FLOWS" ]; then
    for flow in $ALL_FLOWS; do
        if [ "$ACTION" != install ] || [ -e "$SOURCE/deploy/systemd/$(unit_of "$flow").service" ]; then
            FLOWS="$FLOWS $flow"
        fi
    done
fi
case $ACTION in
    install) install_ ;;
    rollback) rollback ;;
    uninstall) uninstall ;;
esac
