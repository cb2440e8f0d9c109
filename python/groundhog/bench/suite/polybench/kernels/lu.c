/* The decomposition of a matrix into a lower and an upper triangular one, in place, without pivoting. */
#include "kernel.h"

enum { N = 400 };

static double A[N][N];

double run(void)
{
    positive_definite(N, A);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                A[i][j] -= A[i][k] * A[k][j];
            A[i][j] /= A[j][j];
        }
        for (int j = i; j < N; j++)
            for (int k = 0; k < i; k++)
                A[i][j] -= A[i][k] * A[k][j];
    }
    return weighed(&A[0][0], N * N);
}
