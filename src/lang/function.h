/* Functions: closures of the language, operations (ops/), and built-ins (lib/), behind one way of calling. */
#ifndef DBX_LANG_FUNCTION_H
#define DBX_LANG_FUNCTION_H

#include "grad/op.h"
#include "lang/ast.h"

struct Module;
struct Function;

/* What a built-in sees of a call: one value per parameter, in order; a `...rest` parameter is a tuple; a
 * parameter without an argument has its default. The values belong to the caller. */
typedef struct Call {
    struct Function *self;            /* what was called; its `captures` are what native_function was given */
    const Value *args;
    int count;
    String *const *names;             /* of the arguments, for a row that `forwards`; NULL: all are positional */
} Call;

/* A built-in that is not a tensor operation: a constant `builtin_NAME` in lib/. */
typedef struct Builtin {
    const char *usage;                /* "split(text, separator=\" \")": names and defaults of the parameters */
    const char *section;              /* of the reference page; NULL: not listed */
    const char *doc, *errors, *example, *related;
    Value (*run)(Call *call);
    const char *infix;                /* "'" for what a prime behind a function does, else NULL */
    bool by_reference;                /* the first argument must be a variable; it is given what run returns */
    bool forwards;                    /* the arguments are meant for another function: run gets them as they came */
} Builtin;

/* ---- signatures ---- */

typedef struct Parameter {
    String *name;
    Value initial;                    /* default, when has_default; a Node's is evaluated at the call */
    bool has_default, rest;
} Parameter;

/* Made from a usage text on first use, or from a function's parameter list. */
typedef struct Signature {
    Object object;
    uint32_t count;
    uint32_t rest;                    /* position of the rest parameter, or count */
    uint32_t required;                /* so many positional arguments leave none out that has no default */
    Parameter at[];
} Signature;

/* ---- code of the language's functions: what resolve makes ---- */

typedef struct CaptureSource {
    bool from_local;                  /* of the enclosing function's frame; else from its captures */
    uint32_t index;
    String *name;
} CaptureSource;

typedef struct FunctionCode {
    Node *node;                       /* the NODE_FUNCTION */
    Chunk *chunk;                     /* that holds it; not owned: functions own it */
    struct Module *module;
    uint32_t slot_count;              /* parameters first, then other locals */
    uint32_t param_count;
    bool plain;                       /* no defaults and no rest */
    bool is_expression;
    CaptureSource *captures;
    uint32_t capture_count;
    String **slot_names;
} FunctionCode;

/* ---- function values ---- */

typedef enum FunctionKind { FUNCTION_CLOSURE, FUNCTION_OP, FUNCTION_BUILTIN } FunctionKind;

typedef struct Function {
    Object object;
    FunctionKind kind;
    union {
        FunctionCode *code;
        const Op *op;
        const Builtin *builtin;
    } as;
    Chunk *chunk;                     /* of a closure; owned */
    Signature *signature;             /* owned; NULL until it is needed */
    Object *defaults;                 /* of an operation, as bind.c has them; owned; NULL until they are needed */
    uint32_t capture_count;
    Value captures[];                 /* owned */
} Function;

Function *function_closure(FunctionCode *code);          /* captures unset */
Function *function_op(const Op *op);
Function *function_builtin(const Builtin *builtin);
/* A function made at run time, such as grad(f): a built-in with values of its own. */
Function *native_function(const Builtin *builtin, uint32_t count, const Value *captures);
/* The usage text of what is no closure: "sum(x, axis=none, keepdims=false)". */
const char *function_row_usage(const Function *function);
/* "f", "sum", or "a function without a name"; owned by the function or constant. */
const char *function_name(const Function *function);
Signature *function_signature(Function *function);
/* As help and completion show it: "f(x, y=2)". */
String *function_usage(Function *function);

/* ---- calling ---- */

/* Calls f with positional and named arguments: names[i] is NULL for a positional one; names may be NULL. */
Value call_value(Value f, uint32_t count, const Value *args, String *const *names);
static inline Value call_value1(Value f, Value x) { return call_value(f, 1, &x, NULL); }

/* ---- for built-ins: arguments with the checks and the messages ---- */

/* All throw kind type, naming function, parameter and what was expected. */
const char *arg_name(const Call *call, int i);
_Noreturn void arg_error(const Call *call, int i, const char *expected);
_Noreturn void call_throw(const Call *call, ErrorKind kind, const char *format, ...) PRINTF_LIKE(3, 4);
bool arg_given(const Call *call, int i);                 /* not none */
double arg_number(const Call *call, int i);              /* numbers, bools, one-element tensors */
int64_t arg_integer(const Call *call, int i);            /* whole, within int64 */
bool arg_flag(const Call *call, int i);
String *arg_string(const Call *call, int i);
Tuple *arg_tuple(const Call *call, int i);
Record *arg_record(const Call *call, int i);
Value arg_function(const Call *call, int i);
GradTensor *arg_tensor(const Call *call, int i);         /* numbers become weak tensors, variables their value */
Variable *arg_variable(const Call *call, int i);
Dtype arg_dtype(const Call *call, int i, Dtype otherwise);  /* `otherwise` for none */

/* The same for who binds arguments: kind type, "FUNCTION: `name` must be EXPECTED, not a string". */
_Noreturn void throw_wrong_type(const char *function, const char *name, const char *expected, Value v);
/* x as a whole number; kind `too_large` when it is none that int64 holds. */
int64_t whole_or_throw(const char *function, const char *name, double x, ErrorKind too_large);
/* The dtype of this name, with a suggestion where there is none. */
Dtype dtype_or_throw(const char *function, const String *name);

/* ---- values and tensors ---- */

/* The tensor that a value stands for: a tensor, a variable's current one, a number or bool as weak 0-d; NULL
 * for others. */
GradTensor *value_tensor(Value v);
/* A result as a value: a weak untracked one becomes a number or a bool. */
Value value_of_tensor(GradTensor *x);
/* Does value_tensor accept it? This makes no tensor of it. */
bool value_is_numeric(Value v);
/* "number", "tensor", ...: the names of LANGUAGE.md section 3. */
const char *value_type_name(Value v);
/* "a number", "none": as it stands in a message; owned by the pool or constant. */
const char *value_described(Value v);
/* Truth of conditions; throws for what has none. */
bool value_truth(Value v);
/* The whole compared: strings, bools, tuples, records, none; tensors by shape and elements. */
bool value_equal(Value a, Value b);
static inline Value value_string(String *s) { return value_object(TAG_STRING, s); }
static inline Value value_text(const char *text) { return value_string(string_of(text)); }

/* Applies to every leaf (what is neither tuple nor record) of a structure, in order, and rebuilds it. */
Value structure_map(Value structure, Value (*leaf)(Value leaf, void *context), void *context);
/* The leaves in order, appended to a pool-owned array. */
typedef struct Leaves {
    Value *at;
    uint32_t count;
} Leaves;
Leaves structure_leaves(Value structure);
/* The same structure with other leaves, in the order of structure_leaves. */
Value structure_rebuild(Value structure, const Value *leaves);
/* Tuples of equal lengths and records of the same fields in the same order, all the way down; leaves may differ. */
bool structure_same(Value a, Value b);

#endif
