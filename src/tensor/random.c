#include "tensor/random.h"

#include "base/runtime.h"
#include "tensor/kernel.h"
#include "tensor/parallel.h"

/* Every element has its own place in the stream, so threads fill any part in any order. A block of the
 * generator is 128 bits, shared by four elements of 32 bits or two of 64; the high half of its counter is
 * zero except when a draw was rejected. */
enum {
    CHUNK_BLOCKS = 256, CHUNK_WORDS = 4 * CHUNK_BLOCKS,     /* made at a time */
    TASK_CHUNKS = 16                  /* that a thread takes at a time */
};

static inline void generate(uint64_t key, uint64_t low, uint64_t high, uint32_t *restrict out)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32), c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void random_block(uint64_t key, uint64_t low, uint64_t high, uint32_t out[4])
{
    generate(key, low, high, out);
}

/* n blocks of neighbouring counters: a loop that the compiler runs for several of them at once. */
KERNEL_CLONES static void random_blocks(uint64_t key, uint64_t first, int64_t n, uint32_t *out)
{
    for (int64_t i = 0; i < n; i++)
        generate(key, first + (uint64_t)i, 0, out + 4 * i);
}

static uint64_t join(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

void random_seed(Random *random, uint64_t seed)
{
    random->key = seed;
    random->counter = 0;
}

uint64_t random_bits(Random *random)
{
    uint32_t words[4];
    random_block(random->key, random->counter++, 0, words);
    return join(words[0], words[1]);
}

static inline double ratio(const double a[8], const double b[8], double r)
{
    double up = a[7], down = b[7];
    for (int i = 6; i >= 0; i--) {
        up = up * r + a[i];
        down = down * r + b[i];
    }
    return up / down;
}

/* The deviate below which a normal variable falls with probability p, 0 < p < 1, to about 16 digits:
 * PPND16 of M. J. Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied
 * Statistics 37 (1988). For |p - 1/2| <= 0.425 it is a ratio of polynomials of these coefficients. */
static const double middle_up[8] = {
    3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
    1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
    3.3430575583588128105e4, 2.5090809287301226727e3};
static const double middle_down[8] = {
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2,
    5.3941960214247511077e3, 2.1213794301586595867e4, 3.9307895800092710610e4,
    2.8729085735721942674e4, 5.2264952788528545610e3};

/* For other p the ratio is one in this root, up to 5 and beyond. It is taken for one p at a time: the C library's
 * vector logarithms do not round alike on all machines, and the stream is to be the same on all. */
static const double near_up[8] = {
    1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
    3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
    2.27238449892691845833e-2, 7.74545014278341407640e-4};
static const double near_down[8] = {
    1.0, 2.05319162663775882187e0, 1.67638483018380384940e0,
    6.89767334985100004550e-1, 1.48103976427480074590e-1, 1.51986665636164571966e-2,
    5.47593808499534494600e-4, 1.05075007164441684324e-9};
static const double far_up[8] = {
    6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
    2.71155556874348757815e-5, 2.01033439929228813265e-7};
static const double far_down[8] = {
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1,
    1.48753612908506148525e-2, 7.86869131145613259100e-4, 1.84631831751005468180e-5,
    1.42151175831644588870e-7, 2.04426310338993978564e-15};

static __attribute__((noinline)) double tail_root(double p)
{
    return sqrt(-log(p < 0.5 ? p : 1 - p));
}

/* The standard normal deviates of n probabilities, at most a chunk. All else is arithmetic that the compiler does for
 * several at once: for all as if they were in the middle, where most are, then for those in the tails. */
KERNEL_CLONES static void normal_quantiles(int64_t n, const double *p, double *out)
{
    int32_t tail[CHUNK_WORDS];
    double root[CHUNK_WORDS], x[CHUNK_WORDS];
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        double q = p[i] - 0.5;
        out[i] = q * ratio(middle_up, middle_down, 0.180625 - q * q);
    }
    for (int64_t i = 0; i < n; i++) {
        tail[count] = (int32_t)i;
        count += fabs(p[i] - 0.5) > 0.425;
    }
    for (int64_t k = 0; k < count; k++)
        root[k] = tail_root(p[tail[k]]);
    for (int64_t k = 0; k < count; k++)
        x[k] = ratio(near_up, near_down, root[k] - 1.6);
    for (int64_t k = 0; k < count; k++) {
        if (root[k] > 5)
            x[k] = ratio(far_up, far_down, root[k] - 5);
        out[tail[k]] = p[tail[k]] < 0.5 ? -x[k] : x[k];
    }
}

/* ---- arrays ---- */

/* An array to fill. A filler writes the n elements from `first` on, for which these are the words. */
typedef struct Fill {
    Random from;                      /* its counter is that of the array's first element */
    void *out;
    int64_t size;
    uint64_t range;                   /* of integers */
    int64_t low;
} Fill;

typedef void Filler(const Fill *fill, int64_t first, int64_t n, const uint32_t *words);

/* Of elements that take a block in pairs. */
static inline uint64_t pair(const uint32_t *words, int64_t i)
{
    return join(words[2 * i], words[2 * i + 1]);
}

KERNEL_CLONES static void fill_uniform_32(const Fill *fill, int64_t first, int64_t n, const uint32_t *words)
{
    float *out = (float *)fill->out + first;
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(int32_t)(words[i] >> 8) * 0x1p-24f;
}

KERNEL_CLONES static void fill_uniform_64(const Fill *fill, int64_t first, int64_t n, const uint32_t *words)
{
    double *out = (double *)fill->out + first;
    for (int64_t i = 0; i < n; i++)
        out[i] = (double)(int64_t)(pair(words, i) >> 11) * 0x1p-53;
}

