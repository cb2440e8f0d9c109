/* A system of linear equations whose matrix is lower triangular, solved by forward substitution. */
#include "kernel.h"

enum { N = 400 };

static double L[N][N], b[N], x[N];

double run(void)
{
    for (int i = 0; i < N; i++) {
        b[i] = i;
        for (int j = 0; j <= i; j++)
            L[i][j] = (double)(i + N - j + 1) * 2.0 / N;
    }

    for (int i = 0; i < N; i++) {
        x[i] = b[i];
        for (int j = 0; j < i; j++)
            x[i] -= L[i][j] * x[j];
        x[i] /= L[i][i];
    }
    return weighed(x, N);
}
