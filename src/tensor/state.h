/* The tensor room's part of a session's state. */
#ifndef DBX_TENSOR_STATE_H
#define DBX_TENSOR_STATE_H

#include "base/runtime.h"
#include "tensor/cost.h"
#include "tensor/parallel.h"
#include "tensor/random.h"

/* What was asked of an abstract tensor, which cannot answer and threw. */
typedef enum Look {
    LOOK_NONE,
    LOOK_ELEMENT,                     /* for its elements */
    LOOK_TRUTH                        /* for its truth: an `if` or `while` goes one way or the other */
} Look;

typedef struct TensorSession {
    Random random;
    Look looked;                      /* the last; for those who then go another way */
    Workers workers;                  /* parallel_set_threads, parallel_stop */
    KernelCosts costs;
} TensorSession;

static inline TensorSession *tensor_state(void) { return rt->tensor; }
/* The stream that rand, randn, dropout and the others draw from. */
static inline Random *random_state(void) { return &tensor_state()->random; }

#endif
