/* Tensors from nothing: filled, regular and random ones. Their dtype is the default float dtype unless one
 * is asked for; their size is checked, in gt_new, before anything is allocated. */
#include "grad/batch.h"
#include "ops/rules.h"
#include "tensor/convert.h"
#include "tensor/kernel.h"
#include "tensor/state.h"

#include <math.h>
#include <string.h>

static Dtype dtype_or(const OpCall *c, int i, Dtype otherwise)
{
    return c->args[i].integer < 0 ? otherwise : (Dtype)c->args[i].integer;
}

static Dtype chosen_dtype(const OpCall *c, int i)
{
    return dtype_or(c, i, grad_state()->default_dtype);
}

static void check_shape(const OpCall *c, const IntList *shape)
{
    if (shape->count > TENSOR_MAX_NDIM)
        call_error(c, ERROR_VALUE, "%lld axes are more than the %d there may be", (long long)shape->count,
                   TENSOR_MAX_NDIM);
    for (int64_t i = 0; i < shape->count; i++)
        if (shape->at[i] < 0)
            call_error(c, ERROR_VALUE, "axis %lld of the shape is %lld, but an extent is not negative",
                       (long long)i, (long long)shape->at[i]);
}

/* The new tensor of argument i's shape. */
static GradTensor *new_of_shape(const OpCall *c, int i, Dtype dtype)
{
    const IntList *shape = c->args[i].ints;
    check_shape(c, shape);
    return call_out(c, dtype, (int)shape->count, shape->at);
}

/* A count of elements, which must not be negative. */
static int64_t count_arg(const OpCall *c, const char *name, int64_t n)
{
    if (n < 0)
        call_error(c, ERROR_VALUE, "%s is %lld, but must not be negative", name, (long long)n);
    return n;
}

/* ---- filled ---- */

/* Constants could be deferred, but one that does not fit the memory is an error where it is made, not where it is
 * used. */
static GradTensor *fill_now(GradTensor *out, double value)
{
    tensor_fill(&out->t, value);
    tensor_data(&out->t);
    return out;
}

static GradTensor *filled(const OpCall *c, double value)
{
    return fill_now(new_of_shape(c, 0, chosen_dtype(c, 1)), value);
}

static GradTensor *zeros_forward(const OpCall *c) { return filled(c, 0); }
static GradTensor *ones_forward(const OpCall *c) { return filled(c, 1); }

const Op op_zeros = {
    .usage = "zeros(...shape, dtype=none)", OP_ARGS(ARG_SHAPE, ARG_DTYPE), .section = "create",
    .doc = "A tensor of zeros. The shape is a tuple or several whole numbers.",
    .errors = "value when an extent is negative; memory when the tensor would be too large.",
    .example = "zeros(2, 3)  #=> [[0, 0, 0], [0, 0, 0]]",
    .related = "ones full zeros_like",
    .forward = zeros_forward, .constant = "its result is new",
};

const Op op_ones = {
    .usage = "ones(...shape, dtype=none)", OP_ARGS(ARG_SHAPE, ARG_DTYPE), .section = "create",
    .doc = "A tensor of ones. The shape is a tuple or several whole numbers.",
    .errors = "value when an extent is negative; memory when the tensor would be too large.",
    .example = "ones(3)  #=> [1, 1, 1]",
    .related = "zeros full ones_like",
    .forward = ones_forward, .constant = "its result is new",
};

/* The value of argument i, of one element, in a dtype. */
static GradTensor *fill_value(const OpCall *c, int i, Dtype dtype)
{
    GradTensor *value = call_in(c, i);
    if (value->t.ndim != 0)
        call_error(c, ERROR_SHAPE, "the value has shape %s, but must be a number", gt_shape_text(value));
    return gt_cast(value, dtype);
}

static GradTensor *full_compose(const OpCall *c)
{
    const IntList *shape = c->args[0].ints;
    check_shape(c, shape);
    GradTensor *value = fill_value(c, 1, chosen_dtype(c, 2));
    if (!gt_tracked(value) && gt_batch(value) == 0)
        return fill_now(gt_new(gt_dtype(value), (int)shape->count, shape->at), tensor_item(&value->t));
    return gt_expand(value, (int)shape->count, shape->at);
}

const Op op_full = {
    .usage = "full(shape, value, dtype=none)", OP_ARGS(ARG_SHAPE, ARG_TENSOR, ARG_DTYPE),
    .section = "create",
    .doc = "A tensor whose elements are all the same number, through which a gradient flows to it.",
    .errors = "value when an extent is negative; shape when the value is not one number.",
    .derivative = "dvalue in each element",
    .example = "full((2, 2), 7)  #=> [[7, 7], [7, 7]]",
    .related = "zeros ones full_like",
    .compose = full_compose,
    .check = "x[]: full((2, 3), x)\nx[]: full(2, x) * x",
};

