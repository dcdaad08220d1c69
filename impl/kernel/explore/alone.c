/*
 * The writer without a reader: the tree must hold what the reference says, before its writes and after each. What is
 * left in the end is what must be left after a run with a reader too.
 */
#include "explore.h"

#define PATHS	32

static uint32_t live_at_end;
static unsigned int at_write;
static const char *paths[PATHS];
static unsigned int paths_taken;
static bool noting_paths;

/* The functions of the write path whose tracepoints the writer passes: which kind of write it is. */
void explore_path(const char *function)
{
	if (LIKELY(!noting_paths))
		return;
	for (unsigned int i = 0; i < paths_taken; i++)
		if (paths[i] == function)
			return;
	if (paths_taken < PATHS)
		paths[paths_taken++] = function;
}

static void alone(void)
{
	if (!contents_agree(0))
		failed(NULL, NULL, "without a reader: the tree does not hold what it must before the writes");
	for (at_write = 0; at_write < writer.length; at_write++) {
		noting_paths = true;
		write_step(&writer.steps[at_write]);
		noting_paths = false;
		if (!contents_agree(at_write + 1))
			failed(NULL, NULL, "without a reader: the tree does not hold what it must after write %u",
			       at_write + 1);
	}
	world_grace_period();
	live_at_end = world_live();
}

bool alone_agrees(void)
{
	noting_paths = false;
	paths_taken = 0;
	return guarded(alone);
}

/* A part of an object of JSON, with a comma behind it. */
void alone_tell(void)
{
	put("\"paths\":[");
	for (unsigned int i = 0; i < paths_taken; i++)
		put("%s\"%s\"", i ? "," : "", paths[i]);
	put("],");
}

/* The end of a run with a reader. */
void finish(void)
{
	world_grace_period();
	if (world_live() != live_at_end)
		failed(NULL, NULL, "%d nodes are left that nothing holds", (int)(world_live() - live_at_end));
}
