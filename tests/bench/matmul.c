/* Three raw products of 1024x1024 float32 matrices, 10 times. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N = 1024 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void step(const float *a, const float *b, const float *g, float *c, float *da, float *db)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, N, N, 1, g, N, b, N, 0, da, N);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, N, N, N, 1, a, N, g, N, 0, db, N);
}

int main(void)
{
    float *m[6];
    for (int i = 0; i < 6; i++) {
        m[i] = aligned_alloc(64, sizeof(float) * N * N);
        for (int k = 0; k < N * N; k++)
            m[i][k] = (float)rand() / (float)RAND_MAX - 0.5f;
    }
    step(m[0], m[1], m[2], m[3], m[4], m[5]);
    double start = now();
    for (int i = 0; i < 10; i++)
        step(m[0], m[1], m[2], m[3], m[4], m[5]);
    printf("seconds: %g\n", now() - start);
    return 0;
}
