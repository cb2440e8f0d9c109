/* Three matrix products: G = (A * B) * (C * D). */
#include "kernel.h"

enum { NI = 180, NJ = 190, NK = 200, NL = 210, NM = 220 };

static double A[NI][NK], B[NK][NJ], C[NJ][NM], D[NM][NL], AB[NI][NJ], CD[NJ][NL], G[NI][NL];

static void initialize(void)
{
    for (int i = 0; i < NI; i++)
        for (int k = 0; k < NK; k++)
            A[i][k] = (double)((i * k + 1) % NI) / (5 * NI);
    for (int k = 0; k < NK; k++)
        for (int j = 0; j < NJ; j++)
            B[k][j] = (double)((k * (j + 1) + 2) % NJ) / (5 * NJ);
    for (int j = 0; j < NJ; j++)
        for (int m = 0; m < NM; m++)
            C[j][m] = (double)(j * (m + 3) % NL) / (5 * NL);
    for (int m = 0; m < NM; m++)
        for (int l = 0; l < NL; l++)
            D[m][l] = (double)((m * (l + 2) + 2) % NK) / (5 * NK);
}

static void multiply(int rows, int inner, int columns, const double left[rows][inner],
                     const double right[inner][columns], double product[rows][columns])
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            double sum = 0.0;
            for (int k = 0; k < inner; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
}

double run(void)
{
    initialize();
    multiply(NI, NK, NJ, A, B, AB);
    multiply(NJ, NM, NL, C, D, CD);
    multiply(NI, NJ, NL, AB, CD, G);
    return weighed(&G[0][0], NI * NL);
}
