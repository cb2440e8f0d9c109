/* The QR decomposition of a matrix, by the modified Gram-Schmidt process. */
#include "kernel.h"

#include <math.h>

enum { M = 200, N = 240 };

static double A[M][N], Q[M][N], R[N][N];

double run(void)
{
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++)
            A[i][j] = (double)(i * j % M) / M * 100.0 + 10.0;

    for (int k = 0; k < N; k++) {
        double square = 0.0;
        for (int i = 0; i < M; i++)
            square += A[i][k] * A[i][k];
        R[k][k] = sqrt(square);
        for (int i = 0; i < M; i++)
            Q[i][k] = A[i][k] / R[k][k];
        for (int j = k + 1; j < N; j++) {
            R[k][j] = 0.0;
            for (int i = 0; i < M; i++)
                R[k][j] += Q[i][k] * A[i][j];
            for (int i = 0; i < M; i++)
                A[i][j] -= Q[i][k] * R[k][j];
        }
    }
    return weighed(&R[0][0], N * N) + weighed(&Q[0][0], M * N);
}
