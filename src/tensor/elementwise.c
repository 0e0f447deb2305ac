/* Elementwise work: one element without any ado, a few thousand at once, more is deferred (expr.c). */
#include "tensor/elementwise.h"

#include "base/runtime.h"
#include "tensor/convert.h"
#include "tensor/expr.h"
#include "tensor/kernel.h"
#include "tensor/parallel.h"
#include "tensor/rows.h"

#include <string.h>

/* Up to this size deferral costs more than it saves: the data fit the cache anyway. */
enum { AT_ONCE_MAX = 4096 };

/* ---- one element ---- */

/* The cell as the compute dtype: the input's own, or `cell` filled by conversion. */
static inline const void *one_element(const Tensor *x, Dtype compute, void *cell)
{
    const void *in[] = {x->as.cell};
    if (__builtin_expect(x->state != TENSOR_INLINE, 0))
        tensor_data(x);               /* throws */
    if (x->dtype == compute)
        return x->as.cell;
    convert_kernel((Dtype)x->dtype, compute)(1, cell, in);
    return cell;
}

static void compute_one(Tensor *out, BlockKernel *kernel, Dtype compute, int count,
                        const Tensor *const *inputs)
{
    const void *in[ELEMENTWISE_MAX_INPUTS];
    _Alignas(8) char cells[ELEMENTWISE_MAX_INPUTS][8];
    for (int i = 0; i < count; i++)
        in[i] = one_element(inputs[i], compute, cells[i]);
    kernel(1, out->as.cell, in);
    out->state = TENSOR_INLINE;
}

/* ---- a few thousand ---- */

typedef struct Buffers {
    _Alignas(MEM_ALIGN) char raw[BLOCK * 8], in[ELEMENTWISE_MAX_INPUTS][BLOCK * 8];
} Buffers;

/* Elements [first, first + n) of input i in the compute dtype. */
static const void *read_input(Buffers *buffers, const Input *input, int i, const Layout *layout,
                              Dtype compute, int64_t first, int64_t n)
{
    Layout repeated = {.ndim = 1, .axes = {{BLOCK, 0}}};
    size_t size = dtype_size((Dtype)input->dtype);
    const void *found = buffers->in[i];
    if (input->kind == INPUT_ONE) {
        layout_read(&repeated, dtype_size(compute), input->as.cell, 0, n, buffers->in[i]);
        return found;
    }
    char *raw = input->dtype == compute ? buffers->in[i] : buffers->raw;
    if (input->kind == INPUT_FLAT)
        found = input->data + first * (int64_t)size;
    else
        layout_read(layout, size, input->data, first, n, raw);
    if (input->dtype == compute)
        return found;
    if (input->kind == INPUT_STRIDED)
        found = raw;
    convert_kernel((Dtype)input->dtype, compute)((long)n, buffers->in[i], &found);
    return buffers->in[i];
}

static void compute_at_once(Tensor *out, BlockKernel *kernel, Dtype compute, int count,
                            const Tensor *const *tensors)
{
    Input inputs[ELEMENTWISE_MAX_INPUTS];
    Layout layouts[ELEMENTWISE_MAX_INPUTS];
    const void *in[ELEMENTWISE_MAX_INPUTS];
    Buffers buffers;
    bool direct = true;
    for (int i = 0; i < count; i++) {
        input_find(&inputs[i], &layouts[i], out, tensors[i], compute);
        assert(inputs[i].kind != INPUT_EXPR);
        direct = direct && inputs[i].kind == INPUT_FLAT && inputs[i].dtype == compute;
        in[i] = inputs[i].data;
    }
    char *to = tensor_allocate(out);
    if (direct) {
        kernel((long)out->size, to, in);
        return;
    }
    for (int64_t first = 0; first < out->size; first += BLOCK) {
        int64_t n = out->size - first < BLOCK ? out->size - first : BLOCK;
        for (int i = 0; i < count; i++)
            in[i] = read_input(&buffers, &inputs[i], i, &layouts[i], compute, first, n);
        kernel((long)n, to + first * (int64_t)dtype_size((Dtype)out->dtype), in);
    }
}

