/*
 * Writer and reader as two threads: the process's own is the writer, another the reader. Each begins its program at a
 * point of time that is given to it, and a failure ends the program of the one that met it, a signal included. A third
 * thread watches for a program that has had much processor time and comes to no end.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>
#include "threads.h"

#define SPINS	4096		/* looks for the other before the processor is offered to it */
#define TICK	100000000	/* nanoseconds between two looks of the one that watches */
#define HANGS	2.0		/* seconds of processor time */
#define SIGNAL_STACK	(64U << 10)

_Thread_local int this_side;
struct side sides[2];
_Atomic unsigned int writes_begun, writes_done;
char failure[192];
void *failure_stack[FRAMES];

static void *escapes[2][5];
static char *stack_tops[2];
static volatile bool may_fail[2];
static volatile uint64_t attempts[2];
static pthread_t owners[2];
static cpu_set_t all_processors;
static _Atomic uint64_t turn, reader_turn;
static uint64_t starts[2];
static volatile bool ending;

uint64_t ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000UL + now.tv_nsec;
#endif
}

static void relax(unsigned int *spins)
{
	if (++*spins % SPINS == 0)
		sched_yield();
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

void failed(void *pc, void **frame, const char *format, ...)
{
	struct side *side = &sides[this_side];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(side->text, sizeof(side->text), format, arguments);
	va_end(arguments);
	if (!may_fail[this_side])
		abort();
	keep_stack(side->stack, pc, frame ? frame : __builtin_frame_address(0), stack_tops[this_side]);
	side->failed = true;
	__builtin_longjmp(escapes[this_side], 1);
}

static __attribute__((__noinline__)) bool attempt(void (*work)(void))
{
	stack_tops[this_side] = __builtin_frame_address(0);
	attempts[this_side]++;
	sides[this_side].failed = false;
	if (__builtin_setjmp(escapes[this_side])) {
		may_fail[this_side] = false;
		return false;
	}
	may_fail[this_side] = true;
	work();
	may_fail[this_side] = false;
	return true;
}

/* Outside of a run: by the process's own thread. */
bool guarded(void (*work)(void))
{
	failure[0] = 0;
	if (attempt(work))
		return true;
	strcpy(failure, sides[WRITER].text);
	memcpy(failure_stack, sides[WRITER].stack, sizeof(failure_stack));
	return false;
}

static void read_it(void)
{
	reader_phase = INSIDE;
	run_reader();
}

static __attribute__((__noinline__)) void begin_side(void)
{
	struct side *side = &sides[this_side];
	unsigned int spins = 0;

	while (ticks() < starts[this_side])
		relax(&spins);
	side->begun = ticks();
	attempt(this_side == WRITER ? run_writer : read_it);
	side->ended = ticks();
	if (this_side == READER)
		reader_phase = LEFT;
}

void sides_run(uint64_t starts_writer, uint64_t starts_reader)
{
	unsigned int spins = 0;

	starts[WRITER] = starts_writer;
	starts[READER] = starts_reader;
	turn++;
	begin_side();
	while (reader_turn != turn)
		relax(&spins);
}

/* ---- signals ---- */

/* Where a thread was stopped; unknown on machines other than these. */
static void stopped_at(void *context, void **pc, void ***frame)
{
#if defined(__x86_64__)
	mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;

	*pc = (void *)machine->gregs[REG_RIP];
	if (machine->gregs[REG_RBP] >= machine->gregs[REG_RSP])
		*frame = (void **)machine->gregs[REG_RBP];
#endif
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	const char *who = this_side == READER ? "reader" : "writer";
	void *pc = NULL, **frame = NULL;

	if (!may_fail[this_side]) {
		if (number == SIGUSR1)
			return;
		_Exit(128 + number);
	}
	stopped_at(context, &pc, &frame);
	if (number == SIGUSR1)
		failed(pc, frame, "the %s does not end", who);
	failed(pc, frame, "SIG%s in the %s", sigabbrev_np(number), who);
}

static void take_signals(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGUSR1 };
	static char stacks[2][SIGNAL_STACK];
	stack_t alternative = { .ss_sp = stacks[this_side], .ss_size = SIGNAL_STACK };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaltstack(&alternative, NULL);
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* ---- the threads ---- */

static void *be_reader(void *nothing)
{
	uint64_t seen = 0;
	unsigned int spins = 0;

	this_side = READER;
	take_signals();
	for (;;) {
		while (turn == seen)
			relax(&spins);
		seen = turn;
		if (ending)
			return NULL;
		begin_side();
		reader_turn = seen;
	}
}

static double processor_time(pthread_t thread)
{
	struct timespec time = { 0 };
	clockid_t clock;

	if (!pthread_getcpuclockid(thread, &clock))
		clock_gettime(clock, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void *watch(void *nothing)
{
	static const struct timespec tick = { .tv_nsec = TICK };
	uint64_t seen[2] = { 0 };
	double since[2] = { 0 };

	for (;;) {
		nanosleep(&tick, NULL);
		for (int i = 0; i < 2; i++) {
			if (!may_fail[i])
				continue;
			if (seen[i] != attempts[i]) {
				seen[i] = attempts[i];
				since[i] = processor_time(owners[i]);
			} else if (processor_time(owners[i]) - since[i] > HANGS) {
				seen[i] = 0;
				pthread_kill(owners[i], SIGUSR1);
			}
		}
	}
}

/* Each on a processor of its own: a system that is busy would leave both on one. */
static void part(uint64_t seed)
{
	unsigned int first, second, count = CPU_COUNT(&all_processors);

	if (count < 2)
		return;
	first = seed % count;
	second = (first + 1 + seed / count % (count - 1)) % count;
	for (int cpu = 0, at = 0; cpu < CPU_SETSIZE; cpu++) {
		cpu_set_t one;

		if (!CPU_ISSET(cpu, &all_processors))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (at == first || at == second)
			pthread_setaffinity_np(owners[at == second], sizeof(one), &one);
		at++;
	}
}

void sides_begin(uint64_t seed)
{
	CPU_ZERO(&all_processors);
	pthread_getaffinity_np(owners[WRITER], sizeof(all_processors), &all_processors);
	ending = false;
	turn = reader_turn = 0;
	if (pthread_create(&owners[READER], NULL, be_reader, NULL))
		exit(3);
	part(seed);
}

void sides_end(void)
{
	ending = true;
	turn++;
	pthread_join(owners[READER], NULL);
	pthread_setaffinity_np(owners[WRITER], sizeof(all_processors), &all_processors);
}

void threads_start(void)
{
	pthread_t watching;

	this_side = WRITER;
	owners[WRITER] = pthread_self();
	take_signals();
	if (pthread_create(&watching, NULL, watch, NULL))
		exit(3);
}
