"""The repository itself: what it needs, what it says of itself, and what has no place in it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Package on the left, the name it is imported by on the right, where they differ.
IMPORTED_AS = {
    "python-calamine": "python_calamine",
    "ta-lib": "talib",
    "pandas-ta-classic": "pandas_ta_classic",
    "streamlit-lightweight-charts": "streamlit_lightweight_charts",
}
# Needed, and imported by no line of ours: why.
NOT_IMPORTED = {
    "lightweight-charts": "only its JavaScript is served; importing it would open a desktop window toolkit",
    "s3fs": "fsspec imports it for s3:// addresses",
    "tzdata": "zoneinfo reads it where the system has no time zones",
}
# Comes with a package above and is imported by name.
COMES_WITH: dict[str, str] = {"aiohttp": "s3fs", "botocore": "s3fs", "urllib3": "requests"}
CODE = ("lib", "pages", "streamlit_app.py")
TEXT = {".py", ".js", ".css", ".md", ".toml", ".txt", ".sh", ".cfg", ".yml", ".yaml", ".json", ".html", ""}


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files are tracked is not known")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def requirements(name: str) -> dict[str, str]:
    """Package -> its whole line."""
    lines = [
        line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r"))
    ]
    return {re.split(r"[<>=\[ ]", line, maxsplit=1)[0].lower(): line for line in lines}


def imported() -> dict[str, str]:
    """Top-level module -> a place that imports it, over the code of the app."""
    places: dict[str, str] = {}
    for part in CODE:
        path = ROOT / part
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                else:
                    continue
                for name in names:
                    places.setdefault(name.split(".")[0], f"{file.relative_to(ROOT)}:{node.lineno}")
    return places


def foreign() -> dict[str, str]:
    known = sys.stdlib_module_names | {"lib", "__future__"}
    return {name: place for name, place in imported().items() if name not in known}


# ------------------------------------------------------------------------------------- requirements


def test_what_is_imported_is_required() -> None:
    """By a statement, so whenever its module is: what is optional is imported by name, when it is used."""
    offered = {IMPORTED_AS.get(package, package) for package in requirements("requirements.txt")}
    missing = {
        name: place
        for name, place in foreign().items()
        if name not in offered and COMES_WITH.get(name) not in requirements("requirements.txt")
    }
    assert not missing


def test_what_is_required_is_imported() -> None:
    used = foreign()
    unused = [
        package
        for package in requirements("requirements.txt")
        if IMPORTED_AS.get(package, package) not in used and package not in NOT_IMPORTED
    ]
    assert not unused, f"imported nowhere: {unused}"


def test_what_is_optional_is_loaded_by_name_and_by_no_import() -> None:
    """Each is handed to ``load`` somewhere under lib/sources; the tests' requirements bring them all."""
    code = "\n".join(path.read_text() for path in (ROOT / "lib" / "sources").glob("*.py"))
    optional = requirements("requirements-optional.txt")
    assert optional
    for package in optional:
        assert re.search(rf'\bload\("{package}[."]', code), f"{package} is loaded nowhere"
        assert package not in foreign(), f"{foreign().get(package)} imports {package}"
        assert package not in requirements("requirements.txt")
    assert "-r requirements-optional.txt" in (ROOT / "requirements-dev.txt").read_text()


def test_what_is_optional_is_not_loaded_at_the_start() -> None:
    code = (
        "import sys, lib.cli, lib.sources.registry as registry\n"
        "for name in registry.names(): registry.get(name).live\n"
        f"print([name for name in {list(requirements('requirements-optional.txt'))} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-optional.txt", "requirements-dev.txt"])
def test_every_requirement_has_a_range_and_a_reason(name: str) -> None:
    for line in requirements(name).values():
        assert re.fullmatch(r"[\w\[\].-]+>=[\d.]+(,<[\d.]+)?\s+# \S.*", line), line


# ------------------------------------------------------------------------------------- what is in it

# A place on one machine, a registry's host: neither is of use to anybody else.
FOREIGN = [
    re.compile(r"(?<![\w.$}/-])/(?:work|farm|tmp|home/\w|root|Users/\w)/[\w.]"),
    re.compile(r"registry\.npm|pypi\.org|files\.pythonhosted|deb\.debian"),
]


