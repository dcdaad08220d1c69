/* The kernel's own complaints: what it prints is for nobody, a WARN or a BUG ends the run. */
#include "explore.h"

int shim_printk(const char *format, ...) { return 0; }
void shim_dump_stack(void) { }

void shim_warn(const char *function, const char *file, int line, const char *what)
{
	failed(__builtin_return_address(0), __builtin_frame_address(0), "WARN in %s: %s", function, what);
}

void shim_bug(const char *function, const char *file, int line, const char *what)
{
	failed(__builtin_return_address(0), __builtin_frame_address(0), "BUG in %s: %s", function, what);
}
