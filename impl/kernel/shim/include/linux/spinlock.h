/* Locks for one thread: they count, so that a lock taken twice or left locked is seen. */
#ifndef MAPLEPROOF_SPINLOCK_H
#define MAPLEPROOF_SPINLOCK_H

#include <linux/lockdep.h>

void shim_bug(const char *function, const char *file, int line, const char *what) __attribute__((noreturn));

typedef struct { struct lockdep_map dep_map; } spinlock_t;

#define __SPIN_LOCK_UNLOCKED(x)		((spinlock_t){ { 0 } })
#define DEFINE_SPINLOCK(x)		spinlock_t x = { { 0 } }
#define spin_lock_init(x)		((x)->dep_map.held = 0)

#define spin_lock(x) do {							\
	if ((x)->dep_map.held++)						\
		shim_bug(__func__, __FILE__, __LINE__, "lock taken twice");	\
	shim_spinlocks++;							\
} while (0)
#define spin_unlock(x) do {							\
	if (--(x)->dep_map.held)						\
		shim_bug(__func__, __FILE__, __LINE__, "unlocked but not held");	\
	shim_spinlocks--;							\
} while (0)
#define spin_lock_nested(x, subclass)	spin_lock(x)
#define spin_lock_bh(x)			spin_lock(x)
#define spin_unlock_bh(x)		spin_unlock(x)
#define spin_lock_irq(x)		spin_lock(x)
#define spin_unlock_irq(x)		spin_unlock(x)
#define spin_lock_irqsave(x, f)		do { (void)(f); spin_lock(x); } while (0)
#define spin_unlock_irqrestore(x, f)	do { (void)(f); spin_unlock(x); } while (0)

#endif
