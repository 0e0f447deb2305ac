/* The state that the lower rooms keep for one session: memory, pool, error in flight, interrupts.
 * There is no other mutable state below `lang`; `rt` names the runtime of the session that is running
 * on this thread, set by the session's entry points. */
#ifndef DBX_BASE_RUNTIME_H
#define DBX_BASE_RUNTIME_H

#include "base/error.h"
#include "base/mem.h"
#include "base/object.h"
#include "base/text.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

typedef struct Handler {
    struct Handler *outer;
    PoolMark pool;
    jmp_buf jump;
} Handler;

/* The error in flight, and after it was caught. `place` is filled by the room that knows source text, through
 * on_throw. */
typedef struct ErrorState {
    ErrorKind kind;
    char *message, *hint, *note;      /* malloc'd; NULL for none */
    void *place;                      /* owned by the room that set free_place */
} ErrorState;

typedef struct Memory Memory;         /* see mem.c */
Memory *memory_new(void);             /* NULL when there is none */
void memory_free(Memory *memory);

typedef struct Runtime {
    Memory *memory;
    Object **pool;
    size_t pool_count, pool_capacity;
    Object *dead;                     /* list of objects to destroy, while a release is under way */
    bool freeing;
    Handler *handler;
    ErrorState error;
    /* Called before unwinding, to note where the error happened; must not throw. */
    void (*on_throw)(struct Runtime *);
    void (*free_place)(void *place);
    /* The name of what the user called and is under way, see error_subject; must not throw nor allocate. */
    const char *(*subject)(const struct Runtime *, size_t *length);
    void *session;                    /* the session this runtime belongs to, for on_throw */
    void *grad;                       /* state of the grad room: recording flag, counters */
    void *tensor;                     /* state of the tensor room: random stream, default dtype */
    char *stack_limit;                /* the C stack must not grow below this address */
    pthread_t stack_thread;           /* whose stack that is */
    int interrupted;                  /* InterruptReason of the interrupt being handled, see interrupt_throw */
    size_t live_objects;              /* counted objects that exist, for the leak checks of the tests */
} Runtime;

extern _Thread_local Runtime *rt;

/* Everything added to the pool since the mark is released. */
static inline PoolMark pool_mark(void) { return rt->pool_count; }
static inline void pool_drain(PoolMark mark)
{
    if (rt->pool_count != mark)
        pool_drain_to(mark);
}

Runtime *runtime_new(void);           /* NULL when there is no memory */
void runtime_free(Runtime *runtime);

/* Interrupts and time limits set a flag that loops look at. The flag is the process's, because a signal
 * is. */
typedef enum InterruptReason { INTERRUPT_NONE, INTERRUPT_SIGNAL, INTERRUPT_TIMEOUT } InterruptReason;
extern volatile sig_atomic_t interrupt_flag;
void interrupt_raise(InterruptReason reason);   /* async-signal-safe */
_Noreturn void interrupt_throw(void);
static inline void interrupt_poll(void)
{
    if (__builtin_expect(interrupt_flag != 0, 0))
        interrupt_throw();
}

/* Throws an error of kind `limit` when little C stack is left. Cheap: one comparison. */
_Noreturn void stack_overflow(void);
static inline void stack_check(void)
{
    if (__builtin_expect((char *)__builtin_frame_address(0) < rt->stack_limit, 0))
        stack_overflow();
}
/* Sets stack_limit for the thread that calls. */
void stack_measure(void);

#endif
