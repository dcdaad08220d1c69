/*
 * Writer and reader as two coroutines with stacks of their own, and how a run ends before its time: by a failure,
 * which may come from anywhere in it, a signal included.
 *
 * A grace period ends when the reader comes in (what was replaced before it is freed) and when it leaves.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include "coroutines.h"

#ifndef __x86_64__
#error "the explorer switches stacks on x86-64 only"
#endif

#define STACK	(256UL << 10)
#define GUARD	4096UL
#define TICK	100000		/* microseconds of processor time */
#define HANGS	20		/* ticks within one run */

struct thread threads[2];
struct thread *running;
uint64_t most_accesses[2];
_Atomic unsigned int writes_begun, writes_done;
char failure[192];
void *failure_stack[FRAMES];

static void *main_sp, *escape[5];
static volatile uint64_t runs;
static volatile bool may_hang;

static __attribute__((__naked__, __noinline__)) void switch_stacks(void **from, void *to)
{
	asm("push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; mov %rsp, (%rdi); mov %rsi, %rsp;"
	    "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp; ret");
}

/* No grace period ends while a store is held back: it would take a barrier on the writer's processor. */
static void grace_period(void)
{
	struct thread *me = running;

	if (policy_holds())
		return;
	running = NULL;
	world_grace_period();
	running = me;
}

void switch_to(int number)
{
	struct thread *from = running, *next = &threads[number];

	if (number == READER && !next->started)
		grace_period();
	next->started = true;
	running = next;
	switch_stacks(&from->sp, next->sp);
}

static void thread_main(void)
{
	struct thread *me = running;
	bool writes = me == &threads[WRITER];

	if (writes) {
		run_writer();
		settle_stores();
	} else {
		run_reader();
	}
	me->done = true;
	if (!threads[writes ? READER : WRITER].done) {
		if (!writes)
			grace_period();
		switch_to(writes ? READER : WRITER);
	}
	running = NULL;
	switch_stacks(&me->sp, main_sp);
	abort();
}

static void thread_prepare(int number)
{
	struct thread *thread = &threads[number];
	char *stack = thread->stack;
	void **sp = (void **)(stack + STACK) - 2;

	sp[1] = NULL;	/* where a walk over the frames ends */
	sp[0] = thread_main;
	memset(sp - 6, 0, 6 * sizeof(*sp));
	*thread = (struct thread){ .sp = sp - 6, .stack = stack, .limit = most_accesses[number] };
}

void failed(void *pc, void **frame, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(failure, sizeof(failure), format, arguments);
	va_end(arguments);
	if (!frame)
		frame = __builtin_frame_address(0);
	keep_stack(failure_stack, pc, frame, running ? running->stack + STACK : (char *)frame + (64 << 10));
	running = NULL;
	__builtin_longjmp(escape, 1);
}

void skipped(void)
{
	failure[0] = 0;
	running = NULL;
	__builtin_longjmp(escape, 1);
}

static __attribute__((__noinline__)) bool attempt(void (*work)(void))
{
	runs++;
	failure[0] = 0;
	if (__builtin_setjmp(escape)) {
		may_hang = false;
		return false;
	}
	may_hang = true;
	work();
	may_hang = false;
	return true;
}

bool guarded(void (*work)(void))
{
	running = NULL;
	return attempt(work);
}

static int begins;

static void both(void)
{
	running = &threads[begins];
	running->started = true;
	switch_stacks(&main_sp, running->sp);
}

bool threads_run(int first)
{
	begins = first;
	writes_begun = writes_done = 0;
	thread_prepare(WRITER);
	thread_prepare(READER);
	access_begin();
	return attempt(both);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
	void *pc = (void *)machine->gregs[REG_RIP];
	void **frame = (void **)machine->gregs[REG_RBP];
	const char *who = running == &threads[READER] ? "reader" : "writer";
	static uint64_t seen;
	static int ticks;

	if (number == SIGPROF) {
		if (seen != runs) {
			seen = runs;
			ticks = 0;
		}
		if (!may_hang || ++ticks < HANGS)
			return;
		ticks = 0;
		failed(pc, frame, "the %s does not end", who);
	}
	if (!may_hang)
		_exit(128 + number);
	if ((char *)frame < (char *)machine->gregs[REG_RSP])
		frame = NULL;
	failed(pc, frame, "SIG%s in the %s", sigabbrev_np(number), who);
}

void threads_start(void)
{
	static char signal_stack[64 << 10];
	stack_t alternative = { .ss_sp = signal_stack, .ss_size = sizeof(signal_stack) };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	struct itimerval tick = { .it_interval.tv_usec = TICK, .it_value.tv_usec = TICK };
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPROF };

	for (int i = 0; i < 2; i++) {
		char *memory = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE))
			exit(3);
		threads[i].stack = memory + GUARD;
	}
	sigaltstack(&alternative, NULL);
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
	setitimer(ITIMER_PROF, &tick, NULL);
}
