"""Errors travel over the wire as themselves."""

import pytest

from workbench import errors


def every_error() -> list[type[errors.WorkbenchError]]:
    return [
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, errors.WorkbenchError)
    ]


@pytest.mark.parametrize("cls", every_error())
def test_every_error_survives_the_wire(cls: type[errors.WorkbenchError]) -> None:
    back = errors.from_wire(errors.to_wire(cls("Say <what> to do.")))
    assert type(back) is cls
    assert str(back) == "Say <what> to do."


def test_busy_says_when_to_come_back() -> None:
    back = errors.from_wire(errors.to_wire(errors.BusyError("Full.", retry_after_s=7.5)))
    assert isinstance(back, errors.BusyError)
    assert back.retry_after_s == 7.5


def test_an_unknown_class_becomes_a_bug() -> None:
    assert type(errors.from_wire({"error": "SystemExit", "message": "x"})) is errors.BugError


def test_the_nearest_name_is_offered() -> None:
    error = errors.UnknownNameError.of("method", "atention", ["attention", "gla"])
    assert str(error) == "No method called 'atention'. Did you mean attention?"


def test_far_names_list_what_is_known() -> None:
    error = errors.UnknownNameError.of("method", "zzz", ["gla", "attention"])
    assert str(error) == "No method called 'zzz'. Known: attention, gla."
