/* The heat equation in three dimensions, by finite differences. */
#include "kernel.h"

enum { STEPS = 100, N = 40 };

static double A[N][N][N], B[N][N][N];

static void step(double from[N][N][N], double into[N][N][N])
{
    for (int i = 1; i < N - 1; i++)
        for (int j = 1; j < N - 1; j++)
            for (int k = 1; k < N - 1; k++) {
                double old = from[i][j][k];
                into[i][j][k] = 0.125 * (from[i + 1][j][k] - 2.0 * old + from[i - 1][j][k]) +
                                0.125 * (from[i][j + 1][k] - 2.0 * old + from[i][j - 1][k]) +
                                0.125 * (from[i][j][k + 1] - 2.0 * old + from[i][j][k - 1]) + old;
            }
}

double run(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++)
                A[i][j][k] = B[i][j][k] = (i + j + (N - k)) * 10.0 / N;
    for (int t = 0; t < STEPS; t++) {
        step(A, B);
        step(B, A);
    }
    return weighed(&A[0][0][0], N * N * N);
}
