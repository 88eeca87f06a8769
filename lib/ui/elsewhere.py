"""Files that are not on the reader's disk: found in a bucket, behind an address or in a folder of the server,
and handed to the same steps as files that are dropped."""

from __future__ import annotations

import glob
import re
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from lib import settings
from lib.errors import CandlebookError, InputError
from lib.gathering import Basket, Given
from lib.remote.addresses import Access, Item, Listing, browse, fetch, find, is_remote, shown
from lib.ui.frame import guard, plain, show_error

__all__ = ["elsewhere", "put_away", "rights"]

_ADDRESS, _SEEN, _QUEUE, _ANONYMOUS, _ENDPOINT = (
    "elsewhere_address", "elsewhere_seen", "elsewhere_queue", "elsewhere_anonymous", "elsewhere_endpoint",
)  # fmt: skip
# In all, as much as may be dropped.
_MOST = 200_000_000
_BUCKET = re.compile(r"s3://[^/]+/")
_FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via")


def elsewhere(basket: Basket) -> list[Given]:
    """The controls to find and choose files; those that were opened and not yet stored or put away. They lie in
    the basket's folder."""
    queue: list[Given] = st.session_state.setdefault(_QUEUE, [])
    with st.expander("From a bucket or an address", icon=":material/cloud_download:"), guard():
        access = rights()
        address = st.text_input(
            "Address", key=_ADDRESS, placeholder="s3://bucket/2024/*.csv, https://..." + (", or a path" if access.files else ""),
            help="A bucket or folder is listed; * stands for any signs in a name, ** for folders too"
            + ("; s3:// alone lists the buckets" if access.buckets else ""),
        ).strip()  # fmt: skip
        access = _options(access, address)
        if address and (chosen := _choose(address, access)):
            put_away(*(each.key for each in queue))
            queue[:] = _arrived(chosen, access, basket.folder)
    if queue:
        left, right = st.columns([5, 1], vertical_alignment="center")
        names = ", ".join(each.name for each in queue[:5]) + (", ..." if len(queue) > 5 else "")
        left.markdown(f"**{plain(names)}**" + (f" · {len(queue)} files" if len(queue) > 1 else ""))
        right.button(
            "Put away", key="elsewhere_away", on_click=put_away, args=tuple(each.key for each in queue), type="tertiary"
        )  # fmt: skip
    return list(queue)


def put_away(*keys: str) -> None:
    """Done with these files."""
    queue: list[Given] = st.session_state.get(_QUEUE, [])
    for each in queue:
        if each.key in keys and isinstance(each.data, Path) and is_remote(each.where):
            each.data.unlink(missing_ok=True)
    queue[:] = [each for each in queue if each.key not in keys]


def rights() -> Access:
    """What this reader may open. An app on the internet has readers who must not see the owner's files,
    neighbours and buckets: these need CANDLEBOOK_PRIVATE=yes; the buckets also come to a browser
    that runs on the server's own machine."""
    private = settings.is_private()
    return Access(
        buckets=private or (private is None and _is_here()), files=private is True, hosts=private is True
    )


def _is_here() -> bool:
    """Whether the browser runs on this machine: by its connection, by the address it shows, and by the
    page it says it comes from, and nothing tells that the request was forwarded."""
    headers = st.context.headers
    if st.context.ip_address is not None or any(headers.get(name) for name in _FORWARDED):
        return False
    hosts = (urlsplit(f"//{headers.get('Host', '')}").hostname, urlsplit(headers.get("Origin", "")).hostname)
    return all(host in ("localhost", "127.0.0.1", "::1") for host in hosts)


def _options(access: Access, address: str) -> Access:
    """For a bucket: without credentials, or at another service. Only who may use the server's
    credentials and neighbours is asked."""
    if not address.startswith(("s3://", "s3a://")) or not access.buckets:
        return access
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    anonymous = left.checkbox(
        "Without credentials",
        key=_ANONYMOUS,
        help="Public buckets open without any; else the server's are used",
    )
    if access.hosts:
        endpoint = right.text_input(
            "Service", key=_ENDPOINT, placeholder="https://... where it is not that of the settings",
            help="MinIO, Cloudflare R2, Ceph and others; the default is AWS_ENDPOINT_URL, else Amazon S3",
        ).strip()  # fmt: skip
        access = replace(access, endpoint=endpoint or None)
    return replace(access, anonymous=anonymous)


# ----------------------------------------------------------------------------------------------- choose


