/* The two products of the biconjugate gradient method: s = A' * r, q = A * p. */
#include "kernel.h"

enum { M = 390, N = 410 };

static double A[N][M], s[M], q[N], p[M], r[N];

double run(void)
{
    for (int j = 0; j < M; j++) {
        p[j] = (double)(j % M) / M;
        s[j] = 0.0;
    }
    for (int i = 0; i < N; i++) {
        r[i] = (double)(i % N) / N;
        for (int j = 0; j < M; j++)
            A[i][j] = (double)(i * (j + 1) % N) / N;
    }

    for (int i = 0; i < N; i++) {
        double sum = 0.0;
        for (int j = 0; j < M; j++) {
            s[j] += r[i] * A[i][j];
            sum += A[i][j] * p[j];
        }
        q[i] = sum;
    }
    return weighed(s, M) + weighed(q, N);
}
