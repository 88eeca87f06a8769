"""The tree of errors: what each class tells the reader and the shell."""

from __future__ import annotations

import inspect

import pytest

from lib import errors

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, Exception)]


def test_the_public_list_is_every_class() -> None:
    assert sorted(errors.__all__) == sorted(one.__name__ for one in CLASSES)


@pytest.mark.parametrize("one", CLASSES)
def test_every_class_has_one_root_a_place_in_the_tree_and_a_sentence(
    one: type[errors.CandlebookError],
) -> None:
    assert issubclass(one, errors.CandlebookError)
    assert one.__name__ in (errors.__doc__ or "")
    assert one.__doc__
    extra = {"report": None} if one is errors.CandlesRefused else {}
    made = one("It is so.", remedy="Do this.", symbol="X", **extra)
    assert str(made) == "It is so. Do this."
    assert made.message == "It is so."
    assert made.fields == {"symbol": "X"}


def test_exit_codes_tell_the_kinds_apart() -> None:
    codes = {
        errors.InputError: 2, errors.StoreError: 3, errors.TryLater: 4, errors.SourceError: 5,
        errors.InternalError: 1,
    }  # fmt: skip
    for kind, code in codes.items():
        for one in CLASSES:
            if issubclass(one, kind):
                assert one.exit_code == code
    for code in codes.values():
        assert f"(exit {code})" in (errors.__doc__ or "") or code == 1


def test_how_long_to_wait_is_carried() -> None:
    assert errors.RateLimited("Slow down.", retry_after=7.5).retry_after == 7.5
    assert errors.RateLimited("Slow down.").retry_after is None
