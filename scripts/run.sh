#!/bin/sh
# Start the app. PORT=8600 picks another port.
set -u
cd "$(dirname "$0")/.." || exit 1
sh scripts/setup.sh || exit 1

port=${PORT:-8501}
.venv/bin/python - "$port" <<'CHECK' || exit 1
import socket, sys
text = sys.argv[1]
if not (text.isdecimal() and 0 < int(text) < 65536):
    sys.exit(f"PORT is {text!r}; a port is a number from 1 to 65535.")
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("", int(text)))
    except OSError as error:
        sys.exit(f"Port {text} cannot be used ({error.strerror}). Pick another: make run PORT={int(text) % 65535 + 1}")
CHECK

echo "Candlebook: http://localhost:$port (Ctrl+C ends it)"
# headless: opens no browser and asks nothing; the address is given so that none is looked up outside
exec .venv/bin/python -m streamlit run streamlit_app.py \
    --server.port "$port" --server.headless true --browser.serverAddress localhost </dev/null
