"""The table of operations is closed: every operation has one form, and every port knows every operation."""

from typing import get_args

import pytest

from props.ops import operations as ops
from props.ops.dispatch import ON_CURSOR, ON_SEAT, ON_TREE
from props.ops.forms import FORMS, RANGES, Form, spell
from props.ops.subjects import MAPLE_TREE, SUBJECTS


def test_every_operation_has_one_form_and_one_way_to_be_carried_out() -> None:
    operations = set(get_args(ops.Operation))
    assert {form.operation for form in FORMS} == operations
    assert len(MAPLE_TREE.forms) == len(FORMS) == len(operations)
    assert {*ON_CURSOR, *ON_TREE, *ON_SEAT} == operations
    assert not set(ON_CURSOR) & {*ON_TREE, *ON_SEAT}
    assert SUBJECTS["maple_tree"] is MAPLE_TREE


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_arguments_have_ranges_and_names_are_alike(form: Form) -> None:
    assert all(argument in RANGES for argument in form.arguments)
    assert form.name.replace("_", "") == form.operation.__name__.lower()
    assert form.uses_cursor == (form.operation in ON_CURSOR or form.name == "mas_init")
    assert MAPLE_TREE.forms[form.name] is form


def test_spelling() -> None:
    assert spell(ops.MtreeStoreRange(16, 31, None)) == "mtree_store_range(first=0x10, last=0x1f, entry=NULL)"
    assert (
        spell(ops.MasNext(2**64 - 1, tree=1, cursor=2))
        == "mas_next(max=0xffffffffffffffff, tree=1, cursor=2)"
    )
    assert spell(ops.MtreeDup(3, fail_after=0)) == "mtree_dup(into=3, fail_after=0)"
