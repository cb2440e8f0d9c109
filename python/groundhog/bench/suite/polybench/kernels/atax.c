/* A matrix's transpose, times the matrix, times a vector: y = A' * (A * x). */
#include "kernel.h"

enum { M = 390, N = 410 };

static double A[M][N], x[N], y[N];

double run(void)
{
    for (int j = 0; j < N; j++) {
        x[j] = 1.0 + (double)j / N;
        y[j] = 0.0;
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            A[i][j] = (double)((i + j) % N) / (5 * M);

    for (int i = 0; i < M; i++) {
        double sum = 0.0;
        for (int j = 0; j < N; j++)
            sum += A[i][j] * x[j];
        for (int j = 0; j < N; j++)
            y[j] += A[i][j] * sum;
    }
    return weighed(y, N);
}
