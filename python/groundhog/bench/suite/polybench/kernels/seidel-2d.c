/* Gauss and Seidel's iteration in two dimensions: each cell becomes the mean of the nine around it, in place. */
#include "kernel.h"

enum { STEPS = 100, N = 400 };

static double A[N][N];

double run(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            A[i][j] = ((double)i * (j + 2) + 2.0) / N;

    for (int t = 0; t < STEPS; t++)
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                A[i][j] = (A[i - 1][j - 1] + A[i - 1][j] + A[i - 1][j + 1] + A[i][j - 1] + A[i][j] + A[i][j + 1] +
                           A[i + 1][j - 1] + A[i + 1][j] + A[i + 1][j + 1]) / 9.0;
    return weighed(&A[0][0], N * N);
}
