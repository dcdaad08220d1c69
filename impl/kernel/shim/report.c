/*
 * What ends a step before its answer: a signal, a failed WARN_ON or BUG_ON, a sanitizer's report, the allocator's
 * complaint, a broken rule about locks, a step that never ends. Each becomes one text for the client: a line with
 * the kind, a line that says more, then the program counters up the stack (for addr2line), then what the kernel
 * printed. After it this process is gone; what the maple tree left behind is not to be trusted.
 *
 * WARN_ON ends a step as BUG_ON does, unless the server was told to count warnings and go on.
 */
#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include "shim.h"

volatile uint64_t shim_steps;
volatile bool shim_in_step;
bool shim_warn_is_fatal = true;
unsigned long shim_warnings;

static char printed[1 << 16];
static size_t printed_length;
static unsigned int hang_ticks;
static const char *bug_kind;
static char bug_detail[256];

void shim_printk_reset(void) { printed_length = 0; }

int shim_printk(const char *format, ...)
{
	size_t room = sizeof(printed) - printed_length;
	va_list args;
	int n;

	va_start(args, format);
	if (!strncmp(format, "BUG at", 6) || !strncmp(format, "WARN at", 7)) {
		va_list again;
		const char *function;
		int line;

		/* the header's MT_BUG_ON() family: function, line */
		va_copy(again, args);
		function = va_arg(again, const char *);
		line = va_arg(again, int);
		va_end(again);
		bug_kind = *format == 'B' ? "BUG" : "WARN";
		snprintf(bug_detail, sizeof(bug_detail), "%s line %d", function, line);
	}
	n = vsnprintf(printed + printed_length, room, format, args);
	va_end(args);
	if (n > 0)
		printed_length += (size_t)n < room ? (size_t)n : room - 1;
	return n;
}

static void crash_at(const char *kind, const char *detail, void *pc)
{
	static char text[sizeof(printed) + 4096];
	void *stack[32];
	int depth = backtrace(stack, 32);
	int n = snprintf(text, sizeof(text), "%s\n%s\n", kind, detail);
	int i = 1;

	/* where a signal came in between, the stack of the step begins at the counter that it found */
	if (pc) {
		n += snprintf(text + n, sizeof(text) - n, "%lx ", (unsigned long)pc);
		while (i < depth && stack[i] != pc)
			i++;
		i = i < depth ? i + 1 : depth;
	}
	for (; i < depth; i++)
		n += snprintf(text + n, sizeof(text) - n, "%lx ", (unsigned long)stack[i] - 1);
	n += snprintf(text + n, sizeof(text) - n, "\n");
	memcpy(text + n, printed, printed_length);
	shim_send_crash(text, n + printed_length);
	_exit(1);
}

void shim_crash(const char *kind, const char *detail)
{
	crash_at(kind, detail, NULL);
	_exit(1);
}

void shim_warn(const char *function, const char *file, int line, const char *what)
{
	char detail[512];

	shim_warnings++;
	if (!shim_warn_is_fatal)
		return;
	snprintf(detail, sizeof(detail), "%s line %d: %s", function, line, what);
	crash_at("WARN", detail, NULL);
}

void shim_bug(const char *function, const char *file, int line, const char *what)
{
	char detail[512];

	snprintf(detail, sizeof(detail), "%s line %d: %s", function, line, what);
	crash_at("BUG", detail, NULL);
	_exit(1);
}

/* A rule about locks was broken. */
void shim_lockdep(const char *function, const char *file, int line, const char *what)
{
	char detail[512];

	snprintf(detail, sizeof(detail), "%s line %d: %s", function, line, what);
	crash_at("lockdep", detail, NULL);
	_exit(1);
}

/* The debug build of the tree calls this after it printed what failed and dumped the tree. */
void shim_dump_stack(void)
{
	const char *kind = bug_kind ? bug_kind : "BUG";

	bug_kind = NULL;
	if (*kind == 'W') {
		shim_warnings++;
		if (!shim_warn_is_fatal)
			return;
	}
	crash_at(kind, bug_detail, NULL);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
	static volatile bool again;
	char kind[32];
	void *pc = NULL;

	if (again)
		_exit(2);
	again = true;
#if defined(__x86_64__)
	pc = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	pc = (void *)((ucontext_t *)context)->uc_mcontext.pc;
#endif
	snprintf(kind, sizeof(kind), "SIG%s", sigabbrev_np(number));
	crash_at(kind, "", pc);
}

/* 100 ms of this process' own time have gone by: has the step that was running at the last few ticks ended since? */
static void on_tick(int number, siginfo_t *info, void *context)
{
	static uint64_t seen;
	static unsigned int ticks;
	void *pc = NULL;

	if (!shim_in_step || seen != shim_steps) {
		seen = shim_steps;
		ticks = 0;
		return;
	}
	if (++ticks < hang_ticks)
		return;
#if defined(__x86_64__)
	pc = (void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	pc = (void *)((ucontext_t *)context)->uc_mcontext.pc;
#endif
	crash_at("hang", "", pc);
}

#if defined(__SANITIZE_ADDRESS__)
void __sanitizer_set_death_callback(void (*callback)(void));

static void on_sanitizer(void)
{
	crash_at("sanitizer", "", NULL);
}
#endif

#if SHIM_UBSAN
void __ubsan_get_current_report_data(const char **kind, const char **message, const char **file, unsigned int *line,
				     unsigned int *column, char **address);

/* The undefined behaviour sanitizer calls this with a report in hand. It has no death callback. */
void __ubsan_on_report(void)
{
	const char *kind, *message, *file;
	unsigned int line, column;
	char *address;

	__ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
	crash_at("undefined behaviour", message, NULL);
}
#endif

static void catch(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	sigaction(number, &action, NULL);
}

void shim_report_start(unsigned int ticks)
{
	static char stack_for_signals[1 << 17];
	stack_t stack = { .ss_sp = stack_for_signals, .ss_size = sizeof(stack_for_signals) };
	struct itimerval tick = { .it_interval.tv_usec = 100000, .it_value.tv_usec = 100000 };
	void *warm[4];

	backtrace(warm, 4);	/* loads what it needs now, not in a handler */
	sigaltstack(&stack, NULL);
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_set_death_callback(on_sanitizer);
#else
	catch(SIGSEGV, on_signal, SA_ONSTACK);
	catch(SIGBUS, on_signal, SA_ONSTACK);
	catch(SIGILL, on_signal, SA_ONSTACK);
	catch(SIGFPE, on_signal, SA_ONSTACK);
#endif
	catch(SIGABRT, on_signal, SA_ONSTACK);
	hang_ticks = ticks;
	if (ticks) {
		catch(SIGPROF, on_tick, SA_ONSTACK | SA_RESTART);
		setitimer(ITIMER_PROF, &tick, NULL);
	}
}
