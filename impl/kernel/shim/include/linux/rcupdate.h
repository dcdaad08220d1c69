/* RCU for one thread: pointers are plain, callbacks are queued by rcu.c. */
#ifndef MAPLEPROOF_RCUPDATE_H
#define MAPLEPROOF_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/types.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));

#ifndef __rcu
#define __rcu
#endif
#define rcu_read_lock()				do { } while (0)
#define rcu_read_unlock()			do { } while (0)
#define rcu_dereference(p)			READ_ONCE(p)
#define rcu_dereference_raw(p)			READ_ONCE(p)
#define rcu_dereference_protected(p, cond)	READ_ONCE(p)
#define rcu_dereference_check(p, cond)		READ_ONCE(p)
#define rcu_assign_pointer(p, v)		WRITE_ONCE(p, v)
#define RCU_INIT_POINTER(p, v)			WRITE_ONCE(p, v)

#endif
