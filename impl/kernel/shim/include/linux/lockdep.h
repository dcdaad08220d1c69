/*
 * The lock validator for one thread: which locks are held, exclusively or shared. What holds none and has to is an
 * answer of kind "lockdep", see report.c.
 */
#ifndef MAPLEPROOF_LOCKDEP_H
#define MAPLEPROOF_LOCKDEP_H

#include <stdbool.h>

struct lock_class_key { unsigned int a; };
struct lockdep_map { int held; };

/* What must not sleep: how many spinlocks are held, and how many RCU sections were entered. */
extern unsigned int shim_spinlocks, shim_rcu_sections;
/* Held while callbacks run at the end of a grace period. */
extern struct lockdep_map rcu_callback_map;

void shim_lockdep(const char *function, const char *file, int line, const char *what) __attribute__((noreturn));

#define SHIM_LOCKDEP(holds, what) do {						\
	if (__builtin_expect(!(holds), 0))					\
		shim_lockdep(__func__, __FILE__, __LINE__, what);		\
} while (0)

#define lockdep_set_class(lock, key)		do { } while (0)
#define lockdep_is_held(lock)			((lock)->dep_map.held)
#define lock_is_held(map)			((map)->held)
#define lock_is_held_type(map, type)		((map)->held)
#define lockdep_assert_held(lock)		SHIM_LOCKDEP(lockdep_is_held(lock), "the lock is not held")
/* The tree's own check for cursors that outlive a section of the lock (7.3) compares these: never known here, since
 * each operation of a case takes the lock anew. */
#define lock_sequence(map)			UINT32_MAX

#define might_sleep()								\
	SHIM_LOCKDEP(!shim_spinlocks && !shim_rcu_sections, "may sleep with a spinlock held or under RCU")
#define cond_resched()				might_sleep()

#endif
