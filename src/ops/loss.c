/* Losses: means over all elements or over a batch. */
#include "ops/index.h"
#include "ops/matrix.h"
#include "tensor/kernel.h"
#include "tensor/reduce.h"

static GradTensor *mean_of(GradTensor *x)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = x}};
    return op_call(&op_mean, args, 0);
}

/* ---- regression ---- */

/* a - b in floating point, so that differences of integers do not wrap. */
static GradTensor *difference(const OpCall *c)
{
    GradTensor *a = call_in(c, 0);
    if (!dtype_is_float(gt_dtype(a)))
        a = gt_cast(a, grad_state()->default_dtype);
    return t_sub(a, call_in(c, 1));
}

static GradTensor *mse_compose(const OpCall *c)
{
    return mean_of(t_square(difference(c)));
}

const Op op_mse = {
    .usage = "mse(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "neural",
    .doc = "Mean of the squared differences, over all elements. Shapes broadcast.",
    .derivative = "2 (a - b) / n da",
    .example = "mse([1, 2], [1, 4])  #=> 2",
    .related = "mae huber",
    .compose = mse_compose,
    .check = "x[2, 3] y[2, 3]: mse(x, y)\n"
             "x[2, 3] y[3]: mse(x, y)\n"
             "x[] y[2]: mse(x, y)\n"
             "x[3, 2] y[4, 3]: mse(x.T, y[::2])",
};

static GradTensor *mae_compose(const OpCall *c)
{
    return mean_of(t_abs(difference(c)));
}

const Op op_mae = {
    .usage = "mae(a, b)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "neural",
    .doc = "Mean of the absolute differences, over all elements. Shapes broadcast. The derivative is 0 "
           "where a equals b.",
    .derivative = "sign(a - b) / n da",
    .example = "mae([1, 2], [1, 4])  #=> 1",
    .related = "mse huber",
    .compose = mae_compose,
    .sample = {{-2, -0.1}, {0.1, 2}},
    .check = "x[2, 3] y[2, 3]: mae(x, y)\n"
             "x[2, 3] y[3]: mae(x, y)\n"
             "x[] y[2]: mae(x, y)",
};

KERNELS2_FLOAT(huber_element, fabs(x) <= y ? 0.5 * x * x : y * (fabs(x) - 0.5 * y),
               fabsf(x) <= y ? 0.5f * x * x : y * (fabsf(x) - 0.5f * y))

static GradTensor *huber_by_d(const OpCall *c)
{
    GradTensor *d = call_in(c, 0), *delta = call_in(c, 1);
    return op_call(&op_clip, (Arg[OP_MAX_ARGS]){{.tensor = d}, {.tensor = gt_neg(delta)}, {.tensor = delta}}, 0);
}

static GradTensor *huber_by_delta(const OpCall *c)
{
    return t_with(&op_maximum, t_sub(t_abs(call_in(c, 0)), call_in(c, 1)), 0);
}

const Op op_huber_element = {
    .usage = "huber_element(d, delta)", OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .doc = "Huber loss of each difference, before the mean that huber takes.",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(huber_element),
    .factor = {huber_by_d, huber_by_delta},
    .sample = {{-3, 3}, {0.5, 2}},
};

static GradTensor *huber_compose(const OpCall *c)
{
    double delta = c->args[2].number;
    if (!(delta > 0))
        call_error(c, ERROR_VALUE, "delta must be positive, but it is %g", delta);
    return mean_of(t_with(&op_huber_element, difference(c), delta));
}

const Op op_huber = {
    .usage = "huber(a, b, delta=1)", OP_ARGS(ARG_TENSOR, ARG_TENSOR, ARG_NUMBER), .section = "neural",
    .doc = "Mean of the Huber loss (Huber 1964) of the differences d = a - b: d^2/2 where |d| <= delta, "
           "delta (|d| - delta/2) beyond. Shapes broadcast.",
    .errors = "value when delta is not positive.",
    .derivative = "clip(a - b, -delta, delta) / n da",
    .example = "huber([0, 0], [1, 3])  #=> 1.5",
    .related = "mse mae",
    .compose = huber_compose,
    .sample = {{-2, 2}, {-2, 2}},
    .check = "x[2, 3] y[2, 3]: huber(x, y)\n"
             "x[2, 3] y[3]: huber(x, y, delta=0.7)",
};

/* ---- probabilities ---- */

/* As PyTorch does, logarithms stop at -100, so that a certain prediction that is wrong costs much but not
 * everything. */
KERNELS2_FLOAT(bce_element,
               (y - 1) * (log1p(-x) < -100 ? -100 : log1p(-x)) - y * (log(x) < -100 ? -100 : log(x)),
               (y - 1) * (log1pf(-x) < -100 ? -100 : log1pf(-x)) - y * (logf(x) < -100 ? -100 : logf(x)))

