/* A step of multiresolution analysis: each line of a cube becomes its product with a matrix. */
#include "kernel.h"

#include <string.h>

enum { NQ = 40, NR = 50, NP = 60 };

static double A[NR][NQ][NP], C[NP][NP];

double run(void)
{
    for (int r = 0; r < NR; r++)
        for (int q = 0; q < NQ; q++)
            for (int p = 0; p < NP; p++)
                A[r][q][p] = (double)((r * q + p) % NP) / NP;
    for (int s = 0; s < NP; s++)
        for (int p = 0; p < NP; p++)
            C[s][p] = (double)(s * p % NP) / NP;

    for (int r = 0; r < NR; r++)
        for (int q = 0; q < NQ; q++) {
            double line[NP];
            for (int p = 0; p < NP; p++) {
                line[p] = 0.0;
                for (int s = 0; s < NP; s++)
                    line[p] += A[r][q][s] * C[s][p];
            }
            memcpy(A[r][q], line, sizeof line);
        }
    return weighed(&A[0][0][0], NR * NQ * NP);
}
