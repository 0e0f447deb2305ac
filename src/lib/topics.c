#include "lib/topics.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const Topic topics[] = {
    {"values", "number numbers bool string none tuple tuples record records dtype dtypes true false global",
     "2, 0.5, 1e-3, 0xff, pi, inf, nan      numbers\n"
     "true, false, none                     bools, nothing\n"
     "\"text\", f\"loss {loss:.3f}\"            strings, with values in them\n"
     "[1, 2, 3], [[1, 2], [3, 4]]           tensors: arrays of float32 unless told otherwise\n"
     "(1, \"a\"), (x,), ()                    tuples; arithmetic on them goes leaf by leaf\n"
     "{w: 1, b: 2}; r.w, r[\"w\"], r.new = 3  records\n"
     "a, b = b, a                           several assignments at once\n"
     "Assignment copies: changing b after b = a never changes a. A name that a function assigns is\n"
     "local to it; global n makes its assignments go to the top level."},
    {"operators", "+ - * / // % @ ^ ** == != < <= > >= and or not ? : precedence arithmetic comparison",
     "x -> e                                weakest: a function\n"
     "c ? a : b                             only the chosen side is evaluated\n"
     "or, and, not\n"
     "== != < <= > >= in                    elementwise on tensors; in looks into tuples, records, strings\n"
     "+ -\n"
     "* / // % @                            // floors, % has the divisor's sign, @ is the matrix product\n"
     "- +                                   in front of one operand\n"
     "^ or **                               power: 2^3^2 is 2^9, and -x^2 is -(x^2)\n"
     "f(x) x[i] x.name x.f(a) x'            strongest\n"
     "Shapes broadcast as in NumPy. x += 1 and -= *= /= ^= change a variable."},
    {"indexing", "index slice slices slicing [ ] ...",
     "x[0], x[-1], x[1, 2]                  from zero, negative from the end\n"
     "x[a:b], x[a:b:step], x[::-1]          slices exclude their end\n"
     "x[:, 0], x[..., 0], x[none]           a whole axis, all axes in between, a new axis\n"
     "x[[0, 2]], x[x > 0]                   by positions, by a mask\n"
     "x[i] = v                              gradients flow to v and to the rest of x"},
    {"functions", "fn return -> function lambda closure call arguments doc ##",
     "f(x, y=2) = x^y                       one expression, with a default\n"
     "fn f(x, ...rest) { ... return y }     statements\n"
     "x -> x^2, (x, y) -> x * y, fn(x) {}   without a name\n"
     "f(x, y=3), f(...t)                    named arguments, a tuple spread\n"
     "x.f(a)                                means f(x, a)\n"
     "`##` lines above a definition are its documentation, which help(f) shows."},
    {"control", "if else while for in break continue loop loops condition",
     "if c { ... } else if d { ... } else { ... }\n"
     "while c { ... }                       break leaves a loop, continue takes the next turn\n"
     "for x in xs { ... }                   ranges, tuples, strings, keys of records, first axes\n"
     "for i, x in enumerate(xs) { ... }\n"
     "A condition is a bool, a number or a one-element tensor."},
    {"errors", "try catch error exception exceptions",
     "try { ... } catch err { print(err.message) }\n"
     "err has the fields message, hint, kind, file, line, column. The kinds are syntax name type shape\n"
     "index value domain io memory interrupt limit user. error(\"text\") and assert(condition, \"text\")\n"
     "raise errors."},
    {"derivatives", "' prime derivative gradient autograd differentiation",
     "f'(x), f''(x)                         derivatives by the first argument\n"
     "grad(f)(x), value_and_grad(f)(x)      gradients, of tuples and records too\n"
     "jacobian(f, x), hessian(f, x), jvp(f, x, v), vjp(f, x), hvp(f, x, v)\n"
     "x = parameter([2, 3])                 a tensor that collects gradients:\n"
     "y = sum(x^2); backward(y); x.grad     [4, 6]\n"
     "nograd { x -= 0.1 * x.grad }          changes x itself, without recording"},
    {"nograd", "recording parameters buffers",
     "nograd { ... }                        nothing in it, and in what it calls, is recorded\n"
     "Inside, p -= 0.1 * p.grad and p[0] = 1 update a parameter in place. Elsewhere they give the name\n"
     "an ordinary tracked tensor; assign(p, v) updates it anywhere. Buffers are updated in place by all\n"
     "of these."},
    {"files", "module modules import sandbox",
     "m = import(\"other.dbx\"); m.f(2)       runs a file once, and gives its top-level names\n"
     "The path is relative to the importing file. dbx --sandbox keeps programs to their own folder."},
    {NULL, NULL, NULL}
};

static bool is_among(const char *words, const char *word)
{
    size_t bytes = strlen(word);
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length == bytes && memcmp(at, word, bytes) == 0)
            return true;
        at += length;
    }
    return false;
}

const Topic *topic_find(const char *word)
{
    for (const Topic *topic = topics; topic->name != NULL; topic++)
        if (strcmp(topic->name, word) == 0)
            return topic;
    for (const Topic *topic = topics; topic->name != NULL; topic++)
        if (is_among(topic->words, word))
            return topic;
    return NULL;
}
