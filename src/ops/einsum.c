/* Einstein summation, composed of other operations: diagonals for labels that an operand repeats, sums for
 * labels that no other operand and not the result has, then products of two operands at a time, each one
 * batched matrix product. Of all pairs the one whose product is the least work comes first. */
#include "ops/matrix.h"
#include "ops/rules.h"

#include <ctype.h>
#include <string.h>

/* Labels are numbers: 0 to 51 for A-Z and a-z, in this order, which is the order of an implicit result; the
 * axes of an ellipsis follow, the last one last. */
enum { LETTERS = 52, LABELS = LETTERS + TENSOR_MAX_NDIM };

typedef struct Term {
    GradTensor *x;
    int count;
    int labels[2 * TENSOR_MAX_NDIM];
} Term;

typedef struct Einsum {
    const OpCall *c;
    Term *terms;
    int64_t count;
    Term out;                         /* labels of the result */
    int64_t extents[LABELS];          /* -1: not used */
} Einsum;

/* ---- reading the spec ---- */

static int label_of(char letter)
{
    return isupper((unsigned char)letter) ? letter - 'A' : letter - 'a' + 26;
}

static char letter_of(int label)
{
    return (char)(label < 26 ? 'A' + label : label < LETTERS ? 'a' + label - 26 : '.');
}

static int find_label(const Term *term, int label)
{
    for (int i = 0; i < term->count; i++)
        if (term->labels[i] == label)
            return i;
    return -1;
}

/* Reads the labels of one operand or of the result, up to the end, a comma or an arrow. `hidden` axes stand
 * for the ellipsis; without one they do not appear. */
static const char *read_labels(const Einsum *e, const char *at, Term *term, int hidden, bool *ellipsis)
{
    *ellipsis = false;
    term->count = 0;
    for (; *at != '\0' && *at != ',' && *at != '-'; at++) {
        if (*at == ' ')
            continue;
        if (strncmp(at, "...", 3) == 0 && !*ellipsis) {
            *ellipsis = true;
            at += 2;
            for (int i = 0; i < hidden; i++)
                term->labels[term->count++] = LABELS - hidden + i;
            continue;
        }
        if (!isalpha((unsigned char)*at))
            call_error(e->c, ERROR_VALUE, "the spec has an unexpected character at \"%s\"", at);
        if (term->count == TENSOR_MAX_NDIM)
            call_error(e->c, ERROR_VALUE, "an operand or the result has more than %d labels",
                       TENSOR_MAX_NDIM);
        term->labels[term->count++] = label_of(*at);
    }
    return at;
}

static void read_operand(Einsum *e, int64_t k, const char **at)
{
    Term *term = &e->terms[k];
    bool ellipsis;
    read_labels(e, *at, term, 0, &ellipsis);
    int named = term->count, hidden = term->x->t.ndim - named;
    if (hidden < 0 || (hidden > 0 && !ellipsis))
        call_error(e->c, ERROR_SHAPE, "operand %lld of shape %s has %d ax%s, but the spec names %d",
                   (long long)k + 1, gt_shape_text(term->x), term->x->t.ndim,
                   term->x->t.ndim == 1 ? "is" : "es", named);
    *at = read_labels(e, *at, term, hidden, &ellipsis);
}

/* Without an arrow: the axes of ellipses, then every label that occurs once, in order. */
static void implicit_result(Einsum *e)
{
    int uses[LABELS] = {0};
    for (int64_t k = 0; k < e->count; k++)
        for (int i = 0; i < e->terms[k].count; i++)
            uses[e->terms[k].labels[i]]++;
    for (int label = LETTERS; label < LABELS; label++)
        if (uses[label] > 0)
            e->out.labels[e->out.count++] = label;
    for (int label = 0; label < LETTERS; label++)
        if (uses[label] == 1)
            e->out.labels[e->out.count++] = label;
}

