"""The mistakes of fork that the suite must find, by the entries of the catalogue (docs/seeds.md).

An entry is either a recovery of the past, which is in the table of recoveries as it was (`BY_RECOVERY`), or
a seed that is planted into shipped code, most often into the recovery that is meant to be right (`SEEDS`).
Each is found by `seek.py`.
"""

from __future__ import annotations

from mapleproof.impl.mm.recovery import MEANT_TO_BE_RIGHT
from mapleproof.props.common.planting import Edit, Seed

FORK = "impl.mm.fork:"
UNMAP = "impl.mm.recovery.unmap_in_place:UnmapInPlace."
ZERO = "impl.mm.recovery.zero_marker:ZeroMarker."
TEARDOWN = "impl.mm.teardown:"

BY_RECOVERY = {
    "F01": "exit_marker_v2",
    "F02": "exit_marker_v2",
    "F03": "exit_marker_v2",
    "F04": "undo_v3",
    "F07": "undo_v4",
    "F09": "open_coded",
    "F17": "zero_marker",
    "F18": "zero_marker",
    "F19": "zero_marker",
    "F20": "zero_marker_6_14",
}
"""Entries that are recoveries: which one is broken by it."""


def _seed(name: str, what: str, *edits: tuple[str, str, str], lane: str = MEANT_TO_BE_RIGHT) -> Seed:
    return Seed(name, name.split("_")[0], what, tuple(Edit(*edit) for edit in edits), lane)


MARKER = "zero_marker_6_17"

