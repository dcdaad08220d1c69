/*
 * RCU callbacks: one may be called when the reader has left that was inside when it was queued; at once where none was
 * inside. The writer calls them when it queues another and when it leaves the lock, as soon as that is right, and what
 * is freed is overwritten: whoever still looks at it meets bytes that no node holds.
 */
#include <string.h>
#include "threads.h"

_Atomic int reader_phase;

static struct {
	struct rcu_head *head;
	void (*function)(struct rcu_head *);
	bool beside;
} waiting[NODES];
static unsigned int waiting_count;

void forget_callbacks(void) { waiting_count = 0; }

static void call_those(bool all)
{
	unsigned int kept = 0, count = waiting_count;
	bool inside = !all && reader_phase == INSIDE;

	waiting_count = 0;
	for (unsigned int i = 0; i < count; i++)
		if (waiting[i].beside && inside)
			waiting[kept++] = waiting[i];
		else
			waiting[i].function(waiting[i].head);
	waiting_count = kept;
}

void world_grace_period(void) { call_those(true); }

static void later(struct rcu_head *head, void (*function)(struct rcu_head *))
{
	head->next = NULL;
	head->func = function;
	call_those(false);
	if (waiting_count == NODES)
		failed(NULL, NULL, "too many callbacks wait");
	waiting[waiting_count].head = head;
	waiting[waiting_count].function = function;
	/* All that was unlinked before is seen by a reader that comes in after this. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	waiting[waiting_count++].beside = reader_phase == INSIDE;
}

void call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *)) { later(head, function); }

static void free_later(struct rcu_head *head) { kfree((void *)((unsigned long)head & ~(NODE_SIZE - 1))); }

void explore_kfree_rcu(struct rcu_head *head) { later(head, free_later); }

void world_freed(char *node) { memset(node, POISON, NODE_SIZE); }

void settle_stores(void) { }

/* ---- the writer's lock ---- */

void explore_lock(spinlock_t *lock)
{
	if (this_side == READER)
		failed(__builtin_return_address(0), __builtin_frame_address(0), "the reader takes the lock");
	if (lock->dep_map.held++)
		failed(__builtin_return_address(0), __builtin_frame_address(0), "the lock is taken twice");
}

void explore_unlock(spinlock_t *lock)
{
	if (--lock->dep_map.held)
		failed(__builtin_return_address(0), __builtin_frame_address(0), "the lock is left but not held");
	__atomic_thread_fence(__ATOMIC_RELEASE);
	call_those(false);
}