static void check_result(const Einsum *e)
{
    for (int i = 0; i < e->out.count; i++) {
        int label = e->out.labels[i];
        if (find_label(&e->out, label) != i)
            call_error(e->c, ERROR_VALUE, "the result names %c twice", letter_of(label));
        if (e->extents[label] < 0)
            call_error(e->c, ERROR_VALUE, "the result names %c, which no operand has", letter_of(label));
    }
    if (e->out.count > TENSOR_MAX_NDIM)
        call_error(e->c, ERROR_SHAPE, "the result would have more than %d axes", TENSOR_MAX_NDIM);
}

/* All operands agree on the extent of a label, where 1 broadcasts. */
static void note_extents(Einsum *e, int64_t k)
{
    const Term *term = &e->terms[k];
    for (int i = 0; i < term->count; i++) {
        int64_t extent = tensor_shape(&term->x->t)[i], *known = &e->extents[term->labels[i]];
        int first = find_label(term, term->labels[i]);
        if (*known < 0 || *known == 1)
            *known = extent;
        if ((extent != 1 && extent != *known) || extent != tensor_shape(&term->x->t)[first])
            call_error(e->c, ERROR_SHAPE,
                       "operand %lld of shape %s has extent %lld for %c, which is %lld elsewhere",
                       (long long)k + 1, gt_shape_text(term->x), (long long)extent,
                       letter_of(term->labels[i]),
                       (long long)(extent == *known ? tensor_shape(&term->x->t)[first] : *known));
    }
}

static void read_spec(Einsum *e, const char *at)
{
    int hidden = 0;
    bool ellipsis;
    for (int64_t k = 0; k < e->count; k++) {
        read_operand(e, k, &at);
        for (int i = 0; i < e->terms[k].count; i++)
            if (e->terms[k].labels[i] >= LETTERS && LABELS - e->terms[k].labels[i] > hidden)
                hidden = LABELS - e->terms[k].labels[i];
        note_extents(e, k);
        if (k + 1 < e->count ? *at != ',' : *at == ',')
            call_error(e->c, ERROR_VALUE, "the spec \"%s\" is for %s operands than the %lld given",
                       e->c->args[0].text->text, *at == ',' ? "more" : "fewer", (long long)e->count);
        at += *at == ',';
    }
    if (*at == '\0') {
        implicit_result(e);
    } else {
        if (strncmp(at, "->", 2) != 0)
            call_error(e->c, ERROR_VALUE, "the spec has an unexpected character at \"%s\"", at);
        at = read_labels(e, at + 2, &e->out, hidden, &ellipsis);
        if (*at != '\0')
            call_error(e->c, ERROR_VALUE, "the spec has an unexpected character at \"%s\"", at);
    }
    check_result(e);
}

/* ---- one operand ---- */

/* x with its axes in the order of these labels, some of which it may not have. */
static GradTensor *in_order(const Term *term, int count, const int *labels)
{
    int order[TENSOR_MAX_NDIM], n = 0;
    bool same = true;
    for (int i = 0; i < count; i++) {
        int at = find_label(term, labels[i]);
        if (at < 0)
            continue;
        same &= at == n;
        order[n++] = at;
    }
    assert(n == term->count);
    return same ? term->x : t_permute(term->x, order);
}

/* The two axes i < j of one label become their diagonal, at the end. */
static void take_diagonal(Term *term, int i, int j)
{
    int order[TENSOR_MAX_NDIM], n = 0, label = term->labels[i];
    for (int k = 0; k < term->count; k++)
        if (k != i && k != j) {
            term->labels[n] = term->labels[k];
            order[n++] = k;
        }
    order[n] = i;
    order[n + 1] = j;
    term->labels[n] = label;
    term->count = n + 1;
    term->x = matrix_diagonal(t_permute(term->x, order));
}

static void take_diagonals(Term *term)
{
    for (int j = term->count - 1; j > 0; j--) {
        int i = find_label(term, term->labels[j]);
        if (i < j) {
            take_diagonal(term, i, j);
            j = term->count;
        }
    }
}

