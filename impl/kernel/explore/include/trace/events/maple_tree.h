/* Tracepoints tell which path a write takes. Their arguments are not evaluated. */
void explore_path(const char *function);

#define trace_ma_op(function, mas)			explore_path(__func__)
#define trace_ma_read(function, mas)			do { } while (0)
#define trace_ma_write(function, mas, piv, val)		explore_path(__func__)
