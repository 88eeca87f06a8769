"""What pages share on screen. With ``lib.chart`` the only place under ``lib/`` that imports streamlit."""