KERNELS2_FLOAT(bce_slope, (x - y) / (x * (1 - x) < 1e-12 ? 1e-12 : x * (1 - x)),
               (x - y) / (x * (1 - x) < 1e-12f ? 1e-12f : x * (1 - x)))

/* p (1 - p), kept from 0. */
static GradTensor *bce_spread(const OpCall *c)
{
    GradTensor *p = call_in(c, 0);
    return t_with(&op_maximum, t_mul(p, t_minus_from(1, p)), 1e-12);
}

/* (p^2 - 2 p y + y) / (p (1 - p))^2, which for certain and right predictions is 0 like the slope itself. */
static GradTensor *bce_slope_by_p(const OpCall *c)
{
    GradTensor *p = call_in(c, 0), *y = call_in(c, 1);
    GradTensor *above = t_add(t_mul(p, t_sub(p, t_times(y, 2))), y);
    return t_div(above, t_square(bce_spread(c)));
}

static GradTensor *bce_slope_by_y(const OpCall *c)
{
    return gt_neg(t_reciprocal(bce_spread(c)));
}

const Op op_bce_slope = {
    .usage = "bce_slope(p, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .doc = "The derivative of bce_element by p: (p - y) / (p (1 - p)), with the denominator kept from 0.",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(bce_slope),
    .factor = {bce_slope_by_p, bce_slope_by_y},
    .sample = {{0.05, 0.95}, {0, 1}},
};

static GradTensor *bce_by_p(const OpCall *c)
{
    return op_call2(&op_bce_slope, call_in(c, 0), call_in(c, 1));
}

static GradTensor *bce_by_y(const OpCall *c)
{
    GradTensor *p = call_in(c, 0);
    GradTensor *yes = t_with(&op_maximum, t_log(p), -100);
    GradTensor *no = t_with(&op_maximum, t_log(t_minus_from(1, p)), -100);
    return t_sub(no, yes);
}

const Op op_bce_element = {
    .usage = "bce_element(p, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR),
    .doc = "Binary cross-entropy of each element, before the mean that bce takes.",
    .dtypes = DTYPES_FLOAT,
    .kernel = KERNELS_FLOAT(bce_element),
    .factor = {bce_by_p, bce_by_y},
    .sample = {{0.05, 0.95}, {0, 1}},
};

static GradTensor *bce_compose(const OpCall *c)
{
    return mean_of(op_call(&op_bce_element, c->args, c->numbers));
}

const Op op_bce = {
    .usage = "bce(p, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "neural",
    .doc = "Binary cross-entropy of probabilities p against targets y from 0 to 1: the mean of -y log(p) - "
           "(1 - y) log(1 - p), where logarithms stop at -100 and the derivative's denominator p (1 - p) at "
           "1e-12, as in PyTorch. Shapes broadcast. From logits use bce_with_logits, which is exact "
           "everywhere.",
    .derivative = "(p - y) / (p (1 - p)) / n dp",
    .example = "bce([0.5, 0.5], [0, 1])  #=> 0.6931472",
    .related = "bce_with_logits cross_entropy",
    .compose = bce_compose,
    .sample = {{0.05, 0.95}, {0, 1}},
    .check = "x[2, 3] y[2, 3]: bce(x, y)\n"
             "x[2, 3] y[3]: bce(x, y)\n"
             "x[] y[2]: bce(x, y)",
};

static GradTensor *bce_with_logits_compose(const OpCall *c)
{
    GradTensor *x = call_in(c, 0), *y = call_in(c, 1);
    return mean_of(t_sub(op_call1(&op_softplus, x), t_mul(x, y)));
}

const Op op_bce_with_logits = {
    .usage = "bce_with_logits(x, y)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "neural",
    .doc = "Binary cross-entropy of the probabilities sigmoid(x) against targets y from 0 to 1: the mean of "
           "softplus(x) - x y, which neither overflows nor loses digits for large |x|. Shapes broadcast.",
    .derivative = "(sigmoid(x) - y) / n dx",
    .example = "bce_with_logits([0, 1000], [0, 1])  #=> 0.3465736",
    .related = "bce cross_entropy softplus",
    .compose = bce_with_logits_compose,
    .sample = {{-3, 3}, {0, 1}},
    .check = "x[2, 3] y[2, 3]: bce_with_logits(x, y)\n"
             "x[2, 3] y[3]: bce_with_logits(x, y)\n"
             "x[] y[2]: bce_with_logits(x, y)",
};

/* ---- classes ---- */

/* Is `targets` one class number for each place of the logits outside of their class axis? */
static bool are_indices(const GradTensor *logits, const GradTensor *targets, int axis)
{
    int64_t places[TENSOR_MAX_NDIM];
    int n = 0;
    for (int i = 0; i < logits->t.ndim; i++)
        if (i != axis)
            places[n++] = tensor_shape(&logits->t)[i];
    return shape_equal(n, places, targets->t.ndim, tensor_shape(&targets->t));
}