void tensor_elementwise(Tensor *out, BlockKernel *kernel, Dtype compute, int count,
                        const Tensor *const *inputs)
{
    assert(out->state == TENSOR_EMPTY);
    if (out->size == 1)
        compute_one(out, kernel, compute, count, inputs);
    else if (out->size == 0)
        tensor_allocate(out);
    else if (out->size <= AT_ONCE_MAX)
        compute_at_once(out, kernel, compute, count, inputs);
    else
        expr_defer(out, kernel, compute, count, inputs);
}

void tensor_settle(Tensor *t)
{
    if (t->state != TENSOR_PENDING)
        return;
    Expr *e = t->as.expr;
    if (e->result == NULL)
        tensor_bytes(t);
    expr_settle(e);
    t->as.storage = object_retain(e->result);
    t->data = e->result->data;
    t->state = TENSOR_STORED;
    object_release(e);
}

/* ---- consumers ---- */

#define ADD_ROW(name, T, expression) \
    KERNEL_CLONES static void name(int64_t n, void *out, const void *x) \
    { \
        T *to = out; \
        const T *from = x; \
        for (int64_t i = 0; i < n; i++) \
            to[i] = (T)(expression); \
    }

ADD_ROW(add_bool, uint8_t, to[i] | from[i])
ADD_ROW(add_uint8, uint8_t, to[i] + from[i])
ADD_ROW(add_uint32, uint32_t, to[i] + from[i])
ADD_ROW(add_uint64, uint64_t, to[i] + from[i])
ADD_ROW(add_float32, float, to[i] + from[i])
ADD_ROW(add_float64, double, to[i] + from[i])

AddRow *const add_row[DTYPES] = {add_bool, add_uint8, add_uint32, add_uint64, add_float32, add_float64};

typedef struct Adding {
    const Plan *plan;
    Dtype dtype;
    int64_t size;
    char *to;
} Adding;

static void add_task(const void *job, int64_t task, int thread)
{
    const Adding *a = job;
    int64_t end = (task + 1) * TASK < a->size ? (task + 1) * TASK : a->size;
    for (int64_t first = task * TASK; first < end; first += BLOCK) {
        int64_t n = end - first < BLOCK ? end - first : BLOCK;
        char *to = a->to + first * (int64_t)dtype_size(a->dtype);
        add_row[a->dtype](n, to, plan_block(a->plan, thread, first, n));
    }
}

KERNEL2(plus_bool, uint8_t, uint8_t, x | y)
KERNEL2(plus_uint8, uint8_t, uint8_t, x + y)
KERNEL2(plus_uint32, uint32_t, uint32_t, x + y)
KERNEL2(plus_uint64, uint64_t, uint64_t, x + y)
KERNEL2(plus_float32, float, float, x + y)
KERNEL2(plus_float64, double, double, x + y)

/* A pending tensor stays so: the sum is deferred too. */
static void add_pending(Tensor *out, const Tensor *x)
{
    static BlockKernel *const plus[DTYPES] = {
        plus_bool, plus_uint8, plus_uint32, plus_uint64, plus_float32, plus_float64,
    };
    Dtype dtype = (Dtype)out->dtype;
    Tensor *sum = scratch(sizeof *sum + tensor_dims_bytes(out->ndim));
    tensor_init(sum, dtype, out->ndim, tensor_shape(out));
    expr_defer(sum, plus[dtype], dtype, 2, (const Tensor *[]){out, x});
    tensor_clear(out);
    out->state = TENSOR_PENDING;
    out->as.expr = sum->as.expr;      /* with the reference that sum had */
}

void tensor_add_into(Tensor *out, const Tensor *x)
{
    assert(out->dtype == x->dtype && out->size == x->size);
    if (out->state == TENSOR_PENDING && out->as.expr->result == NULL) {
        add_pending(out, x);
        return;
    }
    char *to = tensor_own_data(out);
    if (out->size <= 1) {
        if (out->size == 1)
            add_row[out->dtype](1, to, tensor_data(x));
        return;
    }
    PoolMark mark = pool_mark();
    Plan *plan = plan_tensor(x, parallel_threads(x->size));
    Adding adding = {plan, (Dtype)out->dtype, out->size, to};
    parallel_run((out->size - 1) / TASK + 1, out->size, add_task, &adding);
    plan_finish(plan);
    pool_drain(mark);
}
