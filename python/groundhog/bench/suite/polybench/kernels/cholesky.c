/* The Cholesky decomposition of a positive definite matrix: A = L * L', in place. */
#include "kernel.h"

#include <math.h>

enum { N = 400 };

static double A[N][N];

double run(void)
{
    positive_definite(N, A);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                A[i][j] -= A[i][k] * A[j][k];
            A[i][j] /= A[j][j];
        }
        for (int k = 0; k < i; k++)
            A[i][i] -= A[i][k] * A[i][k];
        A[i][i] = sqrt(A[i][i]);
    }
    double sum = 0.0;
    for (int i = 0; i < N; i++)
        sum += weighed(A[i], i + 1);
    return sum;
}
