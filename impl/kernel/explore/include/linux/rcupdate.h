/* RCU beside one reader: publishing a pointer is a release, callbacks wait until the reader has left. */
#ifndef MAPLEPROOF_EXPLORE_RCUPDATE_H
#define MAPLEPROOF_EXPLORE_RCUPDATE_H

#include <linux/compiler.h>
#include <linux/lockdep.h>
#include <linux/types.h>
#include <asm/barrier.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
void explore_kfree_rcu(struct rcu_head *head);

#ifndef __rcu
#define __rcu
#endif
#define kfree_rcu(object, member)		explore_kfree_rcu(&(object)->member)
#define rcu_read_lock()				do { } while (0)
#define rcu_read_unlock()			do { } while (0)
#define rcu_read_lock_held()			1
#define rcu_dereference(p)			READ_ONCE(p)
#define rcu_dereference_raw(p)			READ_ONCE(p)
#define rcu_dereference_protected(p, cond)	(p)
#define rcu_dereference_check(p, cond)		READ_ONCE(p)
#define rcu_assign_pointer(p, v)		smp_store_release(&(p), v)
#define RCU_INIT_POINTER(p, v)			WRITE_ONCE(p, v)

#endif
