/* What kernels cost, as measured when a session first uses them. Only speed depends on it: it decides
 * whether a pending result that was needed before is better stored or computed again. */
#ifndef DBX_TENSOR_COST_H
#define DBX_TENSOR_COST_H

#include "tensor/elementwise.h"

enum { COST_KERNELS = 512 };

typedef struct KernelCosts {
    int count;
    struct { BlockKernel *kernel; float cost; } at[COST_KERNELS];      /* by hash; NULL where empty */
} KernelCosts;

/* Nanoseconds an element, or a guess; `known` tells which. */
float kernel_cost(BlockKernel *kernel, bool *known);
/* Measures a kernel on n elements. */
void kernel_measure(BlockKernel *kernel, long n, void *out, const void *const *in);

#endif
