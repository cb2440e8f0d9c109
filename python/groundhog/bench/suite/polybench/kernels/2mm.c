/* Two matrix products: D = alpha * A * B * C + beta * D. */
#include "kernel.h"

enum { NI = 180, NJ = 190, NK = 210, NL = 220 };

static double A[NI][NK], B[NK][NJ], C[NJ][NL], D[NI][NL], AB[NI][NJ];
static const double ALPHA = 1.5, BETA = 1.2;

static void initialize(void)
{
    for (int i = 0; i < NI; i++)
        for (int k = 0; k < NK; k++)
            A[i][k] = (double)((i * k + 1) % NI) / NI;
    for (int k = 0; k < NK; k++)
        for (int j = 0; j < NJ; j++)
            B[k][j] = (double)(k * (j + 1) % NJ) / NJ;
    for (int j = 0; j < NJ; j++)
        for (int l = 0; l < NL; l++)
            C[j][l] = (double)((j * (l + 3) + 1) % NL) / NL;
    for (int i = 0; i < NI; i++)
        for (int l = 0; l < NL; l++)
            D[i][l] = (double)(i * (l + 2) % NK) / NK;
}

double run(void)
{
    initialize();
    for (int i = 0; i < NI; i++)
        for (int j = 0; j < NJ; j++) {
            double sum = 0.0;
            for (int k = 0; k < NK; k++)
                sum += ALPHA * A[i][k] * B[k][j];
            AB[i][j] = sum;
        }
    for (int i = 0; i < NI; i++)
        for (int l = 0; l < NL; l++) {
            double sum = BETA * D[i][l];
            for (int j = 0; j < NJ; j++)
                sum += AB[i][j] * C[j][l];
            D[i][l] = sum;
        }
    return weighed(&D[0][0], NI * NL);
}
