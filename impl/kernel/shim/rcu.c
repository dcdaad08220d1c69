/*
 * call_rcu() for one thread: callbacks wait in the order they came until shim_rcu_run() ends the grace period.
 * The server runs them after each step, or only when it is told to, so that a run is deterministic.
 *
 * Not covered: readers beside the writer. Nothing runs at the same time as anything else here.
 */
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "events.h"
#include "shim.h"

unsigned int shim_spinlocks, shim_rcu_sections;
struct lockdep_map rcu_callback_map;

static struct rcu_head *first, **end = &first;
static unsigned long pending;

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *))
{
	head->next = NULL;
	head->func = func;
	*end = head;
	end = &head->next;
	pending++;
	shim_alloc_counts()->retired++;
}

/* Maple nodes alone are freed so, and they are aligned to their size. */
static void free_object(struct rcu_head *head)
{
	kfree((void *)((unsigned long)head & ~255UL));
}

void shim_kfree_rcu(struct rcu_head *head) { call_rcu(head, free_object); }

unsigned long shim_rcu_pending(void) { return pending; }

void shim_rcu_run(void)
{
	unsigned long live;

	if (!first)
		return;
	live = shim_alloc_live();
	rcu_callback_map.held = 1;
	while (first) {
		struct rcu_head *head = first;

		first = head->next;
		if (!first)
			end = &first;
		pending--;
		head->func(head);
	}
	rcu_callback_map.held = 0;
	SHIM_EVENT("nodes_freed_by_rcu", live - shim_alloc_live());
}
