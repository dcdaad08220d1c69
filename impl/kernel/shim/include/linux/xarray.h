#include SHIM_XARRAY_H
