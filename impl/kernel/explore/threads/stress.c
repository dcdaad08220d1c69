/*
 * One scenario with two threads, again and again: how often each sort of failure was met, in how many runs and how long.
 *
 * Which of the two begins first, and by how much, is drawn for each run over the whole length of both, so that every
 * point of one meets every point of the other. `together` counts the runs in which both were inside at the same time:
 * with one processor hardly any.
 */
#define _GNU_SOURCE
#include <string.h>
#include <time.h>
#include "threads.h"

#define LEAD	2000	/* ticks until both may begin: the reader has to learn of it */
#define LOOKS	256	/* runs between two looks at the clock */

static uint64_t runs, together, random_state, lengths[2];

static uint64_t drawn(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return below ? (random_state >> 8) % below : 0;
}

/* A running mean; where a thread was stopped by the system for long, it says nothing of the length. */
static void learn(int side)
{
	uint64_t took = sides[side].ended - sides[side].begun;

	if (!lengths[side])
		lengths[side] = took;
	else if (took < 8 * lengths[side])
		lengths[side] = (7 * lengths[side] + took) / 8 + 1;
	else
		lengths[side] += lengths[side] / 16;
}

static void restore(void)
{
	world_restore();
	world_touch_all();
	writes_begun = writes_done = 0;
	reader_phase = OUTSIDE;
	reads_done = reader_step = 0;
	failed_read = -1;
}

/* What failed is told with the run's number in place of a seed: when it was met first. */
static bool found(void)
{
	found_failure(false, (struct how){ .name = "threads", .seed = runs });
	return true;
}

/* Where both failed, the second did so beside a writer, or a reader, that had stopped in the middle. */
static bool judged(void)
{
	struct side *first = &sides[WRITER];

	if (!first->failed || (sides[READER].failed && sides[READER].ended < first->ended))
		first = &sides[READER];
	if (first->failed) {
		strcpy(failure, first->text);
		memcpy(failure_stack, first->stack, sizeof(failure_stack));
		return found();
	}
	failure[0] = 0;
	memset(failure_stack, 0, sizeof(failure_stack));
	judge();
	if (!failure[0])
		guarded(finish);
	return failure[0] && found();
}

static bool run(void)
{
	uint64_t now, offset;

	restore();
	offset = drawn(lengths[WRITER] + lengths[READER]);
	now = ticks() + LEAD;
	if (offset < lengths[READER])
		sides_run(now + lengths[READER] - offset, now);
	else
		sides_run(now, now + offset - lengths[READER]);
	runs++;
	together += sides[WRITER].begun < sides[READER].ended && sides[READER].begun < sides[WRITER].ended;
	learn(WRITER);
	learn(READER);
	return judged();
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static bool alone(void)
{
	world_restore();
	world_touch_all();
	failed_read = -1;
	reads_done = reader_step = 0;
	reader_phase = OUTSIDE;
	memset(failure_stack, 0, sizeof(failure_stack));
	if (alone_agrees())
		return true;
	runs++;
	found();
	return false;
}

static void stress(uint64_t milliseconds, uint64_t most, uint64_t seed, bool first_only)
{
	double began = seconds(), took = 0;

	found_clear();
	runs = together = lengths[WRITER] = lengths[READER] = 0;
	random_state = seed * 0x9e3779b97f4a7c15UL | 1;
	world_touch_all();
	if (alone()) {
		sides_begin(seed);
		while (runs < most && took < milliseconds / 1000.0) {
			if (run() && first_only)
				break;
			if (runs % LOOKS == 0 || sides[WRITER].failed || sides[READER].failed)
				took = seconds() - began;
		}
		sides_end();
	}
	put("{\"runs\":%lu,\"together\":%lu,\"seconds\":%.3f,", runs, together, seconds() - began);
	found_tell();
	alone_tell();
	put("\"lengths\":[%lu,%lu]}\n", lengths[WRITER], lengths[READER]);
}

bool asked(const char *word, char *rest)
{
	if (strcmp(word, "stress"))
		return false;
	if (numbers_of(rest) != 4 || !numbers[1])
		bad("stress takes milliseconds and three numbers");
	else if (ready())
		stress(numbers[0], numbers[1], numbers[2], numbers[3]);
	return true;
}
