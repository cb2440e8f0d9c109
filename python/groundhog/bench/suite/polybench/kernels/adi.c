/* Alternating direction implicit integration of the heat equation in two dimensions: each step solves a tridiagonal
 * system for each column, then one for each row. */
#include "kernel.h"

enum { STEPS = 100, N = 200 };

static double u[N][N], v[N][N], p[N], q[N];

/* Solves the systems of one direction, by Thomas's algorithm. `row` and `column` are the strides that take a cell to
 * the next system and to the next unknown of its own. `explicit_half` is the coefficient of the direction that was
 * solved before, `implicit_half` that of this one. */
static void sweep(const double *from, double *into, int row, int column, double explicit_half, double implicit_half)
{
    double diagonal = 1.0 - 2.0 * implicit_half;
    for (int i = 1; i < N - 1; i++) {
        const double *old = from + i * row;
        double *new = into + i * row;
        new[0] = 1.0;
        p[0] = 0.0;
        q[0] = new[0];
        for (int j = 1; j < N - 1; j++) {
            const double *cell = old + j * column;
            double pivot = implicit_half * p[j - 1] + diagonal;
            p[j] = -implicit_half / pivot;
            q[j] = (-explicit_half * cell[-row] + (1.0 + 2.0 * explicit_half) * cell[0] - explicit_half * cell[row] -
                    implicit_half * q[j - 1]) / pivot;
        }
        new[(N - 1) * column] = 1.0;
        for (int j = N - 2; j > 0; j--)
            new[j * column] = p[j] * new[(j + 1) * column] + q[j];
    }
}

double run(void)
{
    const double step = 1.0 / STEPS, width = 1.0 / N;
    const double columns = -2.0 * step / (width * width) / 2.0, rows = -1.0 * step / (width * width) / 2.0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            u[i][j] = (double)(i + N - j) / N;
    for (int t = 0; t < STEPS; t++) {
        sweep(&u[0][0], &v[0][0], 1, N, rows, columns);
        sweep(&v[0][0], &u[0][0], N, 1, columns, rows);
    }
    return weighed(&u[0][0], N * N);
}
