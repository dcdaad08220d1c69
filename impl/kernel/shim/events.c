/*
 * The events that SHIM_EVENT() counted since the last reset. Nothing is told of what was never met, so that a kernel
 * that lacks a tracepoint and a run that never came to it look alike.
 */
#include <stdio.h>
#include "events.h"
#include "shim.h"
#include "step.h"

/* The linker knows where the section lies; it has none where nothing counts. */
extern struct shim_event __start_shim_events[] __attribute__((weak));
extern struct shim_event __stop_shim_events[] __attribute__((weak));

void events_clear(void)
{
	for (struct shim_event *event = __start_shim_events; event < __stop_shim_events; event++)
		event->times = 0;
}

/* A line for each place: how many times, and the name. The answer's status is the length of all. */
void events_tell(struct answer *answer)
{
	char line[256];
	int length;

	for (struct shim_event *event = __start_shim_events; event < __stop_shim_events; event++) {
		if (!event->times)
			continue;
		length = snprintf(line, sizeof(line), "%lu %.200s\n", event->times, event->name);
		reply_bytes(line, length);
		answer->status += length;
	}
}
