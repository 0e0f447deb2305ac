/* Walks over the recorded graph: backward with cotangents, forward with tangents. Both are iterative, run the
 * rules as recorded operations when asked to, and may be nested (a rule may start another walk). */
#ifndef DBX_GRAD_BACKWARD_H
#define DBX_GRAD_BACKWARD_H

#include "grad/op.h"

/* Adds to (or overwrites) the gradients of the variables that y depends on, and the kept ones. seed NULL
 * means ones. With create_graph the gradients are tracked themselves. Throws kind value when y depends on
 * nothing. */
void backward(GradTensor *y, GradTensor *seed, bool create_graph);

/* What becomes of the graph that a walk passes. */
typedef enum GraphUse {
    GRAPH_KEEP,       /* left as it is, for another walk */
    GRAPH_RECORD,     /* the walk is recorded itself, so that its results can be differentiated */
    GRAPH_CONSUME,    /* the caller owns the graph alone: each part of it is given back as soon as the walk has passed
                         it, and the outputs lose their history */
    GRAPH_NESTED      /* recorded when the graph reaches a tracked leaf other than the targets, else consumed */
} GraphUse;

/* Cotangents of the targets (nodes of the outputs' graph, which do not depend on each other) for
 * cotangents of the outputs (seeds NULL, or seeds[i] NULL: ones); out[i] NULL when nothing depends on
 * target i. No variable is touched. Walks no further than the targets. */
void gradients_of(int64_t outputs, GradTensor *const *ys, GradTensor *const *seeds, int64_t count,
                  GradTensor *const *targets, GradTensor **out, GraphUse use);
/* The same, and no further than the stops either. */
void gradients_within(int64_t outputs, GradTensor *const *ys, GradTensor *const *seeds, int64_t count,
                      GradTensor *const *targets, GradTensor **out, GraphUse use, const TensorList *stops);

/* Tangents of the outputs for tangents of the sources (nodes of their graphs); out[i] NULL when output i
 * does not depend on any source. Recorded when recording is on. */
void pushforward(int64_t count, GradTensor *const *sources, GradTensor *const *tangents,
                 int64_t outputs, GradTensor *const *ys, GradTensor **out);

/* True when the outputs (with `derivative`, perhaps a derivative of them) depend on a tracked leaf other than the fresh
 * ones among the given nodes: only then a derivative needs recording. */
bool depends_on_others(int64_t outputs, GradTensor *const *ys, int64_t count, GradTensor *const *sources,
                       bool derivative);

#endif
