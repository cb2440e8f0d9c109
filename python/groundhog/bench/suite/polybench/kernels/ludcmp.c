/* A system of linear equations, solved by an LU decomposition and two substitutions. */
#include "kernel.h"

enum { N = 400 };

static double A[N][N], b[N], x[N], y[N];

static void decompose(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double rest = A[i][j];
            for (int k = 0; k < (j < i ? j : i); k++)
                rest -= A[i][k] * A[k][j];
            A[i][j] = j < i ? rest / A[j][j] : rest;
        }
}

double run(void)
{
    positive_definite(N, A);
    for (int i = 0; i < N; i++)
        b[i] = (i + 1.0) / N / 2.0 + 4.0;
    decompose();
    for (int i = 0; i < N; i++) {
        y[i] = b[i];
        for (int j = 0; j < i; j++)
            y[i] -= A[i][j] * y[j];
    }
    for (int i = N - 1; i >= 0; i--) {
        x[i] = y[i];
        for (int j = i + 1; j < N; j++)
            x[i] -= A[i][j] * x[j];
        x[i] /= A[i][i];
    }
    return weighed(x, N);
}