def _choose(address: str, access: Access) -> list[Item]:
    """The listing behind an address, asked for once; the files chosen when the button is pressed."""
    key = (address, access)
    if st.session_state.get(_SEEN, (None,))[0] != key:
        with st.spinner("Looking"):
            st.session_state[_SEEN] = (key, _looked(address, access))
    found: Listing | CandlebookError = st.session_state[_SEEN][1]
    if isinstance(found, CandlebookError):
        show_error(found)
        _look_again()
        return []
    _folders(found)
    items = {item.address: item for item in found.items}
    if not items and not found.folders:
        st.info("There is nothing here.", icon=":material/inbox:")
    picked: list[str] = []
    if items:
        picked = st.multiselect(
            "Files", list(items), list(items) if len(items) == 1 or _is_pattern(address) else [], key=f"elsewhere_files_{hash(key)}",
            format_func=lambda each: _described(items[each]), placeholder="Choose one or many",
        )  # fmt: skip
    with st.container(horizontal=True):
        pressed = bool(items) and st.button(
            f"Open {len(picked)} files" if len(picked) > 1 else "Open", key="elsewhere_open", type="primary",
            disabled=not picked, icon=":material/file_open:",
        )  # fmt: skip
        if found.after:
            st.button("More", key="elsewhere_more", on_click=_more, args=(address, access))
        _look_again()
    return [items[each] for each in picked] if pressed else []


def _look_again() -> None:
    st.button(
        "Look again", key="elsewhere_again", on_click=st.session_state.pop, args=(_SEEN, None),
        icon=":material/refresh:", type="tertiary",
    )  # fmt: skip


def _is_pattern(address: str) -> bool:
    return bool(re.search(r"[*?\[]", urlsplit(address).path if address.startswith("http") else address))


def _looked(address: str, access: Access) -> Listing | CandlebookError:
    try:
        if _is_pattern(address):
            return Listing(tuple(find(address, access)), (), None)
        return browse(address, access)
    except CandlebookError as error:
        return error


def _more(address: str, access: Access) -> None:
    key, found = st.session_state[_SEEN]
    try:
        page = browse(address, access, after=found.after)
        found = Listing(found.items + page.items, found.folders + page.folders, page.after)
    except CandlebookError as error:
        found = error
    st.session_state[_SEEN] = (key, found)


def _folders(found: Listing) -> None:
    if found.folders:
        st.selectbox(
            "Buckets" if all(_BUCKET.fullmatch(each) for each in found.folders) else "Folders", found.folders, None, key=f"elsewhere_into_{hash(found.folders)}", placeholder="Go into a folder",
            format_func=lambda each: each.rstrip("/").rsplit("/", 1)[-1] + "/",
            on_change=_go, args=(f"elsewhere_into_{hash(found.folders)}",),
        )  # fmt: skip


def _go(key: str) -> None:
    if chosen := st.session_state.get(key):
        st.session_state[_ADDRESS] = chosen


def _described(item: Item) -> str:
    parts = [item.name]
    if item.size is not None:
        parts.append(f"{item.size / 1e6:,.1f} MB" if item.size >= 100_000 else f"{item.size / 1e3:,.1f} kB")
    if item.modified is not None:
        parts.append(f"{item.modified:%Y-%m-%d %H:%M}")
    return " · ".join(parts)


# ---------------------------------------------------------------------------------------------- arrive


def _arrived(items: list[Item], access: Access, folder: Path) -> list[Given]:
    """The files, fetched one by one; none where one fails."""
    total = sum(item.size or 0 for item in items)
    if total > _MOST:
        raise InputError(
            f"These files have {total / 1e6:,.0f} MB; {_MOST / 1e6:,.0f} MB are opened here at once.",
            remedy="Choose fewer, or use the command line: python -m lib import.",
        )
    bar = st.progress(0.0)
    into = Path(tempfile.mkdtemp(dir=folder))
    found: list[Given] = []
    left = _MOST
    with ExitStack() as undo:  # also where the page runs again meanwhile
        undo.callback(shutil.rmtree, into, ignore_errors=True)
        for number, item in enumerate(items):

            def progress(done: int, size: int | None, number: int = number, name: str = item.name) -> None:
                part = min(1.0, done / size) if size else 0.5
                told = f"{name} ({number + 1} of {len(items)}): {done / 1e6:,.1f} MB"
                bar.progress((number + part) / len(items), plain(told))

            path = fetch(item, access, into, limit=left, progress=progress)
            size = _size(path, item)
            left -= size
            key = f"{hash((item.address, access)):x}-{size}-{into.name}"
            found.append(Given(key, item.name, path, _where(item), _arguments(item, access)))
        undo.pop_all()
    bar.empty()
    return found


def _size(path: Path, item: Item) -> int:
    try:
        with path.open("rb"):
            return path.stat().st_size
    except OSError as error:
        where = shown(item.address) if is_remote(item.address) else item.address
        raise InputError(f"{where} cannot be read: {error.strerror}.") from error


def _where(item: Item) -> str:
    """The address as the command line takes it: this one object, whatever signs its name has; and
    without what may be a key."""
    if item.address.startswith(("s3://", "s3a://")):
        bucket, slash, key = item.address.partition("://")[2].partition("/")
        return f"s3://{bucket}{slash}{glob.escape(key)}"
    return shown(item.address) if is_remote(item.address) else item.address


def _arguments(item: Item, access: Access) -> tuple[str, ...]:
    if not item.address.startswith(("s3://", "s3a://")):
        return ()
    made = ["--endpoint", access.endpoint] if access.endpoint else []
    return (*made, "--anonymous") if access.anonymous or not access.buckets else tuple(made)
