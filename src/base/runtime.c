#include "base/runtime.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

_Thread_local Runtime *rt;
volatile sig_atomic_t interrupt_flag;

enum {
    POOL_START = 256,
    /* What an error path, a library call or a kernel may still need when the limit is hit. */
    STACK_RESERVE = 256 * 1024
};

Runtime *runtime_new(void)
{
    Runtime *runtime = calloc(1, sizeof *runtime), *outer = rt;
    if (runtime == NULL || (runtime->memory = memory_new()) == NULL) {
        free(runtime);
        return NULL;
    }
    rt = runtime;
    runtime->pool_capacity = POOL_START;
    runtime->pool = mem_alloc(POOL_START * sizeof *runtime->pool);
    rt = outer;
    return runtime;
}

void runtime_free(Runtime *runtime)
{
    Runtime *outer = rt == runtime ? NULL : rt;
    rt = runtime;
    pool_drain(0);
    error_clear(&runtime->error);
    mem_free(runtime->pool, runtime->pool_capacity * sizeof *runtime->pool);
    memory_free(runtime->memory);
    free(runtime);
    rt = outer;
}

void interrupt_raise(InterruptReason reason)
{
    interrupt_flag = reason;
}

void interrupt_throw(void)
{
    InterruptReason reason = (InterruptReason)interrupt_flag;
    interrupt_flag = INTERRUPT_NONE;
    rt->interrupted = (int)reason;
    if (reason == INTERRUPT_TIMEOUT)
        error_throw_unnamed(ERROR_LIMIT, NULL, "the time limit is over");
    error_throw(ERROR_INTERRUPT, "interrupted");
}

void stack_overflow(void)
{
    error_throw_unnamed(ERROR_LIMIT, "is there a recursion that never ends, or an expression nested too deeply?",
                        "the stack is full");
}

/* The main thread's stack grows on demand up to the resource limit; another thread's is what it is. */
void stack_measure(void)
{
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (rt->stack_limit != NULL && pthread_equal(rt->stack_thread, pthread_self()))
        return;
    rt->stack_thread = pthread_self();
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    rt->stack_limit = low == NULL ? NULL : (char *)low + STACK_RESERVE;
#if defined(__SANITIZE_ADDRESS__)
    /* Its unwinding gives up on jumps over more than 64 MiB. */
    char *most = (char *)__builtin_frame_address(0) - ((size_t)56 << 20);
    if (rt->stack_limit < most)
        rt->stack_limit = most;
#endif
}
