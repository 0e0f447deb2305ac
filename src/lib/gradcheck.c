/* gradcheck: derivatives against central differences. */
#include "lib/derivative.h"

#include <math.h>

typedef struct Check {
    Value f, in;                      /* the argument in float64 */
    Leaves ins, outs, slopes;         /* slopes: a block for every output leaf and input leaf */
    double worst, analytic, numeric, step;
    uint32_t in_leaf, out_leaf;       /* the worst element */
    int64_t in_element, out_element;
} Check;

/* (eps)^(1/3): where the error of the difference, h^2, and that of rounding, eps / h, balance. */
static const double relative_step = 6e-6, tolerance = 1e-5;

static Value in_float64(Value leaf, void *context)
{
    (void)context;
    GradTensor *x = value_tensor(leaf);
    if (leaf.tag == TAG_BOOL)
        return value_number(leaf.as.boolean);
    if (x == NULL || leaf.tag == TAG_NUMBER)
        return leaf;
    return value_of_tensor(gt_cast(gt_detach(differentiable("gradcheck", x)), DTYPE_FLOAT64));
}

/* The argument with element k of leaf i moved by h. */
static Value moved(Value in, uint32_t i, int64_t k, double h)
{
    Leaves leaves = structure_leaves(in);
    GradTensor *x = value_tensor(leaves.at[i]);
    if (leaves.at[i].tag == TAG_NUMBER) {
        leaves.at[i] = value_number(leaves.at[i].as.number + h);
    } else {
        GradTensor *y = gt_new(DTYPE_FLOAT64, x->t.ndim, tensor_shape(&x->t));
        tensor_share(&y->t, &x->t);
        ((double *)tensor_own_data(&y->t))[k] += h;
        leaves.at[i] = value_object(TAG_TENSOR, y);
    }
    return structure_rebuild(in, leaves.at);
}

static double element(Value leaf, int64_t k)
{
    GradTensor *x = value_tensor(leaf);
    return x == NULL ? 0 : tensor_at(&x->t, k);
}

static void name_element(Buf *text, const char *what, const Leaves *leaves, uint32_t i, int64_t k)
{
    GradTensor *x = value_tensor(leaves->at[i]);
    buf_puts(text, what);
    if (leaves->count > 1)
        buf_printf(text, " leaf %u", i);
    if (x == NULL || x->t.ndim == 0)
        return;
    int64_t stride = x->t.size;
    for (int a = 0; a < x->t.ndim; a++) {
        int64_t extent = tensor_shape(&x->t)[a];
        stride /= extent;
        buf_printf(text, "%s%lld", a == 0 ? "[" : ", ", (long long)(k / stride % extent));
    }
    buf_putc(text, ']');
}

/* How far apart, relative to the larger of them; differences that rounding explains count as little. */
static double distance(double numeric, double analytic, double value)
{
    double scale = fmax(fmax(fabs(numeric), fabs(analytic)), 1e-2 * fmax(1, fabs(value)));
    double apart = fabs(numeric - analytic) / scale;
    if (numeric == analytic || (isnan(numeric) && isnan(analytic)))
        return 0;
    return isnan(apart) ? INFINITY : apart;
}

/* The derivatives of every element of the result by element k of leaf i. */
static void check_column(Check *c, uint32_t i, int64_t k)
{
    double x = element(c->ins.at[i], k), h = relative_step * fmax(1, fabs(x));
    int64_t size = value_tensor(c->ins.at[i])->t.size;
    Leaves above = structure_leaves(call_value1(c->f, moved(c->in, i, k, h)));
    Leaves below = structure_leaves(call_value1(c->f, moved(c->in, i, k, -h)));
    if (above.count != c->outs.count || below.count != c->outs.count)
        error_throw(ERROR_VALUE, "gradcheck: the structure of the result depends on the argument");
    for (uint32_t o = 0; o < c->outs.count; o++) {
        GradTensor *y = value_tensor(c->outs.at[o]);
        for (int64_t e = 0; y != NULL && e < y->t.size; e++) {
            double numeric = (element(above.at[o], e) - element(below.at[o], e)) / (2 * h);
            double analytic = element(c->slopes.at[o * c->ins.count + i], e * size + k);
            double apart = distance(numeric, analytic, element(c->outs.at[o], e));
            if (apart > c->worst)
                *c = (Check){c->f, c->in, c->ins, c->outs, c->slopes, apart, analytic, numeric, h, i, o, k, e};
        }
    }
}

static void run_check(void *data)
{
    Check *c = data;
    Derivation d = derivation_of("gradcheck", c->f, c->in);
    c->ins = structure_leaves(c->in);
    c->outs = structure_leaves(structure_map(d.out, in_float64, NULL));
    c->slopes = structure_leaves(derivation_jacobian(&d));
    for (uint32_t i = 0; i < c->ins.count; i++) {
        int64_t size = value_tensor(c->ins.at[i])->t.size;
        for (int64_t k = 0; k < size; k++) {
            PoolMark mark = pool_mark();
            interrupt_poll();
            check_column(c, i, k);
            pool_drain(mark);
        }
    }
}

static _Noreturn void throw_worst(const Check *c)
{
    Buf *text = buf_new();
    name_element(text, "f(x)", &c->outs, c->out_leaf, c->out_element);
    buf_puts(text, " by ");
    name_element(text, "x", &c->ins, c->in_leaf, c->in_element);
    error_throw(ERROR_VALUE, "gradcheck: the derivative of %s is %.9g, but central differences with step %.2g "
                "give %.9g",
                buf_text(text), c->analytic, c->step, c->numeric);
}

/* What f makes of plain numbers on its way is float64 too. */
static Value run_gradcheck(Call *call)
{
    Check check = {.f = arg_function(call, 0)};
    Dtype dtype = grad_state()->default_dtype;
    check.in = structure_map(call->args[1], in_float64, NULL);
    grad_state()->default_dtype = DTYPE_FLOAT64;
    bool ok = session_protect(session(), run_check, &check);
    grad_state()->default_dtype = dtype;
    if (!ok)
        error_rethrow();
    if (check.worst > tolerance)
        throw_worst(&check);
    return value_bool(true);
}

const Builtin builtin_gradcheck = {
    .usage = "gradcheck(f, x)", .section = "derivatives", .run = run_gradcheck,
    .doc = "Compares all derivatives of f at x with central differences, in float64: true when they agree "
           "to a relative 1e-5. x may be any structure, and so may f(x).",
    .errors = "value when they do not agree: it names the worst element, both values and the step.",
    .example = "gradcheck(x -> sin(x) * x^2, [1, 2])  #=> true",
    .related = "jacobian custom_grad",
};
