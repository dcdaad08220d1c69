/*
 * RCU for one thread: callbacks are queued by rcu.c, sections are counted, and a pointer is read only by who holds the
 * lock or is in a section.
 */
#ifndef MAPLEPROOF_RCUPDATE_H
#define MAPLEPROOF_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/types.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* The head lies within the object. */
void shim_kfree_rcu(struct rcu_head *head);
#define kfree_rcu(object, member)	shim_kfree_rcu(&(object)->member)

#ifndef __rcu
#define __rcu
#endif
#define rcu_read_lock()				((void)shim_rcu_sections++)
#define rcu_read_unlock() do {							\
	SHIM_LOCKDEP(shim_rcu_sections, "an RCU section is left that was not entered");	\
	shim_rcu_sections--;							\
} while (0)
#define rcu_read_lock_held()			(shim_rcu_sections != 0)
#define rcu_dereference_raw(p)			READ_ONCE(p)
#define rcu_dereference_check(p, cond) ({					\
	SHIM_LOCKDEP(shim_rcu_sections || (cond), "a walk without the lock and without RCU");	\
	READ_ONCE(p);								\
})
#define rcu_dereference(p)			rcu_dereference_check(p, 0)
#define rcu_dereference_protected(p, cond) ({					\
	SHIM_LOCKDEP(cond, "a write without the lock");				\
	READ_ONCE(p);								\
})
#define rcu_assign_pointer(p, v)		WRITE_ONCE(p, v)
#define RCU_INIT_POINTER(p, v)			WRITE_ONCE(p, v)

#endif
