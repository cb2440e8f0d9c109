/* The Levinson-Durbin recursion, which solves the Yule-Walker equations of a Toeplitz matrix. */
#include "kernel.h"

#include <string.h>

enum { N = 400 };

static double r[N], y[N], z[N];

double run(void)
{
    for (int i = 0; i < N; i++)
        r[i] = N + 1 - i;

    double alpha = -r[0], beta = 1.0;
    y[0] = -r[0];
    for (int k = 1; k < N; k++) {
        double sum = 0.0;
        beta *= 1.0 - alpha * alpha;
        for (int i = 0; i < k; i++)
            sum += r[k - i - 1] * y[i];
        alpha = -(r[k] + sum) / beta;
        for (int i = 0; i < k; i++)
            z[i] = y[i] + alpha * y[k - i - 1];
        memcpy(y, z, (size_t)k * sizeof *y);
        y[k] = alpha;
    }
    return weighed(y, N);
}
