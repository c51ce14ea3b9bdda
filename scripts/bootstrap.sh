#!/bin/sh
# Makes .venv from requirements.lock with $PYTHON or the newest fitting one; does nothing when it is already so.
set -eu
cd "$(dirname "$0")/.."

want="3.13 3.12 3.11"
stamp=.venv/.rapport-installed
state=$(cat requirements.lock pyproject.toml | cksum)

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo none; }

fits() { # an interpreter that runs, is of the version and can make virtual environments
    [ "$(version_of "$1")" = "$2" ] && "$1" -c "import venv, ensurepip" >/dev/null 2>&1
}

# A named interpreter is a wish, not a hint: another one is never taken in its place.
if [ -n "${PYTHON:-}" ] && ! { fits "$PYTHON" 3.13 || fits "$PYTHON" 3.12 || fits "$PYTHON" 3.11; }; then
    echo "PYTHON=$PYTHON does not run, is none of 3.13, 3.12 and 3.11, or lacks the venv module (on Debian the package" >&2
    echo "python3-venv). Name another one, or leave PYTHON out to have one looked for." >&2
    exit 1
fi

if [ -x .venv/bin/rapport ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$state" ] &&
    { [ -z "${PYTHON:-}" ] || [ "$(version_of .venv/bin/python)" = "$(version_of "$PYTHON")" ]; }; then
    exit 0
fi

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        command -v "$PYTHON"
        return
    fi
    for version in $want; do
        for candidate in "python$version" "$HOME/.pyenv/versions/$version".*/bin/python \
            "/usr/local/bin/python$version" "/opt/homebrew/bin/python$version" python3 python; do
            path=$(command -v "$candidate" 2>/dev/null) || continue
            if fits "$path" "$version"; then
                echo "$path"
                return 0
            fi
        done
    done
    return 1
}

if ! python=$(find_python); then
    {
        echo "No fitting Python found. Looked for 3.13, 3.12 and 3.11 with the venv module: python3.x on PATH, pyenv's"
        echo "versions, /usr/local, Homebrew, python3 and python. Install one (on Debian also its python3-venv package), or"
        echo "say which to take: make PYTHON=/path/to/python3.13 demo"
    } >&2
    exit 1
fi

echo "Python: $python ($("$python" -c 'import platform; print(platform.python_version())'))"
if [ "$(version_of .venv/bin/python)" != "$(version_of "$python")" ]; then
    "$python" -m venv --clear .venv
fi

# uv installs the rest ten times as fast; its own version and hashes come from the lock as well.
awk '/^uv==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements.lock > .venv/uv.lock
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
echo "Installing the locked packages (1.3 GB; later runs skip this) ..."
.venv/bin/uv pip install --python .venv/bin/python --require-hashes -r requirements.lock
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
# Without bytecode each of Airflow's processes would compile it anew. What few commands import, a third of all, is left to
# the first that does; what does not compile is written for another Python.
.venv/bin/python -m compileall -qq -j 0 -x '/(tests?|geodata|mypy|mypyc|sqlfluff|hypothesis|setuptools)/' .venv/lib || true
# Unpacked here once, so that no two processes do it at the same time later.
.venv/bin/python -c "from rapport.db.binaries import find_binaries; print('Postgres:', find_binaries())"
echo "$state" > "$stamp"
