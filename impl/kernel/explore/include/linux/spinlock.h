/* The writer's lock: taken by one thread only, so it is counted, and leaving it is a release. */
#ifndef MAPLEPROOF_EXPLORE_SPINLOCK_H
#define MAPLEPROOF_EXPLORE_SPINLOCK_H

#include <stdbool.h>
#include <linux/lockdep.h>

typedef struct { struct lockdep_map dep_map; } spinlock_t;

void explore_lock(spinlock_t *lock);
void explore_unlock(spinlock_t *lock);

#define __SPIN_LOCK_UNLOCKED(x)		((spinlock_t){ { 0 } })
#define DEFINE_SPINLOCK(x)		spinlock_t x = { { 0 } }
#define spin_lock_init(x)		((x)->dep_map.held = 0)
#define spin_lock(x)			explore_lock(x)
#define spin_unlock(x)			explore_unlock(x)
#define spin_lock_nested(x, subclass)	explore_lock(x)
#define spin_lock_bh(x)			explore_lock(x)
#define spin_unlock_bh(x)		explore_unlock(x)
#define spin_lock_irq(x)		explore_lock(x)
#define spin_unlock_irq(x)		explore_unlock(x)
#define spin_lock_irqsave(x, f)		do { (void)(f); explore_lock(x); } while (0)
#define spin_unlock_irqrestore(x, f)	do { (void)(f); explore_unlock(x); } while (0)

#endif