/* Throws for the first of the targets that is no class number. */
static void check_classes(const OpCall *c, const GradTensor *targets, int64_t classes)
{
    const int64_t *whole = tensor_contiguous(&targets->t, DTYPE_INT64);
    const double *exact = dtype_is_float(gt_dtype(targets)) ? tensor_contiguous(&targets->t, DTYPE_FLOAT64) : NULL;
    for (int64_t i = 0; i < targets->t.size; i++) {
        if (exact != NULL && exact[i] != (double)whole[i])
            call_error(c, ERROR_VALUE, "class %g is not a whole number", exact[i]);
        if (whole[i] < 0 || whole[i] >= classes)
            call_error(c, ERROR_INDEX, "class %lld is out of range for %lld classes", (long long)whole[i],
                       (long long)classes);
    }
}

/* Class numbers as int64 with the class axis, of extent 1, put back. */
static GradTensor *class_indices(const OpCall *c, GradTensor *targets, int axis, int64_t classes)
{
    targets = gt_detach(targets);
    check_classes(c, targets, classes);
    return matrix_unsqueeze(gt_cast(targets, DTYPE_INT64), targets->t.ndim - axis);
}

/* logsumexp(logits) - logit would lose the digits behind those of a large logit. */
static GradTensor *log_shares(GradTensor *logits, int axis)
{
    Arg args[OP_MAX_ARGS] = {{.tensor = logits}, {.ints = int_list_new(1, (int64_t[]){axis})}};
    return op_call(&op_log_softmax, args, 0);
}

static GradTensor *indexed_cross_entropy(const OpCall *c, GradTensor *logits, GradTensor *targets, int axis)
{
    GradTensor *indices = class_indices(c, targets, axis, tensor_shape(&logits->t)[axis]);
    return gt_neg(mean_of(t_take_along(log_shares(logits, axis), indices, axis)));
}

/* Classes of probability 0 cost nothing, even where their logit is -inf. */
static GradTensor *smooth_cross_entropy(GradTensor *logits, GradTensor *targets, int axis)
{
    GradTensor *each = gt_scale(targets, log_shares(logits, axis));
    GradTensor *sum = t_sum_axes(each, axes_all(logits->t.ndim), false);
    double batch = (double)logits->t.size / (double)tensor_shape(&logits->t)[axis];
    return t_with(&op_div, gt_neg(sum), batch);
}

static GradTensor *cross_entropy_compose(const OpCall *c)
{
    GradTensor *logits = call_in(c, 0), *targets = call_in(c, 1);
    int axis = logits->t.ndim > 1;
    if (logits->t.ndim == 0 || tensor_shape(&logits->t)[axis] == 0)
        call_error(c, ERROR_SHAPE, "logits of shape %s have no classes", gt_shape_text(logits));
    if (!dtype_is_float(gt_dtype(logits)))
        logits = gt_cast(logits, grad_state()->default_dtype);
    if (are_indices(logits, targets, axis))
        return indexed_cross_entropy(c, logits, targets, axis);
    if (!shape_equal(logits->t.ndim, tensor_shape(&logits->t), targets->t.ndim, tensor_shape(&targets->t)))
        call_error(c, ERROR_SHAPE,
                   "targets of shape %s are neither class numbers nor probabilities for logits of shape %s",
                   gt_shape_text(targets), gt_shape_text(logits));
    return smooth_cross_entropy(logits, targets, axis);
}

const Op op_cross_entropy = {
    .usage = "cross_entropy(logits, targets)", OP_ARGS(ARG_TENSOR, ARG_TENSOR), .section = "neural",
    .doc = "Cross-entropy of softmax(logits) against the targets, mean over the batch. Logits are [batch, "
           "classes], [classes] or, as in PyTorch, [batch, classes, ...]. Targets are either class numbers, "
           "in the shape of the logits without their class axis, or probabilities in the shape of the "
           "logits.",
    .errors = "index when a class is out of range, value when it is not a whole number, shape when the "
              "targets fit neither way.",
    .derivative = "(softmax(logits) - targets) / batch dlogits",
    .example = "cross_entropy([[0, 0], [0, 1000]], [0, 1])  #=> 0.3465736",
    .related = "log_softmax bce_with_logits one_hot",
    .compose = cross_entropy_compose,
    .sample = {{-2, 2}, {0, 1}},
    .check = "x[3, 4]: cross_entropy(x, [0, 3, 1])\n"
             "x[3, 4] y[3, 4]: cross_entropy(x, y)\n"
             "x[4]: cross_entropy(x, 2)\n"
             "x[4] y[4]: cross_entropy(x, y)\n"
             "x[2, 3, 2]: cross_entropy(x, [[0, 1], [2, 0]])\n"
             "x[4, 3]: cross_entropy(x.T, [0, 3, 1])",
};
