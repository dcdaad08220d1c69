/*
 * A process: a scenario comes as lines of words and numbers, and each question is answered with one line of JSON.
 *
 *     begin FLAGS
 *     setup OP A B C D             carried out at once
 *     write OP A B C D             a step of the writer
 *     state N FIRST LAST ENTRY...  what tree TREE holds after N writes, by the reference
 *     reader TREE                  a new reader, on that tree
 *     read OP A B                  a step of the reader
 *     explore HOW MOST DEPTH SEED STRICT FIRST     a question, where coroutines are interleaved
 *     trace POLICY STORES ACCESS SEED              another
 *     stress MILLISECONDS MOST SEED FIRST          a question, where threads run
 *
 * A line that is none of these, or holds a number out of range, is answered with {"error": ...}, and so is all up to
 * the next `begin`.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "explore.h"

#define LINE	(4U << 20)
#define WORDS	(3 * 65536U)
#define FILLED	20000	/* stores of a fill */

static char line[LINE], error[128];
uint64_t numbers[WORDS];
static bool saved;

void put(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

void put_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < ' ' ? ' ' : *text);
	}
	putchar('"');
}

void put_stack(void **stack, unsigned int depth)
{
	put("[");
	for (unsigned int i = 0; i < depth && stack[i]; i++)
		put("%s%lu", i ? "," : "", (unsigned long)stack[i]);
	put("]");
}

bool bad(const char *what)
{
	if (!error[0])
		snprintf(error, sizeof(error), "%s", what);
	return false;
}

/* The numbers of a line; -1 where one is none. */
int numbers_of(char *text)
{
	int count = 0;

	for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
		char *rest;

		errno = 0;
		if (count == WORDS || *word < '0' || *word > '9')
			return -1;
		numbers[count++] = strtoul(word, &rest, 10);
		if (*rest || errno)
			return -1;
	}
	return count;
}

static bool step_of(char *text, struct step *step, bool (*allowed)(int), unsigned int arguments)
{
	char *rest = strchr(text, ' ');

	if (rest)
		*rest++ = 0;
	step->op = op_named(text);
	if (step->op < 0 || !allowed(step->op))
		return bad("no such operation here");
	if (!rest || numbers_of(rest) != (int)arguments)
		return bad("an operation has another number of arguments");
	step->a = numbers[0];
	step->b = numbers[1];
	step->c = arguments > 2 ? numbers[2] : 0;
	step->d = arguments > 3 ? numbers[3] : 0;
	return true;
}

static struct step to_set_up;
static void set_up(void) { write_step(&to_set_up); world_grace_period(); }

static bool setup(char *text)
{
	if (saved)
		return bad("what is set up comes before what is explored");
	if (!step_of(text, &to_set_up, is_setup, 4))
		return false;
	if (!strncmp(text, "fill", 4) && (to_set_up.d > FILLED || !to_set_up.c || to_set_up.c > to_set_up.b))
		return bad("a fill is too long, or its ranges overlap");
	return guarded(set_up) || bad(failure);
}

static bool state(char *text)
{
	int count = numbers_of(text);

	if (saved)
		return bad("states come before what is explored");
	if (count < 1 || count % 3 != 1)
		return bad("a state is a number and triples");
	if (!content_begin(numbers[0]))
		return bad("a state is out of order");
	for (int i = 1; i < count; i += 3)
		if (!content_add(numbers[i], numbers[i + 1], numbers[i + 2]))
			return bad("a state is out of order");
	return true;
}

static bool add(struct program *program, char *text, bool (*allowed)(int), unsigned int arguments)
{
	if (saved && program == &writer)
		return bad("writes come before what is explored");
	if (program->length == STEPS)
		return bad("a program is too long");
	if (!step_of(text, &program->steps[program->length], allowed, arguments))
		return false;
	program->length++;
	return true;
}

bool ready(void)
{
	if (error[0])
		return false;
	if (!reader.length || !writer.length)
		return bad("there is no reader, or no writer");
	if (saved)
		return true;
	if (!contents_prepare())
		return bad("there is not one state more than there are writes");
	world_save();
	return saved = true;
}

static void begin(char *text)
{
	error[0] = 0;
	if (numbers_of(text) != 1 || numbers[0] & ~(uint64_t)(MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU)) {
		bad("no such flags");
		return;
	}
	world_begin(numbers[0]);
	contents_clear();
	writer.length = reader.length = reader.tree = 0;
	saved = false;
}

static bool carry_out(const char *word, char *rest)
{
	if (!strcmp(word, "setup"))
		return setup(rest);
	if (!strcmp(word, "write"))
		return add(&writer, rest, is_write, 4);
	if (!strcmp(word, "state"))
		return state(rest);
	if (!strcmp(word, "read"))
		return add(&reader, rest, is_read, 2);
	if (strcmp(word, "reader") || numbers_of(rest) != 1 || numbers[0] >= TREES)
		return bad("no such line");
	reader.length = 0;
	reader.tree = numbers[0];
	return true;
}

static void one_line(void)
{
	char *rest = strchr(line, ' ');

	if (!rest)
		rest = line + strlen(line);
	else
		*rest++ = 0;
	if (!strcmp(line, "begin")) {
		begin(rest);
	} else if (asked(line, rest)) {
		if (error[0]) {
			put("{\"error\":");
			put_text(error);
			put("}\n");
		}
		fflush(stdout);
	} else if (!error[0]) {
		carry_out(line, rest);
	}
}

int main(void)
{
	threads_start();
	maple_tree_init();
	snprintf(error, sizeof(error), "nothing has begun");
	while (fgets(line, sizeof(line), stdin)) {
		char *end = strchr(line, '\n');

		if (!end)
			return 2;
		*end = 0;
		one_line();
	}
	return 0;
}
