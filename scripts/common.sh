# shellcheck shell=sh
# Shared by the scripts: finds Python and makes virtual environments. Sourced, not run.

say() { printf '%s\n' "$*" >&2; }

fail() { # fact, reason, next command
    say "$*"
    exit 2
}

# guarded COMMAND...: run it so that a signal to this script ends it too, and wait for it to clean up.
guarded() {
    "$@" &
    child=$!
    interrupted=
    # asv and pip end on SIGTERM; a background process of a script ignores SIGINT.
    trap 'interrupted=1; kill -TERM "$child" 2>/dev/null' INT TERM HUP
    result=0
    wait "$child" || result=$?
    while kill -0 "$child" 2>/dev/null; do
        result=0
        wait "$child" || result=$?
    done
    trap - INT TERM HUP
    if [ -n "$interrupted" ]; then
        say "Interrupted: the same command resumes."
        exit 130
    fi
    return "$result"
}

# The first Python that is new enough: $PYTHON, then the usual names.
find_python() {
    for candidate in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    fail "No Python 3.11 or newer with venv was found." \
        "machmeter needs one for its own environment." \
        "Install it (Debian: \"apt-get install python3 python3-venv\"), or name it: PYTHON=/path/to/python3 $0"
}

# make_venv FOLDER ARGUMENTS...: a virtual environment with "pip install ARGUMENTS", made again only when
# the arguments, pyproject.toml or constraints.txt have changed. An interrupted one is never taken for whole.
make_venv() {
    folder=$1
    shift
    python=$(find_python) || exit 2
    stamp="$(cat pyproject.toml constraints.txt | cksum) $PWD $python $*"
    if [ -f "$folder/.complete" ] && [ "$(cat "$folder/.complete")" = "$stamp" ]; then
        return 0
    fi
    say "Making $folder (about a minute; later runs skip this) ..."
    rm -rf "$folder"
    guarded "$python" -m venv "$folder"
    pip_install="$folder/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt"
    # shellcheck disable=SC2086 # a command and its options; the folder is one of ours, without spaces
    {
        guarded $pip_install pip
        guarded $pip_install "$@"
    }
    printf '%s' "$stamp" >"$folder/.complete"
}
