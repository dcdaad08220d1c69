"""Operations register themselves: every one has one form, and is offered with the others."""

import pytest

from mapleproof.props.common.forms import RANGES, spell
from mapleproof.props.common.operation import Common
from mapleproof.props.job.subjects import SUBJECTS
from mapleproof.props.maple import cursor_operations, tree_operations
from mapleproof.props.maple import operations as ops
from mapleproof.props.maple.dispatch import TREE_FORMS, TreeForm
from mapleproof.props.maple.subject import MAPLE_TREE

MODULES = (cursor_operations, tree_operations)


def test_every_operation_that_is_defined_is_registered_and_offered() -> None:
    """Those of a module are its own classes that are no one's base."""
    defined = {
        one
        for module in MODULES
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Common) and one.__module__ == module.__name__
    }
    defined -= {cursor_operations.Many}
    assert {form.operation for form in TREE_FORMS.values()} == defined
    assert all(getattr(ops, one.__name__) is one for one in defined)
    assert SUBJECTS["maple_tree"] is MAPLE_TREE
    assert MAPLE_TREE.forms is TREE_FORMS


def test_an_operation_is_registered_once() -> None:
    with pytest.raises(ValueError, match="mas_walk"):
        TREE_FORMS.add(TREE_FORMS["mas_walk"])


@pytest.mark.parametrize("form", TREE_FORMS.values(), ids=lambda form: form.name)
def test_arguments_have_ranges_and_names_are_alike(form: TreeForm) -> None:
    assert all(argument in RANGES for argument in form.arguments)
    if (
        form.operation is not ops.MasSetRangeStaying
    ):  # in C it differs from mas_set_range by underscores alone
        assert form.name.replace("_", "") == form.operation.__name__.lower()
    assert form.uses_cursor == (form.on == "cursor" or form.name == "mas_init")
    assert MAPLE_TREE.forms[form.name] is form


def test_spelling() -> None:
    assert spell(ops.MtreeStoreRange(16, 31, None)) == "mtree_store_range(first=0x10, last=0x1f, entry=NULL)"
    assert (
        spell(ops.MasNext(2**64 - 1, tree=1, cursor=2))
        == "mas_next(max=0xffffffffffffffff, tree=1, cursor=2)"
    )
    assert spell(ops.MtreeDup(3, fail_after=0)) == "mtree_dup(into=3, fail_after=0)"
