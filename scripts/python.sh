#!/bin/sh
# Print the path of a Python 3.11, 3.12 or 3.13 that really runs and can make virtual environments.
# PYTHON names one outright. A name on the PATH proves nothing (version managers put stand-ins there that
# only print an error), so each is run.
set -u

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1 </dev/null
}

makes_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1 </dev/null
}

no_venv() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $version ($1) cannot make virtual environments: its venv module is missing." >&2
    echo "On Debian or Ubuntu: apt-get install python$version-venv. Then try again." >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    found=$(command -v "$PYTHON") || { echo "PYTHON names $PYTHON, which is no program here." >&2; exit 1; }
    if ! suits "$found"; then
        echo "PYTHON names $PYTHON, which is not a working Python 3.11, 3.12 or 3.13." >&2
        exit 1
    fi
    makes_venv "$found" || no_venv "$found"
    echo "$found"
    exit 0
fi

bare=""
for name in python3 python python3.13 python3.12 python3.11 \
    /usr/local/bin/python3.1[123] /usr/bin/python3.1[123] /opt/homebrew/bin/python3.1[123] \
    /opt/local/bin/python3.1[123] /Library/Frameworks/Python.framework/Versions/3.1[123]/bin/python3 \
    "$HOME"/.pyenv/versions/3.1[123]*/bin/python3 "$HOME"/.local/share/uv/python/*3.1[123]*/bin/python3 \
    "$HOME"/.local/bin/python3.1[123] "$HOME"/.asdf/installs/python/3.1[123]*/bin/python3 \
    "$HOME"/.local/share/mise/installs/python/3.1[123]*/bin/python3 \
    "$HOME"/miniconda3/bin/python3 "$HOME"/anaconda3/bin/python3 "$HOME"/miniforge3/bin/python3
do
    found=$(command -v "$name" 2>/dev/null) || continue
    suits "$found" || continue
    if makes_venv "$found"; then
        echo "$found"
        exit 0
    fi
    bare=${bare:-$found}
done

[ -n "$bare" ] && no_venv "$bare"
seen=$(python3 --version 2>/dev/null </dev/null) || seen=""
echo "Candlebook needs Python 3.11, 3.12 or 3.13; found: ${seen:-none that runs}." >&2
echo "Install one (python.org, or your system's package manager), or name it: make run PYTHON=/path/to/python3.12" >&2
exit 1
