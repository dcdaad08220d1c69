/* Tracepoints count how often they are passed, under their function's name. Their arguments are not evaluated. */
#include "events.h"

#define trace_ma_op(function, mas)			SHIM_EVENT(__func__, 1)
#define trace_ma_read(function, mas)			SHIM_EVENT(__func__, 1)
#define trace_ma_write(function, mas, piv, val)		SHIM_EVENT(__func__, 1)