/* The middle of one of 2^32 (2^52) equal intervals: never 0 or 1, and symmetric about 1/2. */
static void fill_normal_32(const Fill *fill, int64_t first, int64_t n, const uint32_t *words)
{
    double p[CHUNK_WORDS], x[CHUNK_WORDS];
    float *out = (float *)fill->out + first;
    assert(n > 0);
    for (int64_t i = 0; i < n; i++)
        p[i] = ((double)words[i] + 0.5) * 0x1p-32;
    normal_quantiles(n, p, x);
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)x[i];
}

static void fill_normal_64(const Fill *fill, int64_t first, int64_t n, const uint32_t *words)
{
    double p[CHUNK_WORDS / 2];
    for (int64_t i = 0; i < n; i++)
        p[i] = ((double)(int64_t)(pair(words, i) >> 12) + 0.5) * 0x1p-52;
    normal_quantiles(n, p, (double *)fill->out + first);
}

/* The element at `index` of an array of integers on [0, range), without bias: D. Lemire, "Fast random
 * integer generation in an interval", ACM TOMACS 29 (2019). `bits` are those of its place in the stream; a
 * rejected draw is made again from a counter of its own. */
static uint64_t bounded(const Random *from, int64_t index, uint64_t range, uint64_t bits)
{
    for (uint64_t attempt = 1;; attempt++) {
        unsigned __int128 product = (unsigned __int128)bits * range;
        if ((uint64_t)product >= range || (uint64_t)product >= -range % range)
            return (uint64_t)(product >> 64);
        uint32_t words[4];
        random_block(from->key, from->counter + (uint64_t)index / 2, attempt, words);
        bits = pair(words, index & 1);
    }
}

static void fill_integers(const Fill *fill, int64_t first, int64_t n, const uint32_t *words)
{
    int64_t *out = (int64_t *)fill->out + first;
    for (int64_t i = 0; i < n; i++)
        out[i] = (int64_t)((uint64_t)fill->low + bounded(&fill->from, first + i, fill->range, pair(words, i)));
}

typedef struct Filling {
    const Fill *fill;
    Filler *filler;
    int64_t per_block;
} Filling;

static void fill_task(const void *job, int64_t task, int thread)
{
    const Filling *f = job;
    int64_t each = f->per_block * CHUNK_BLOCKS, first = task * TASK_CHUNKS * each, end = first + TASK_CHUNKS * each;
    (void)thread;
    for (end = end < f->fill->size ? end : f->fill->size; first < end; first += each) {
        uint32_t words[CHUNK_WORDS];
        int64_t n = end - first < each ? end - first : each;
        const Random *from = &f->fill->from;
        random_blocks(from->key, from->counter + (uint64_t)(first / f->per_block), (n - 1) / f->per_block + 1, words);
        f->filler(f->fill, first, n, words);
    }
}

/* Runs the filler over the array and moves the stream on by its blocks. */
static void fill_all(Random *random, Fill *fill, Filler *filler, int per_block)
{
    int64_t task = (int64_t)TASK_CHUNKS * CHUNK_BLOCKS * per_block;
    fill->from = *random;
    parallel_run((fill->size + task - 1) / task, fill->size, fill_task, &(Filling){fill, filler, per_block});
    random->counter += (uint64_t)((fill->size + per_block - 1) / per_block);
}

void random_uniform(Random *random, Tensor *out)
{
    assert(dtype_is_float(out->dtype));
    bool single = out->dtype == DTYPE_FLOAT32;
    Fill fill = {.out = tensor_allocate(out), .size = out->size};
    fill_all(random, &fill, single ? fill_uniform_32 : fill_uniform_64, single ? 4 : 2);
}

void random_normal(Random *random, Tensor *out)
{
    assert(dtype_is_float(out->dtype));
    bool single = out->dtype == DTYPE_FLOAT32;
    Fill fill = {.out = tensor_allocate(out), .size = out->size};
    fill_all(random, &fill, single ? fill_normal_32 : fill_normal_64, single ? 4 : 2);
}

void random_integers(Random *random, Tensor *out, int64_t low, int64_t high)
{
    assert(low < high);
    char *data = tensor_allocate(out);
    bool direct = out->dtype == DTYPE_INT64;
    int64_t *integers = direct ? (int64_t *)data : scratch(mem_product((size_t)out->size, sizeof *integers));
    Fill fill = {.out = integers, .size = out->size, .low = low, .range = (uint64_t)high - (uint64_t)low};
    fill_all(random, &fill, fill_integers, 2);
    for (int64_t i = 0; !direct && i < out->size; i++)
        dtype_write(out->dtype, data + i * (int64_t)dtype_size(out->dtype), (double)integers[i]);
}

/* Fisher and Yates' shuffle, from the end (Durstenfeld, Algorithm 235, 1964). */
void random_permutation(Random *random, Tensor *out)
{
    assert(out->dtype == DTYPE_INT64);
    int64_t *data = tensor_allocate(out), n = out->size;
    for (int64_t i = 0; i < n; i++)
        data[i] = i;
    for (int64_t block = (n + 1) / 2; block > 0;) {
        uint32_t words[CHUNK_WORDS];
        int64_t start = block > CHUNK_BLOCKS ? block - CHUNK_BLOCKS : 0;
        interrupt_poll();
        random_blocks(random->key, random->counter + (uint64_t)start, block - start, words);
        for (int64_t i = 2 * block < n ? 2 * block - 1 : n - 1; i >= 2 * start; i--) {
            int64_t other = (int64_t)bounded(random, i, (uint64_t)i + 1, pair(words, i - 2 * start)), kept = data[i];
            data[i] = data[other];
            data[other] = kept;
        }
        block = start;
    }
    random->counter += (uint64_t)(n + 1) / 2;
}
