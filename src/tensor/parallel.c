#include "tensor/parallel.h"

#include "tensor/state.h"

#include <cblas.h>
#include <omp.h>
#include <sched.h>
#include <signal.h>

/* How often to look for what is about to happen before going to sleep: some 20 microseconds in all. */
enum { SPINS = 1000 };

/* ---- workers ---- */

/* OpenBLAS's OpenMP build asks OpenMP how many threads the calling thread may use, its other builds keep
 * a number. */
static void use_one_blas_thread(void)
{
    openblas_set_num_threads(1);
    omp_set_num_threads(1);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void do_tasks(Workers *w, ParallelBody *body, const void *job, int64_t tasks, int thread)
{
    for (;;) {
        int64_t task = __atomic_fetch_add(&w->next, 1, __ATOMIC_RELAXED);
        if (task >= tasks || interrupt_flag != 0)
            return;
        body(job, task, thread);
    }
}

/* Returns with the lock held, when there is work this worker has not seen, or the end has come. */
static void wait_for_work(Workers *w, uint32_t seen)
{
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < SPINS && __atomic_load_n(&w->turn, __ATOMIC_RELAXED) == seen; i++)
        pause_briefly();
    pthread_mutex_lock(&w->lock);
    while (!w->quit && (w->body == NULL || w->turn == seen))
        pthread_cond_wait(&w->work, &w->lock);
}

static void *worker(void *data)
{
    Workers *w = data;
    use_one_blas_thread();
    pthread_mutex_lock(&w->lock);
    int thread = ++w->count;
    uint32_t seen = w->body == NULL ? w->turn : w->turn - 1;
    for (wait_for_work(w, seen); !w->quit; wait_for_work(w, seen)) {
        ParallelBody *body = w->body;
        const void *job = w->job;
        int64_t tasks = w->tasks;
        seen = w->turn;
        w->inside++;
        pthread_mutex_unlock(&w->lock);
        do_tasks(w, body, job, tasks, thread);
        pthread_mutex_lock(&w->lock);
        if (__atomic_sub_fetch(&w->inside, 1, __ATOMIC_RELEASE) == 0)
            pthread_cond_signal(&w->idle);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Signals are for the session's own thread. */
static void start(Workers *w, int workers)
{
    sigset_t all, before;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->work, NULL);
    pthread_cond_init(&w->idle, NULL);
    use_one_blas_thread();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (w->started < workers && pthread_create(&w->threads[w->started], NULL, worker, w) == 0)
        w->started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (w->started == 0)
        w->started = -1;
}

static int processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void parallel_set_threads(int threads)
{
    Workers *w = &tensor_state()->workers;
    int most = threads > 0 ? threads : processors();
    parallel_stop();
    use_one_blas_thread();
    w->wanted = most < PARALLEL_MAX_THREADS ? most : PARALLEL_MAX_THREADS;
}

void parallel_stop(void)
{
    Workers *w = &tensor_state()->workers;
    if (w->started > 0) {
        pthread_mutex_lock(&w->lock);
        w->quit = true;
        pthread_cond_broadcast(&w->work);
        pthread_mutex_unlock(&w->lock);
        for (int i = 0; i < w->started; i++)
            pthread_join(w->threads[i], NULL);
    }
    *w = (Workers){.wanted = w->wanted};
}

/* ---- sharing out ---- */

int parallel_threads(int64_t elements)
{
    TensorSession *state = tensor_state();
    if (elements < PARALLEL_MIN || state == NULL || state->workers.body != NULL)
        return 1;
    if (state->workers.wanted == 0)
        parallel_set_threads(0);
    return state->workers.wanted;
}

static void offer(Workers *w, ParallelBody *body, const void *job, int64_t tasks)
{
    pthread_mutex_lock(&w->lock);
    w->body = body;
    w->job = job;
    w->tasks = tasks;
    __atomic_store_n(&w->next, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&w->turn, w->turn + 1, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&w->work);
    pthread_mutex_unlock(&w->lock);
}

/* Takes the offer back; those who have accepted it finish the tasks they are at. */
static void withdraw(Workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->body = NULL;
    pthread_mutex_unlock(&w->lock);
    for (int i = 0; i < SPINS && __atomic_load_n(&w->inside, __ATOMIC_ACQUIRE) > 0; i++)
        pause_briefly();
    pthread_mutex_lock(&w->lock);
    while (w->inside > 0)
        pthread_cond_wait(&w->idle, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void parallel_run(int64_t tasks, int64_t elements, ParallelBody *body, const void *job)
{
    int threads = tasks > 1 ? parallel_threads(elements) : 1;
    Workers *w = threads > 1 ? &tensor_state()->workers : NULL;
    if (w != NULL && w->started == 0)
        start(w, threads - 1);
    if (w == NULL || w->started < 0) {
        for (int64_t task = 0; task < tasks; task++) {
            interrupt_poll();
            body(job, task, 0);
        }
        return;
    }
    offer(w, body, job, tasks);
    do_tasks(w, body, job, tasks, 0);
    withdraw(w);
    interrupt_poll();                 /* nobody else clears the flag: what left a task undone throws here */
}
