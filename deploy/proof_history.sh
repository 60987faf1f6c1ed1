#!/bin/sh
# Prove the installed service; see proof.sh beside this.
exec "$(dirname "$0")/proof.sh" history "$@"
