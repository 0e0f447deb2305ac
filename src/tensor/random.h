/* Random numbers: Philox 4x32-10, a counter-based generator (Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC11), so the stream is the same on every machine and for every number of
 * threads. Normal deviates by the inverse of the distribution function, Wichura's AS 241 (1988). */
#ifndef DBX_TENSOR_RANDOM_H
#define DBX_TENSOR_RANDOM_H

#include "tensor/tensor.h"

typedef struct Random {
    uint64_t key, counter;
} Random;

/* One block of the generator: the 128 bits that a key and a 128-bit counter give. */
void random_block(uint64_t key, uint64_t low, uint64_t high, uint32_t out[4]);

/* To the start of the stream of a seed. */
void random_seed(Random *random, uint64_t seed);
/* The next 64 bits of the stream. */
uint64_t random_bits(Random *random);
/* Fills `out` (EMPTY): uniform on [0, 1) and standard normal, for float dtypes; integers on [low, high). */
void random_uniform(Random *random, Tensor *out);
void random_normal(Random *random, Tensor *out);
void random_integers(Random *random, Tensor *out, int64_t low, int64_t high);
/* A permutation of 0 .. n-1 into int64 out. */
void random_permutation(Random *random, Tensor *out);

#endif
