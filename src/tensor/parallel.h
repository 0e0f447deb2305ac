/* Work shared out among threads.
 *
 * Only the thread that calls has a runtime: a body must not allocate, throw or touch reference counts;
 * it may call BLAS, which is told to use one thread, the one it is called on. Workers are a session's.
 * They start with its first work that is large enough for them and sleep when there is none. Nobody
 * waits for a worker that has not begun: on a busy machine the caller does all tasks itself before a
 * worker gets a processor, where a barrier, such as OpenMP's, would wait out another program's time
 * slice for nothing. */
#ifndef DBX_TENSOR_PARALLEL_H
#define DBX_TENSOR_PARALLEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    PARALLEL_MIN = 65536,             /* elements; less is done sooner than other threads wake up */
    PARALLEL_MAX_THREADS = 64
};

/* Does one task; `thread` is the number of the thread that it runs on, below parallel_threads, for buffers of its
 * own. */
typedef void ParallelBody(const void *job, int64_t task, int thread);

/* The threads of a session besides its own. All zero before they start. */
typedef struct Workers {
    int wanted;                       /* threads to use, with the session's own; 0: not said yet */
    int started;                      /* workers started, -1 when not even one could be */
    pthread_t threads[PARALLEL_MAX_THREADS];
    pthread_mutex_t lock;             /* held to change what follows */
    pthread_cond_t work, idle;
    bool quit;
    int count;                        /* workers that run; a worker's number is what it makes this */
    ParallelBody *body;               /* the work under way, or NULL */
    const void *job;
    int64_t tasks, next;              /* next: atomic */
    uint32_t turn;                    /* counts the jobs, so that a worker begins each once; atomic */
    int inside;                       /* workers at work; atomic */
} Workers;

/* At the session's start: how many threads to use, 0 for as many as there are processors. At its end:
 * stop them. */
void parallel_set_threads(int threads);
void parallel_stop(void);

/* How many threads parallel_run will use at most: bodies are called with `thread` below it. */
int parallel_threads(int64_t elements);

/* Runs body for every task from 0 on, in any order, and stops early, by a throw, when interrupted.
 * `elements` is the work in all. A task should be some 10 microseconds or more. */
void parallel_run(int64_t tasks, int64_t elements, ParallelBody *body, const void *job);

#endif
