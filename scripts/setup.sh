#!/bin/sh
# Make .venv and install what requirements.txt lists (with "dev": requirements-dev.txt as well).
# Does nothing, in well under a second, where both are done and the lists have not changed since.
set -u
cd "$(dirname "$0")/.." || exit 1

list=requirements.txt
[ "${1:-}" = dev ] && list=requirements-dev.txt
python=.venv/bin/python
stamp=.venv/.installed-${1:-run}
busy=.venv/.installing

version() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null </dev/null
}

# Somebody else is at it, in this folder: wait for them.
waited=0
while [ -f "$busy" ] && kill -0 "$(cat "$busy" 2>/dev/null)" 2>/dev/null; do
    [ "$waited" -eq 0 ] && echo "Another command is setting up .venv; waiting for it."
    waited=$((waited + 1))
    [ "$waited" -gt 900 ] && { echo "It takes too long. Stop it, or remove .venv, and try again." >&2; exit 1; }
    sleep 1
done

usable() {
    # interrupted while installing, moved from another machine, or its Python has gone
    [ ! -f "$busy" ] && [ -f .venv/pyvenv.cfg ] && [ -f .venv/.made ] || return 1
    made=$(version "$python") || return 1
    case $made in 3.11.* | 3.12.* | 3.13.*) ;; *) return 1 ;; esac
    [ "$made" = "$(cat .venv/.made)" ] || return 1
    [ -z "${PYTHON:-}" ] || [ "$made" = "$(version "$PYTHON")" ]
}

if ! usable; then
    base=$(sh scripts/python.sh) || exit 1
    [ -e .venv ] && echo "Making .venv anew: the old one is incomplete or of another Python."
    rm -rf .venv
    echo "Making .venv with Python $(version "$base") ($base)"
    if ! "$base" -m venv .venv; then
        echo "The virtual environment .venv could not be made; the lines above say why." >&2
        exit 1
    fi
    version "$python" >.venv/.made
fi

wanted="$(cat .venv/.made) $(cat requirements.txt "$list" | cksum)"
[ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && exit 0

echo "Installing what $list lists (some 500 MB; a minute or two, only now)"
echo $$ >"$busy"
trap 'exit 130' INT TERM
if ! "$python" -m pip install -qq --disable-pip-version-check --no-input -r "$list"; then
    # what was there may be half replaced: the next try starts afresh
    echo failed >"$busy"
    echo "The libraries could not be installed; the lines above say why. A network connection is needed." >&2
    exit 1
fi
echo "$wanted" >"$stamp"
rm -f "$busy"
