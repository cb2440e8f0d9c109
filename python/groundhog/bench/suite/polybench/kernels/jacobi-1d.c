/* Jacobi's iteration in one dimension: each cell becomes the mean of itself and its neighbours. */
#include "kernel.h"

enum { STEPS = 100, N = 400 };

static double A[N], B[N];

static void step(const double *from, double *into)
{
    for (int i = 1; i < N - 1; i++)
        into[i] = 0.33333 * (from[i - 1] + from[i] + from[i + 1]);
}

double run(void)
{
    for (int i = 0; i < N; i++) {
        A[i] = (i + 2.0) / N;
        B[i] = (i + 3.0) / N;
    }
    for (int t = 0; t < STEPS; t++) {
        step(A, B);
        step(B, A);
    }
    return weighed(A, N);
}
