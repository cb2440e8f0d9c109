/* Jacobi's iteration in two dimensions: each cell becomes the mean of itself and its four neighbours. */
#include "kernel.h"

enum { STEPS = 100, N = 250 };

static double A[N][N], B[N][N];

static void step(double from[N][N], double into[N][N])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++)
            into[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i + 1][j] + from[i - 1][j]);
}

double run(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            A[i][j] = ((double)i * (j + 2) + 2.0) / N;
            B[i][j] = ((double)i * (j + 3) + 3.0) / N;
        }
    for (int t = 0; t < STEPS; t++) {
        step(A, B);
        step(B, A);
    }
    return weighed(&A[0][0], N * N);
}