static GradTensor *filled_like(const OpCall *c, double value)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *out = call_out(c, dtype_or(c, 1, gt_dtype(x)), x->t.ndim, tensor_shape(&x->t));
    out->t.flags |= c->args[1].integer < 0 ? x->t.flags & GT_WEAK : 0;
    tensor_fill(&out->t, value);
    return out;
}

static GradTensor *zeros_like_forward(const OpCall *c) { return filled_like(c, 0); }
static GradTensor *ones_like_forward(const OpCall *c) { return filled_like(c, 1); }

const Op op_zeros_like = {
    .usage = "zeros_like(x, dtype=none)", OP_ARGS(ARG_TENSOR, ARG_DTYPE), .section = "create",
    .doc = "Zeros in the shape of x, and in its dtype unless another is given.",
    .example = "zeros_like([1, 2])  #=> [0, 0]",
    .related = "zeros ones_like full_like",
    .forward = zeros_like_forward, .batch = batch_leading, .constant = "its result is new",
};

const Op op_ones_like = {
    .usage = "ones_like(x, dtype=none)", OP_ARGS(ARG_TENSOR, ARG_DTYPE), .section = "create",
    .doc = "Ones in the shape of x, and in its dtype unless another is given.",
    .example = "ones_like([1, 2])  #=> [1, 1]",
    .related = "ones zeros_like full_like",
    .forward = ones_like_forward, .batch = batch_leading, .constant = "its result is new",
};

static GradTensor *full_like_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0);
    GradTensor *value = fill_value(c, 1, dtype_or(c, 2, gt_dtype(x)));
    if (!gt_tracked(value) && gt_batch(value) == 0)
        return gt_filled(gt_dtype(value), x->t.ndim, tensor_shape(&x->t), tensor_item(&value->t));
    return gt_expand(value, x->t.ndim, tensor_shape(&x->t));
}

const Op op_full_like = {
    .usage = "full_like(x, value, dtype=none)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_DTYPE),
    .section = "create",
    .doc = "One number in the shape of x, and in its dtype unless another is given.",
    .errors = "shape when the value is not one number.",
    .derivative = "dvalue in each element; 0 in x",
    .example = "full_like([1, 2], 5)  #=> [5, 5]",
    .related = "full zeros_like ones_like",
    .compose = full_like_compose, .constant_args = 1,
    .check = "x[2] y[]: full_like(x, y)",
};

static GradTensor *eye_forward(const OpCall *c)
{
    const IntList *columns = c->args[1].ints;
    if (columns != NULL && columns->count != 1)
        call_error(c, ERROR_VALUE, "m must be one whole number, not %lld of them", (long long)columns->count);
    int64_t n = count_arg(c, "n", c->args[0].integer);
    int64_t m = columns == NULL ? n : count_arg(c, "m", columns->at[0]);
    Dtype dtype = chosen_dtype(c, 2);
    size_t size = dtype_size(dtype);
    GradTensor *out = call_out(c, dtype, 2, (int64_t[]){n, m});
    char *data = tensor_allocate(&out->t);
    memset(data, 0, (size_t)out->t.size * size);
    for (int64_t i = 0; i < n && i < m; i++)
        dtype_write(dtype, data + (size_t)(i * m + i) * size, 1);
    return out;
}

const Op op_eye = {
    .usage = "eye(n, m=none, dtype=none)", OP_ARGS(ARG_INTEGER, ARG_AXES, ARG_DTYPE), .section = "create",
    .doc = "The identity matrix of shape [n, n], or [n, m] with ones on the main diagonal.",
    .errors = "value when an extent is negative.",
    .example = "eye(2)  #=> [[1, 0], [0, 1]]",
    .related = "diag zeros",
    .forward = eye_forward, .constant = "its result is new",
};

/* ---- regular ---- */

/* start + i * step for i from `first` on. Counting in 32 bits is what machines convert several at a time. */
KERNEL_CLONES static void multiples(int n, double *to, double first, double start, double step)
{
    for (int i = 0; i < n; i++)
        to[i] = start + (first + i) * step;
}

/* i / whole, likewise. */
KERNEL_CLONES static void fractions(int n, double *to, double first, double whole)
{
    for (int i = 0; i < n; i++)
        to[i] = (first + i) / whole;
}

