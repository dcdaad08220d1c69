/* What was met in many runs: of each sort of failure how often, and the first. */
#include <string.h>
#include "explore.h"

#define FINDINGS	32

static struct finding {
	char text[192];
	void *stack[FRAMES];
	bool strict;
	unsigned int step, has_read;
	struct read read;
	struct how how;
	uint64_t times;
} findings[FINDINGS];
static unsigned int found;

void found_clear(void) { found = 0; }

void found_failure(bool strict, struct how how)
{
	const char *text = strict ? strict_failure : failure;
	unsigned int i, step = failed_read >= 0 ? reads[failed_read].step : reader_step;

	for (i = 0; i < found; i++)
		if (findings[i].strict == strict && !strcmp(findings[i].text, text) &&
		    (strict || findings[i].stack[0] == failure_stack[0]))
			break;
	if (i == FINDINGS)
		return;
	if (i == found) {
		struct finding *new = &findings[found++];

		*new = (struct finding){ .strict = strict, .step = step, .how = how };
		strcpy(new->text, text);
		if (!strict)
			memcpy(new->stack, failure_stack, sizeof(failure_stack));
		new->has_read = failed_read >= 0;
		if (new->has_read)
			new->read = reads[failed_read];
	}
	findings[i].times++;
}

static void tell_one(const struct finding *f)
{
	put("{\"text\":");
	put_text(f->text);
	put(",\"strict\":%s,\"times\":%lu,\"step\":%u", f->strict ? "true" : "false", f->times, f->step);
	put(",\"choice\":[\"%s\",%lu,%lu,%lu]", f->how.name, f->how.stores, f->how.access, f->how.seed);
	if (f->has_read)
		put(",\"read\":[%u,%u,%lu,%lu,%lu]", f->read.step, f->read.status, f->read.index, f->read.last, f->read.entry);
	put(",\"stack\":");
	put_stack((void **)f->stack, FRAMES);
	put("}");
}

/* A part of an object of JSON, with a comma behind it. */
void found_tell(void)
{
	put("\"findings\":[");
	for (unsigned int i = 0; i < found; i++) {
		put(i ? "," : "");
		tell_one(&findings[i]);
	}
	put("],");
}

/* Frames are followed upwards as far as one stack goes: how deep it goes is of no use where it cannot be read. */
void keep_stack(void **stack, void *pc, void **frame, char *high)
{
	char *low = (char *)frame;
	unsigned int depth = 0;

	memset(stack, 0, FRAMES * sizeof(*stack));
	if (pc)
		stack[depth++] = pc;
	while (frame && depth < FRAMES && (char *)frame >= low && (char *)(frame + 2) < high && frame[1]) {
		if (frame[1] != pc)
			stack[depth++] = frame[1];
		low = (char *)frame + 1;
		frame = frame[0];
	}
}