static bool is_used(const Einsum *e, int label, const Term *but, const Term *and)
{
    for (int64_t k = 0; k < e->count; k++)
        if (&e->terms[k] != but && &e->terms[k] != and && find_label(&e->terms[k], label) >= 0)
            return true;
    return find_label(&e->out, label) >= 0;
}

/* Sums over what only this operand has, and drops axes of extent 1 that are longer elsewhere. */
static void sum_alone(const Einsum *e, Term *term)
{
    uint32_t axes = 0;
    int n = 0;
    for (int i = 0; i < term->count; i++) {
        int label = term->labels[i];
        bool repeated = tensor_shape(&term->x->t)[i] != e->extents[label];
        if (repeated || !is_used(e, label, term, NULL))
            axes |= 1u << i;
        else
            term->labels[n++] = label;
    }
    term->count = n;
    if (axes != 0)
        term->x = t_sum_axes(term->x, axes, false);
}

/* ---- two operands ---- */

typedef struct Group {
    int count;
    int labels[TENSOR_MAX_NDIM];
    int64_t size;
} Group;

static void group_add(const Einsum *e, Group *group, int label)
{
    group->labels[group->count++] = label;
    group->size *= e->extents[label];
}

/* [batch, left, right] in the shape of the groups' labels. */
static GradTensor *term_shaped(const Einsum *e, GradTensor *x, Term *term, const Group *const *groups)
{
    int64_t shape[3 * TENSOR_MAX_NDIM];
    term->count = 0;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < groups[k]->count; i++) {
            if (term->count == TENSOR_MAX_NDIM)
                call_error(e->c, ERROR_SHAPE, "an intermediate product would have more than %d axes",
                           TENSOR_MAX_NDIM);
            shape[term->count] = e->extents[groups[k]->labels[i]];
            term->labels[term->count++] = groups[k]->labels[i];
        }
    return t_reshape(x, term->count, shape);
}

/* x as [first, second, third]. */
static GradTensor *three_axes(const Term *term, const Group *a, const Group *b, const Group *c)
{
    int labels[3 * TENSOR_MAX_NDIM], n = 0;
    const Group *const groups[] = {a, b, c};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < groups[k]->count; i++)
            labels[n++] = groups[k]->labels[i];
    return t_reshape(in_order(term, n, labels), 3, (int64_t[]){a->size, b->size, c->size});
}

/* The product of two operands, summed over the labels that nothing else has. */
static Term multiply(const Einsum *e, const Term *a, const Term *b)
{
    Group batch = {.size = 1}, inner = batch, left = batch, right = batch, none = batch;
    for (int i = 0; i < a->count; i++) {
        int label = a->labels[i];
        bool shared = find_label(b, label) >= 0;
        group_add(e, !shared ? &left : is_used(e, label, a, b) ? &batch : &inner, label);
    }
    for (int i = 0; i < b->count; i++)
        if (find_label(a, b->labels[i]) < 0)
            group_add(e, &right, b->labels[i]);
    GradTensor *product;
    if (a->count == 0 || b->count == 0)
        product = t_mul(a->x, b->x);
    else if (inner.count > 0)
        product = t_matmul(three_axes(a, &batch, &left, &inner), three_axes(b, &batch, &inner, &right));
    else
        product = t_mul(three_axes(a, &batch, &left, &none), three_axes(b, &batch, &none, &right));
    Term out;
    out.x = term_shaped(e, product, &out, (const Group *const[]){&batch, &left, &right});
    return out;
}

/* Multiplications that the product of two operands takes. */
static double work_of(const Einsum *e, const Term *a, const Term *b)
{
    double work = 1;
    for (int i = 0; i < a->count; i++)
        work *= (double)e->extents[a->labels[i]];
    for (int i = 0; i < b->count; i++)
        work *= find_label(a, b->labels[i]) < 0 ? (double)e->extents[b->labels[i]] : 1;
    return work;
}