/* start + i * step for i = 0 .. count - 1, computed in double precision. */
static GradTensor *progression(const OpCall *c, Dtype dtype, double start, double step, int64_t count)
{
    GradTensor *out = call_out(c, dtype, 1, &count);
    BlockKernel *convert = convert_kernel(DTYPE_FLOAT64, dtype);
    char *data = tensor_allocate(&out->t);
    double block[BLOCK];
    for (int64_t first = 0; first < count; first += BLOCK) {
        const void *in[] = {block};
        int64_t n = count - first < BLOCK ? count - first : BLOCK;
        interrupt_poll();
        multiples((int)n, block, (double)first, start, step);
        convert((long)n, data + (size_t)first * dtype_size(dtype), in);
    }
    return out;
}

static double number_arg(const OpCall *c, int i, const char *name)
{
    GradTensor *x = call_in(c, i);
    if (x->t.size != 1)
        call_error(c, ERROR_SHAPE, "%s has shape %s, but must be a number", name, gt_shape_text(x));
    return tensor_item(&x->t);
}

static GradTensor *arange_forward(const OpCall *c)
{
    bool only_stop = !(c->numbers >> 1 & 1) && c->args[1].tensor == NULL;
    double start = only_stop ? 0 : number_arg(c, 0, "start");
    double stop = only_stop ? number_arg(c, 0, "stop") : number_arg(c, 1, "stop");
    double step = number_arg(c, 2, "step"), count = ceil((stop - start) / step);
    if (step == 0)
        call_error(c, ERROR_VALUE, "step must not be 0");
    if (count != count || count - count != 0)
        call_error(c, ERROR_VALUE, "start, stop and step must be finite");
    if (count > 0x1p60)
        call_error(c, ERROR_MEMORY, "%g elements are too many", count);
    return progression(c, chosen_dtype(c, 3), start, step, count > 0 ? (int64_t)count : 0);
}

const Op op_arange = {
    .usage = "arange(start, stop=none, step=1, dtype=none)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_TENSOR, ARG_DTYPE),
    .section = "create",
    .doc = "The numbers start, start + step, ... that lie before stop. With one argument it is stop, and "
           "start is 0.",
    .errors = "value when step is 0, or when a number is not finite; memory when there would be too many "
              "elements.",
    .example = "arange(4)  #=> [0, 1, 2, 3]\narange(1, 2, 0.25)  #=> [1, 1.25, 1.5, 1.75]",
    .related = "linspace range",
    .forward = arange_forward, .constant = "its number of elements depends on its arguments",
};

/* The places 0, 1/(n-1), ..., 1, in double precision. */
static GradTensor *places(const OpCall *c, int i)
{
    int64_t n = count_arg(c, "n", c->args[i].integer);
    GradTensor *t = gt_new(DTYPE_FLOAT64, 1, &n);
    double *data = tensor_allocate(&t->t), whole = n > 1 ? (double)(n - 1) : 1;
    for (int64_t first = 0; first < n; first += BLOCK)
        fractions((int)(n - first < BLOCK ? n - first : BLOCK), data + first, (double)first, whole);
    return t;
}

static GradTensor *end_arg(const OpCall *c, int i)
{
    GradTensor *x = call_in(c, i);
    if (x->t.ndim != 0)
        call_error(c, ERROR_SHAPE, "%s has shape %s, but must be a number", op_arg_name(c->op, i),
                   gt_shape_text(x));
    return x;
}

static GradTensor *linspace_compose(const OpCall *c)
{
    GradTensor *points = op_call3(&op_lerp, end_arg(c, 0), end_arg(c, 1), places(c, 2));
    return gt_cast(points, chosen_dtype(c, 3));
}

const Op op_linspace = {
    .usage = "linspace(a, b, n=50, dtype=none)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTEGER, ARG_DTYPE),
    .section = "create",
    .doc = "n numbers from a to b at equal distances, both ends included exactly; gradients flow to the "
           "ends.",
    .errors = "value when n is negative; shape when an end is not a number.",
    .derivative = "(1 - t) da + t db, t from 0 to 1",
    .example = "linspace(0, 1, 5)  #=> [0, 0.25, 0.5, 0.75, 1]",
    .related = "logspace arange lerp",
    .compose = linspace_compose,
    .check = "x[] y[]: linspace(x, y, 5)\nx[]: linspace(x, 2, 3, dtype=\"float64\")",
};

static GradTensor *logspace_compose(const OpCall *c)
{
    GradTensor *points = op_call3(&op_lerp, end_arg(c, 0), end_arg(c, 1), places(c, 2));
    return gt_cast(op_call2(&op_pow, end_arg(c, 3), points), chosen_dtype(c, 4));
}

