/*
 * Carries steps out and gathers what they answer: for the server, which sends that through a pipe, and for a process
 * that has loaded all of this as a library and reads it where it lies.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/maple_tree.h>
#include "shim.h"
#include "step.h"

_Static_assert(sizeof(struct step) == 40 && sizeof(struct answer) == 32, "wire layout");
_Static_assert(sizeof(struct maple_node) == 256, "maple nodes must be 256 bytes");
#if defined(__LP64__)
_Static_assert(MAPLE_RANGE64_SLOTS == 16, "leaves must have 16 slots");
_Static_assert(MAPLE_ARANGE64_SLOTS == 10, "allocation nodes must have 10 slots");
#else
_Static_assert(MAPLE_RANGE64_SLOTS == 32, "leaves must have 32 slots");
_Static_assert(MAPLE_ARANGE64_SLOTS == 21, "allocation nodes must have 21 slots");
#endif

SEAT_EXPORT char *seat_reply;
SEAT_EXPORT size_t seat_whole;
static size_t reply_size, reply_used;

static void *reply_room(size_t length)
{
	void *room;

	if (reply_used + length > reply_size) {
		reply_size = 2 * (reply_used + length);
		seat_reply = realloc(seat_reply, reply_size);
		if (!seat_reply)
			_exit(3);
	}
	room = seat_reply + reply_used;
	reply_used += length;
	return room;
}

void reply_bytes(const char *text, uint32_t length)
{
	memcpy(reply_room(length), text, length);
}

void reply_word(uint64_t word)
{
	memcpy(reply_room(sizeof(word)), &word, sizeof(word));
}

/* Where there is no server, whoever loaded this sees that the process is gone. */
__attribute__((weak)) void shim_send_crash(const char *text, size_t length)
{
}

SEAT_EXPORT void seat_start(unsigned int hang_ticks)
{
	shim_report_start(hang_ticks);
	maple_tree_init();
	ops_reset(0);
}

void seat_clear(void)
{
	reply_used = seat_whole = 0;
}

void seat_run(const struct step *step)
{
	struct answer answer = { 0 };
	size_t at = reply_used;

	shim_printk_reset();
	shim_steps++;
	shim_in_step = true;
	reply_room(sizeof(answer));
	ops_run(step, &answer);
	shim_in_step = false;
	memcpy(seat_reply + at, &answer, sizeof(answer));
	seat_whole = reply_used;
}

/* One step alone: its answer, and what follows that. */
SEAT_EXPORT const char *seat_answer(const struct step *step)
{
	seat_clear();
	seat_run(step);
	return seat_reply;
}
