/* No tracepoints. The arguments are evaluated in no case. */
#define trace_ma_op(function, mas)			do { } while (0)
#define trace_ma_read(function, mas)			do { } while (0)
#define trace_ma_write(function, mas, piv, val)		do { } while (0)