const Op op_logspace = {
    .usage = "logspace(a, b, n=50, base=10, dtype=none)",
    OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_INTEGER, ARG_TENSOR, ARG_DTYPE), .section = "create",
    .doc = "n numbers from base^a to base^b, whose logarithms are at equal distances.",
    .errors = "value when n is negative; shape when an end or the base is not a number.",
    .derivative = "log(base) base^p dp, p = linspace(a, b, n)",
    .example = "logspace(0, 3, 4)  #=> [1, 10, 100, 1000]",
    .related = "linspace",
    .compose = logspace_compose,
    .check = "x[] y[]: logspace(x, y, 5, base=2)",
};

/* ---- random ---- */

static GradTensor *random_floats(const OpCall *c, void (*fill)(Random *, Tensor *))
{
    Dtype dtype = chosen_dtype(c, 1);
    if (!dtype_is_float(dtype))
        call_error(c, ERROR_TYPE, "dtype must be float32 or float64, not %s", dtype_name(dtype));
    GradTensor *out = new_of_shape(c, 0, dtype);
    fill(batch_random(), &out->t);
    return out;
}

static GradTensor *rand_forward(const OpCall *c) { return random_floats(c, random_uniform); }
static GradTensor *randn_forward(const OpCall *c) { return random_floats(c, random_normal); }

const Op op_rand = {
    .usage = "rand(...shape, dtype=none)", OP_ARGS(ARG_SHAPE, ARG_DTYPE), .section = "create",
    .doc = "Random numbers, uniform on [0, 1). The shape is a tuple or several whole numbers; without any, "
           "one number.",
    .errors = "value when an extent is negative; type when the dtype is not a float.",
    .example = "rand(2, 3).shape  #=> (2, 3)",
    .related = "randn randint seed",
    .forward = rand_forward, .constant = "its result is random",
};

const Op op_randn = {
    .usage = "randn(...shape, dtype=none)", OP_ARGS(ARG_SHAPE, ARG_DTYPE), .section = "create",
    .doc = "Random numbers from the standard normal distribution. The shape is a tuple or several whole "
           "numbers; without any, one number.",
    .errors = "value when an extent is negative; type when the dtype is not a float.",
    .example = "randn(4).shape  #=> (4,)",
    .related = "rand randint seed",
    .forward = randn_forward, .constant = "its result is random",
};

static GradTensor *randint_forward(const OpCall *c)
{
    int64_t low = c->args[0].integer, high = c->args[1].integer;
    if (low >= high)
        call_error(c, ERROR_VALUE, "low is %lld, but must be less than high, %lld", (long long)low,
                   (long long)high);
    GradTensor *out = new_of_shape(c, 2, DTYPE_INT64);
    random_integers(batch_random(), &out->t, low, high);
    return out;
}

const Op op_randint = {
    .usage = "randint(low, high, ...shape)", OP_ARGS(ARG_INTEGER, ARG_INTEGER, ARG_SHAPE),
    .section = "create",
    .doc = "Random whole numbers from low to high - 1, all equally likely, as an int64 tensor. The shape is "
           "a tuple or several whole numbers.",
    .errors = "value when low is not less than high, or when an extent is negative.",
    .example = "randint(5, 6, (3,))  #=> [5, 5, 5]",
    .related = "rand permutation seed",
    .forward = randint_forward, .constant = "its result is random",
};

static GradTensor *permutation_forward(const OpCall *c)
{
    int64_t n = count_arg(c, "n", c->args[0].integer);
    GradTensor *out = call_out(c, DTYPE_INT64, 1, &n);
    random_permutation(batch_random(), &out->t);
    return out;
}

const Op op_permutation = {
    .usage = "permutation(n)", OP_ARGS(ARG_INTEGER), .section = "create",
    .doc = "The whole numbers from 0 to n - 1 in random order, as an int64 tensor.",
    .errors = "value when n is negative.",
    .example = "sum(permutation(5))  #=> 10",
    .related = "randint gather seed",
    .forward = permutation_forward, .constant = "its result is random",
};

/* ---- from other tensors ---- */

static int64_t class_at(const OpCall *c, const GradTensor *indices, int64_t i, int64_t n)
{
    double at = tensor_at(&indices->t, i);
    if (at != floor(at))
        call_error(c, ERROR_VALUE, "index %g is not a whole number", at);
    if (at < 0 || at >= (double)n)
        call_error(c, ERROR_INDEX, "index %.17g is out of range for %lld classes", at, (long long)n);
    return (int64_t)at;
}