static void multiply_cheapest(Einsum *e)
{
    int64_t left = 0, right = 1;
    double least = work_of(e, &e->terms[0], &e->terms[1]);
    for (int64_t i = 0; i < e->count; i++)
        for (int64_t j = i + 1; j < e->count; j++) {
            double work = work_of(e, &e->terms[i], &e->terms[j]);
            if (work < least) {
                least = work;
                left = i;
                right = j;
            }
        }
    e->terms[left] = multiply(e, &e->terms[left], &e->terms[right]);
    e->terms[right] = e->terms[--e->count];
}

static GradTensor *einsum_compose(const OpCall *c)
{
    const TensorList *operands = c->args[1].tensors;
    Einsum e = {.c = c, .count = operands->count};
    if (e.count == 0)
        call_error(c, ERROR_VALUE, "there must be at least one operand");
    e.terms = scratch((size_t)e.count * sizeof *e.terms);
    for (int i = 0; i < LABELS; i++)
        e.extents[i] = -1;
    for (int64_t k = 0; k < e.count; k++)
        e.terms[k].x = operands->at[k];
    read_spec(&e, c->args[0].text->text);
    for (int64_t k = 0; k < e.count; k++)
        take_diagonals(&e.terms[k]);
    for (int64_t k = 0; k < 2 * e.count; k++) /* twice: dropping an axis may leave another operand alone */
        sum_alone(&e, &e.terms[k % e.count]);
    while (e.count > 1)
        multiply_cheapest(&e);
    return in_order(&e.terms[0], e.out.count, e.out.labels);
}

const Op op_einsum = {
    .usage = "einsum(spec, ...operands)", OP_ARGS(ARG_TEXT, ARG_TENSORS), .section = "linear algebra",
    .doc = "Einstein's summation. The spec names the axes of the operands by letters, separated by commas, "
           "and after -> those of the result: products are summed over the letters that the result has not. "
           "A letter twice in one operand takes the diagonal; ... stands for further axes, which broadcast; "
           "without -> the result has the axes of ... and then the letters that occur once, in alphabetical "
           "order. Operands are multiplied two at a time, cheapest first, as matrix products.",
    .errors = "value when the spec is malformed, shape when axes are more or fewer than letters or extents "
              "disagree.",
    .derivative = "of the products and sums that it is made of",
    .example = "einsum(\"ij,jk->ik\", [[1, 2]], [[3], [4]])  #=> [[11]]\n"
               "einsum(\"ii\", [[1, 2], [3, 4]])  #=> 5",
    .related = "matmul trace outer transpose",
    .compose = einsum_compose,
    .check = "x[2, 3] y[3, 4]: einsum(\"ij,jk->ik\", x, y)\n"
             "x[2, 3] y[3, 4]: einsum(\"ij,jk\", x, y)\n"
             "x[3, 3]: einsum(\"ii\", x)\n"
             "x[3, 3]: einsum(\"ii->i\", x.T)\n"
             "x[2, 3]: einsum(\"ij->ji\", x)\n"
             "x[2, 3]: einsum(\"ij->\", x)\n"
             "x[2] y[3]: einsum(\"i,j->ij\", x, y)\n"
             "x[2, 3] y[2, 3]: einsum(\"ij,ij->i\", x, y)\n"
             "x[2, 2, 3] y[2, 3, 2]: einsum(\"bij,bjk->bik\", x, y)\n"
             "x[2, 2, 3] y[3, 2]: einsum(\"...ij,jk->...ik\", x, y)\n"
             "x[2, 3] y[3] z[2]: einsum(\"ij,j,i\", x, y, z)\n"
             "x[2, 3, 3]: einsum(\"...ii->...i\", x)\n"
             "x[2, 3, 2, 3]: einsum(\"ijij->ji\", x)",
};