SEEDS = (
    _seed(
        "F02_zap_passes_the_marker",
        "unmap_vmas() does not stop at the marker",
        (TEARDOWN + "unmap_vmas", "knows_marker and vma is ZERO", "knows_marker and vma is None"),
        lane=MARKER,
    ),
    _seed(
        "F02_tables_pass_the_marker",
        "the first look-up of free_pgtables() takes the marker for a VMA",
        (
            TEARDOWN + "free_pgtables",
            "        following: Vma | None = cursor.find(limit)\n        if knows_marker and",
            "        following: Vma | None = cursor.find(limit)\n        if not knows_marker and",
        ),
        lane=MARKER,
    ),
    _seed(
        "F02_gathering_passes_the_marker",
        "the look-up in the gathering loop of free_pgtables() takes the marker for a VMA",
        (
            TEARDOWN + "free_pgtables",
            "                following = cursor.find(limit)\n                if knows_marker and",
            "                following = cursor.find(limit)\n                if not knows_marker and",
        ),
        lane=MARKER,
    ),
    _seed(
        "F02_release_passes_the_marker",
        "the last loop of exit_mmap() takes the marker for a VMA",
        (TEARDOWN + "release_vmas", "knows_marker and vma is ZERO", "knows_marker and vma is None"),
        lane=MARKER,
    ),
    _seed(
        "F03_tree_not_destroyed",
        "exit_mmap() returns at once where the marker is the first entry",
        ("impl.mm.exit:exit_mmap", "if rules.destroys:", "if rules.destroys and vma is None:"),
        lane=MARKER,
    ),
    _seed(
        "F04_cursor_not_moved",
        "the cursor still stands at the first VMA when page tables are freed",
        (
            UNMAP + "unmap",
            "cursor.set(behind)\n    free_pgtables",
            "cursor.set(first.start)\n    free_pgtables",
        ),
    ),
    _seed(
        "F05_ceiling_at_the_first_left",
        "the ceiling for page tables is the start of the first VMA left",
        (UNMAP + "unmap", "shape.ceiling, tree_end)", "0 if tree_end == MAX else tree_end, tree_end)"),
    ),
    _seed(
        "F06_ceiling_as_tree_limit",
        "the walk for page tables goes on to the ceiling, through the parent's VMAs",
        (UNMAP + "unmap", "shape.ceiling, tree_end)", "shape.ceiling, shape.ceiling)"),
    ),
    _seed(
        "F08_limit_wraps",
        "with nothing duplicated before a VMA at 0, the limit is 0, and one less is everything",
        (UNMAP + "recover", "if mm.map_count:", "if mm.tree:"),
        (UNMAP + "unmap", "assert first is not None", "if first is None:\n        return"),
    ),
    _seed(
        "F10_counted_after_the_page_tables",
        "map_count is raised once the page tables are copied",
        (FORK + "_link", "child.map_count += 1\n", "pass\n"),
        (
            FORK + "_link",
            "count_rss(child, new, copied)",
            "count_rss(child, new, copied)\n    child.map_count += whole",
        ),
        (
            FORK + "_link",
            "elif new.anon_vma is None:\n        return True",
            "elif new.anon_vma is None:\n        child.map_count += 1\n        return True",
        ),
        (
            FORK + "_link",
            "VM_WIPEONFORK:\n        return True",
            "VM_WIPEONFORK:\n        child.map_count += 1\n        return True",
        ),
    ),
    _seed(
        "F12_marker_over_one_more",
        "the marker's range ends one index too far",
        (ZERO + "recover", "left.end - 1", "left.end"),
        lane=MARKER,
    ),
    _seed(
        "F12_marker_over_a_stale_range",
        "the marker goes to where the cursor stood before",
        (ZERO + "recover", "fork.cursor.set_range(left.start, left.end - 1)", "fork.cursor.prev(0)"),
        lane=MARKER,
    ),
    _seed(
        "F13_failure_point_not_advanced",
        "after page tables could not be copied, the VMA itself counts as not duplicated",
        (FORK + "_copy_by_dup", "job.first_left = cursor.find(MAX)", "job.first_left = new"),
    ),
    _seed(
        "F13_failure_point_advanced_too_early",
        "a VMA that could not be duplicated counts as duplicated",
        (
            FORK + "_copy_by_dup",
            "if isinstance(new, int):\n                job.first_left = old",
            "if isinstance(new, int):\n                job.first_left = cursor.find(MAX)",
        ),
    ),
    _seed(
        "F14_counters_not_corrected",
        "the pages of a VMA that is not copied stay counted",
        (FORK + "_copy_by_dup", "child.count_pages(old.flags, -pages)", "pages = 0"),
    ),
    _seed(
        "F14_counters_corrected_twice",
        "the pages of a VMA that is not copied are taken off twice",
        (FORK + "_copy_by_dup", "-pages)", "-2 * pages)"),
    ),
    _seed(
        "F15_charge_lost",
        "a VMA whose copy failed keeps its charge",
        (FORK + "_give_up", "job.machine.uncharge(charge)", "pass"),
    ),
    _seed(
        "F15_charge_returned_twice",
        "a VMA whose page tables could not be copied gives its charge back itself",
        (
            FORK + "_link",
            "    return whole",
            "    if not whole:\n        job.machine.uncharge(child.pages(new))\n    return whole",
        ),
    ),
    _seed(
        "F15_teardown_keeps_the_charge",
        "the teardown does not give the charge back",
        (TEARDOWN + "release_vmas", "mm.machine.uncharge(accounted)", "pass"),
    ),
    _seed(
        "F15_refused_charge_returned",
        "a charge that was refused is given back",
        (
            FORK + "_duplicate",
            "if not machine.charge(charge):",
            "if not machine.charge(charge):\n            machine.uncharge(charge)",
        ),
    ),
    _seed(
        "F16_marker_first",
        "exit_mmap() takes a marker in the place of the first VMA for one",
        (
            "impl.mm.exit:exit_mmap",
            "or (rules.at_head and vma is ZERO)",
            "or (rules.at_head and vma is None)",
        ),
        lane=MARKER,
    ),
    _seed(
        "F17_always_completed",
        "userfaultfd monitors are told of a fork that failed",
        (FORK + "dup_mmap", "ret == 0 or recovery.completes_uffd", "True"),
        lane=MARKER,
    ),
    _seed(
        "F17_contexts_kept",
        "after a failure userfaultfd contexts are not dropped",
        (
            FORK + "_end_userfaultfd",
            "for context in job.contexts:",
            "for context in job.contexts if ret == 0 else ():",
        ),
    ),
    _seed(
        "F18_hooks_before_the_loop",
        "ksm and khugepaged learn of the child before it is complete",
        (FORK + "dup_mmap", "if recovery.early_hooks:", "if not recovery.early_hooks:"),
        lane=MARKER,
    ),
    _seed(
        "F19_not_marked_unstable",
        "the child is marked unstable only if there is a marker, and not to be skipped",
        (
            "impl.mm.recovery.zero_marker:ZeroMarker614.recover",
            "fork.child.oom_skip = True",
            "fork.child.oom_skip = False",
        ),
        lane=MARKER,
    ),
    _seed(
        "F20_swapoff_does_not_look",
        "swapoff walks an unstable address space",
        ("impl.mm.observers:swapoff_looking", "mm.users and not mm.unstable", "mm.users"),
        lane=MARKER,
    ),
    _seed(
        "F21_zap_end_is_the_ceiling",
        "pages are zapped up to the ceiling, 0",
        (UNMAP + "unmap", "zap_end = MAX", "zap_end = shape.ceiling"),
    ),
    _seed(
        "F21_tree_limit_is_everything",
        "the tree is walked to its end",
        (UNMAP + "tree_end", "return MAX if left is None else left.start", "return MAX"),
    ),
    _seed(
        "F21_cursor_not_moved_before_release",
        "the cursor is not moved back behind the first VMA before they are released",
        (UNMAP + "unmap", "cursor.set(behind)\n    release_vmas", "release_vmas"),
    ),
    _seed(
        "F21_tree_not_destroyed",
        "the tree is left to exit_mmap()",
        (UNMAP + "recover", "mm.tree.destroy()", "pass"),
    ),
    _seed(
        "F22_file_linked_before_the_tree",
        "the file knows the child's VMA before the tree does",
        (
            FORK + "_copy_by_dup",
            "            cursor.store(new)\n",
            "            link_file(job.machine, new)\n            cursor.store(new)\n",
        ),
    ),
    _seed(
        "F23_reservation_inherited",
        "the child's VMA has the parent's reservation from the start",
        (
            FORK + "_duplicate",
            "if old.policy is not None:",
            "new.pat = old.pat\n    if old.policy is not None:",
        ),
    ),
    _seed(
        "F25_failed_copy_published",
        "a copy of the tree that failed is published",
        ("impl.maple.dup:copy_nodes", "undo(new, root, done)", "target.root, target.height = root, height"),
    ),
    _seed(
        "F26_none_left_means_none_copied",
        "where no VMA is left, nothing counts as copied",
        (UNMAP + "recover", "if mm.map_count:", "if mm.map_count and fork.first_left is not None:"),
    ),
    _seed(
        "F28_signal_after_the_charge",
        "the signal is looked for once the charge is made, which nobody gives back",
        (
            FORK + "_duplicate",
            "return -errno.EINTR",
            "machine.committed += job.child.pages(old)\n        return -errno.EINTR",
        ),
    ),
    _seed(
        "F29_grant_taken_for_a_refusal",
        "a copy of the tree fails where its nodes are granted, and goes on where they are refused",
        ("impl.maple.dup:copy_nodes", 'not plan.ask("maple_node", end', 'plan.ask("maple_node", end'),
    ),
    _seed(
        "F29_always_refused",
        "a fork fails at its end although nothing was refused",
        (FORK + "_duplicate_arch", 'return 0 if plan is None or plan.ask("arch") else', "return"),
    ),
    _seed(
        "F29_refusal_ignored",
        "a fork goes on although the policy of a VMA was refused",
        (FORK + "_duplicate", 'not plan.ask("policy")', 'not (plan.ask("policy") or True)'),
    ),
    _seed(
        "F29_another_error",
        "a fork that a signal ends says that there was no memory",
        (FORK + "_duplicate", "return -errno.EINTR", "return -errno.ENOMEM"),
    ),
    _seed(
        "F30_context_held_by_nobody",
        "a userfaultfd context begins without the reference of the VMA that it is made for",
        ("impl.mm.objects:UffdContext.__init__", "self.refs = 1", "self.refs = 0"),
    ),
)
"""All of them."""