static GradTensor *one_hot_forward(const OpCall *c)
{
    GradTensor *indices = call_in(c, 0);
    int64_t shape[TENSOR_MAX_NDIM], n = count_arg(c, "n", c->args[1].integer);
    Dtype dtype = chosen_dtype(c, 2);
    size_t size = dtype_size(dtype);
    int ndim = indices->t.ndim;
    if (ndim == TENSOR_MAX_NDIM)
        call_error(c, ERROR_VALUE, "the result would have more than %d axes", TENSOR_MAX_NDIM);
    memcpy(shape, tensor_shape(&indices->t), (size_t)ndim * sizeof *shape);
    shape[ndim] = n;
    GradTensor *out = call_out(c, dtype, ndim + 1, shape);
    char *data = tensor_allocate(&out->t);
    memset(data, 0, (size_t)out->t.size * size);
    for (int64_t i = 0; i < indices->t.size; i++)
        dtype_write(dtype, data + (size_t)(i * n + class_at(c, indices, i, n)) * size, 1);
    return out;
}

const Op op_one_hot = {
    .usage = "one_hot(indices, n, dtype=none)", OP_ARGS(ARG_TENSOR, ARG_INTEGER, ARG_DTYPE),
    .section = "create",
    .doc = "For each index a row of n elements with a 1 at the index and zeros elsewhere; the shape is that "
           "of the indices with n appended. The indices may have any dtype.",
    .errors = "index when an index is not in 0 to n - 1; value when it is not whole.",
    .example = "one_hot([2, 0], 3)  #=> [[0, 0, 1], [1, 0, 0]]",
    .related = "embedding cross_entropy eye",
    .forward = one_hot_forward, .batch = batch_leading, .constant = "piecewise constant",
};

/* Input k spread along its axis of the grid; in NumPy's order "xy" the first two axes of the grid are
 * swapped. */
static GradTensor *grid(const TensorList *xs, int64_t k, bool swapped, const int64_t *shape)
{
    int64_t alone[TENSOR_MAX_NDIM];
    int64_t axis = swapped && k < 2 ? 1 - k : k;
    for (int64_t i = 0; i < xs->count; i++)
        alone[i] = i == axis ? xs->at[k]->t.size : 1;
    return gt_expand(t_reshape(xs->at[k], (int)xs->count, alone), (int)xs->count, shape);
}

static TensorList *meshgrid_compose(const OpCall *c)
{
    const TensorList *xs = c->args[0].tensors;
    const String *indexing = c->args[1].text;
    int64_t shape[TENSOR_MAX_NDIM];
    bool swapped = string_is(indexing, "xy") && xs->count > 1;
    if (!string_is(indexing, "xy") && !string_is(indexing, "ij"))
        call_error(c, ERROR_VALUE, "indexing must be \"xy\" or \"ij\", not \"%s\"", indexing->text);
    if (xs->count > TENSOR_MAX_NDIM)
        call_error(c, ERROR_VALUE, "more than %d tensors", TENSOR_MAX_NDIM);
    for (int64_t k = 0; k < xs->count; k++) {
        const GradTensor *x = xs->at[k];
        if (x->t.ndim > 1)
            call_error(c, ERROR_SHAPE, "tensor %lld has shape %s, but must have one axis", (long long)k,
                       gt_shape_text(x));
        shape[swapped && k < 2 ? 1 - k : k] = x->t.size;
    }
    TensorList *out = tensor_list_new(xs->count, NULL);
    for (int64_t k = 0; k < xs->count; k++)
        out->at[k] = object_retain(grid(xs, k, swapped, shape));
    return out;
}

const Op op_meshgrid = {
    .usage = "meshgrid(...xs, indexing=\"xy\")", OP_ARGS(ARG_TENSORS, ARG_TEXT), .section = "create",
    .doc = "Coordinates of a grid, as a tuple of one tensor for each 1-d tensor given. As in NumPy, for x "
           "of n and y of m elements both results have shape [m, n], so that rows go with y; with "
           "indexing=\"ij\" it is [n, m].",
    .errors = "shape when a tensor has more than one axis; value when indexing is neither \"xy\" nor \"ij\".",
    .derivative = "sums over the axes along which an input is repeated",
    .example = "meshgrid([1, 2, 3], [10, 20])  #=> ([[1, 2, 3], [1, 2, 3]], [[10, 10, 10], [20, 20, 20]])",
    .related = "linspace broadcast_to",
    .compose_list = meshgrid_compose,
    .check = "x[2] y[3]: meshgrid(x, y)[0] * meshgrid(x, y)[1]\n"
             "x[2] y[3]: meshgrid(x, y, indexing=\"ij\")[1]",
};
