/*
 * RCU callbacks: they wait until thread.c ends a grace period, when no reader is inside that entered before them.
 *
 * The words of a head are written to, as the kernel does, but what waits is kept apart: a store to a head may be held
 * back.
 */
#include "coroutines.h"

static struct { struct rcu_head *head; void (*function)(struct rcu_head *); } waiting[NODES];
static unsigned int waiting_count;

void forget_callbacks(void) { waiting_count = 0; }

static void later(struct rcu_head *head, void (*function)(struct rcu_head *), void *pc)
{
	access_watch(&head->next, WRITE | MARKED, pc);
	head->next = NULL;
	access_watch(&head->func, WRITE | MARKED, pc);
	head->func = function;
	if (waiting_count == NODES)
		failed(NULL, NULL, "too many callbacks wait");
	waiting[waiting_count].head = head;
	waiting[waiting_count++].function = function;
}

void call_rcu(struct rcu_head *head, void (*function)(struct rcu_head *))
{
	later(head, function, __builtin_return_address(0));
}

static void free_later(struct rcu_head *head) { kfree((void *)((unsigned long)head & ~(NODE_SIZE - 1))); }

void explore_kfree_rcu(struct rcu_head *head)
{
	later(head, free_later, __builtin_return_address(0));
}

void world_grace_period(void)
{
	for (unsigned int i = 0; i < waiting_count; i++)
		waiting[i].function(waiting[i].head);
	waiting_count = 0;
}

void world_freed(char *node) { }
