/* What the built-ins that differentiate share: a function is evaluated with some of its arguments as
 * leaves of a graph, which is then walked. Numbers become weak tensors on the way in, and numbers again on
 * the way out. */
#ifndef DBX_LIB_DERIVATIVE_H
#define DBX_LIB_DERIVATIVE_H

#include "grad/backward.h"
#include "lang/session.h"
#include "tensor/state.h"

/* A tensor that can carry a gradient: floats are taken as they are, other dtypes converted to the default
 * float dtype, except int64, which is refused with an error that begins with `who`. Weak tensors stay
 * weak. */
GradTensor *differentiable(const char *who, GradTensor *x);

/* The graph of what was evaluated inside of vmaps has batches where the language saw slices of these
 * levels (grad/batch.h). A tensor as the graph has it, and as the language sees it; levels that are not
 * the graph's stay mapped in both. */
GradTensor *graph_batch(GradTensor *x, uint32_t levels);
GradTensor *graph_slice(GradTensor *x, uint32_t levels);

/* Runs body, which opens a level of vmap. False when a mapped tensor was asked for what differs between slices, for
 * `most` or what comes before it in Look: then the slices must be taken one after the other. What `catch` hid from
 * body counts too. Other errors are thrown. */
bool slices_at_once(void (*body)(void *), void *data, Look most);

/* grad(f, argnum): the function that gives the gradient. */
Value gradient_function(Value f, Value argnum);

/* f as it was evaluated at some point. */
typedef struct Derivation {
    const char *who;                  /* names the transform in errors */
    bool recording;                   /* was on around the transform: its results are recorded where they must be */
    Value in, out;                    /* the differentiated arguments, their tensors replaced by leaves; the result */
    TensorList *sources, *results;    /* their leaves as the graph has them (see grad/batch.h) */
    uint32_t levels_used;             /* of vmap, while f ran: a walk for many seeds at once takes another */
} Derivation;

/* Makes the leaves of `in` leaves of a graph. */
Derivation derivation_begin(const char *who, Value in);
/* Calls f while recording. `args` hold d->in, or parts of it. */
void derivation_call(Derivation *d, Value f, uint32_t count, const Value *args, String *const *names);
/* Both, for a function of one argument that returns numbers and tensors, in any structure. */
Derivation derivation_of(const char *who, Value f, Value x);

/* The result must be a tensor or a number; throws what to do with a structure. */
void derivation_want_tensor(const Derivation *d);
/* ... of one element. */
void derivation_want_scalar(const Derivation *d);

/* The tensors of a structure like `form`, fit to be tangents or cotangents of the tensors in `nodes`;
 * throws where the structure or a shape differs. `what` names it. */
TensorList *derivation_match(const Derivation *d, const char *what, Value given, Value form, const TensorList *nodes);
/* May a derivative depend on more than the sources, so that it must be recorded? */
bool derivation_nested(const Derivation *d);
/* Tangents of the results for tangents of the sources, and cotangents of the sources for those of the
 * results: recorded when they depend on more than the sources. NULL is zero. The graph is kept. */
void derivation_push(const Derivation *d, GradTensor *const *tangents, GradTensor **out);
void derivation_pull(const Derivation *d, GradTensor *const *cotangents, GradTensor **out);
/* The structure `form` with these tangents or cotangents of its leaves; NULL is zero. */
Value derivation_value(Value form, GradTensor *const *gradients);
/* All derivatives of the results by the sources: for every leaf of the result a structure like the
 * argument. */
Value derivation_jacobian(const Derivation *d);
/* The result as it leaves the transform: with its history only when it depends on more than the sources. */
Value derivation_result(const Derivation *d);
/* Cuts the history of what depends on nothing but the sources. */
void derivation_prune(const Derivation *d, int64_t count, GradTensor **gradients);

#endif