def test_nothing_of_one_machine_and_nothing_large() -> None:
    found = []
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        assert path.stat().st_size < 1_000_000, f"{name} is larger than 1 MB"
        if path.suffix not in TEXT:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{name}:{number}: {hit[0]}" for pattern in FOREIGN if (hit := pattern.search(line))]
    assert not found, "\n".join(found)


def test_nothing_is_left_open() -> None:
    marks = re.compile("TO" + "DO|FIX" + "ME|X" + "XX|<{7}|>{7}")
    found = [
        f"{path.relative_to(ROOT)}: {hit[0]}"
        for path in tracked()
        if path.suffix in TEXT and (hit := marks.search(path.read_text(encoding="utf-8")))
    ]
    assert not found, "\n".join(found)


def test_private_and_made_things_are_not_tracked() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in tracked()}
    private = re.compile(
        r"(^|/)(secrets\.toml|\.env|\.venv|__pycache__|node_modules)($|/)|^data/(store|cache)/|\.min\.js$"
    )
    assert not [name for name in names if private.search(name)]


# ------------------------------------------------------------------------------------ what it says


def test_licence_and_changelog() -> None:
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert "## " in (ROOT / "CHANGELOG.md").read_text()


def verbs() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def readme() -> str:
    path = ROOT / "README.md"
    assert path.exists(), "there is no README.md"
    return path.read_text(encoding="utf-8")


def test_readme_is_short_and_its_commands_exist() -> None:
    text = readme()
    assert len(text.splitlines()) <= 150
    named = set(re.findall(r"(?:`|^\s*)make ([a-z]+)", text, re.MULTILINE))
    assert {"run", "test"} <= named <= verbs()
    for name in re.findall(r"pip install -r (\S+)", text):
        assert (ROOT / name).exists()
    for name in re.findall(r"streamlit run ([\w/.]+)", text):
        assert (ROOT / name).exists()


def test_readme_has_the_indicators_of_the_registry() -> None:
    from scripts.readme import filled

    assert filled(readme()) == readme(), "run: make fix"


def test_readme_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", readme()):
        assert (ROOT / target).exists(), f"README.md links to {target}, which is not there"


def test_every_setting_is_documented() -> None:
    example = (ROOT / ".streamlit" / "secrets.toml.example").read_text()
    source = (ROOT / "lib" / "settings.py").read_text()
    for name in set(re.findall(r"CANDLEBOOK_[A-Z_]+", source)):
        assert name in example, f"{name} is missing in .streamlit/secrets.toml.example"


def test_help_lists_every_verb() -> None:
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert set(re.findall(r"^make ([a-z]+)", shown, re.MULTILINE)) == verbs() - {"help"}


# ----------------------------------------------------------------------------------------- settings


def config() -> dict[str, object]:
    return tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


def test_streamlit_knows_every_option() -> None:
    from streamlit import config as known

    flat: set[str] = set()

    def walk(section: dict[str, object], prefix: str) -> None:
        for key, value in section.items():
            name = f"{prefix}{key}"
            if isinstance(value, dict):
                walk(value, f"{name}.")
            else:
                flat.add(name)

    walk(config(), "")
    assert flat <= set(known.get_config_options())
    assert {"runner.postScriptGC", "client.showSidebarNavigation", "theme.light.primaryColor"} <= flat


def luminance(color: str) -> float:
    """Relative luminance of #rrggbb; www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21; www.w3.org/TR/WCAG21/#dfn-contrast-ratio"""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_colours_can_be_read(mode: str) -> None:
    theme = config()["theme"][mode]  # type: ignore[index]
    sidebar = theme["sidebar"]["backgroundColor"]
    for ground in (theme["backgroundColor"], theme["secondaryBackgroundColor"], sidebar):
        assert contrast(theme["textColor"], ground) >= 7
        assert contrast(theme["linkColor"], ground) >= 4.5
        assert contrast(theme["primaryColor"], ground) >= 3  # a control's edge
        for name in ("red", "green", "blue", "orange", "violet", "yellow", "gray"):
            assert contrast(theme[f"{name}Color"], ground) >= 3, name
    assert contrast("#ffffff", theme["primaryColor"]) >= 4.5  # the label of a primary button
    for colour in theme["chartCategoricalColors"]:
        assert contrast(colour, theme["backgroundColor"]) >= 3, colour
