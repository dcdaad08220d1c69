/* No lock validator: every lock counts as held. The server's build looks for what is called without the lock. */
#ifndef MAPLEPROOF_EXPLORE_LOCKDEP_H
#define MAPLEPROOF_EXPLORE_LOCKDEP_H

#include <limits.h>

struct lock_class_key { unsigned int a; };
struct lockdep_map { int held; };

#define lockdep_set_class(lock, key)	do { } while (0)
#define lockdep_is_held(lock)		1
#define lock_is_held(map)		1
#define lock_is_held_type(map, type)	1
#define lockdep_assert_held(lock)	do { } while (0)
#define lock_sequence(map)		UINT_MAX
#define might_sleep()			do { } while (0)
#define cond_resched()			do { } while (0)

#endif
