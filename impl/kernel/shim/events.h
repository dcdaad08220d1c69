/*
 * Which of its paths the tree took: SHIM_EVENT(name, times) counts, at the cost of an addition. The name is a string
 * that is there for good, such as __func__. Several places may count under one name.
 */
#ifndef MAPLEPROOF_EVENTS_H
#define MAPLEPROOF_EVENTS_H

/* One for each place that counts; they lie side by side in a section of their own, for events.c to find. */
struct shim_event {
	const char *name;
	unsigned long times;
} __attribute__((aligned(16)));

#define SHIM_EVENTS __attribute__((section("shim_events"), used))

#define SHIM_EVENT(what, more) do {						\
	static struct shim_event shim_event SHIM_EVENTS = { .name = (what) };	\
	shim_event.times += (more);						\
} while (0)

#endif
