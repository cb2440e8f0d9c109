/* Finite differences in the time domain: an electric field (ex, ey) and a magnetic one (hz) in two dimensions. */
#include "kernel.h"

enum { STEPS = 100, NX = 200, NY = 240 };

static double ex[NX][NY], ey[NX][NY], hz[NX][NY];

double run(void)
{
    for (int i = 0; i < NX; i++)
        for (int j = 0; j < NY; j++) {
            ex[i][j] = (double)i * (j + 1) / NX;
            ey[i][j] = (double)i * (j + 2) / NY;
            hz[i][j] = (double)i * (j + 3) / NX;
        }

    for (int t = 0; t < STEPS; t++) {
        for (int j = 0; j < NY; j++)
            ey[0][j] = t; /* the source */
        for (int i = 1; i < NX; i++)
            for (int j = 0; j < NY; j++)
                ey[i][j] -= 0.5 * (hz[i][j] - hz[i - 1][j]);
        for (int i = 0; i < NX; i++)
            for (int j = 1; j < NY; j++)
                ex[i][j] -= 0.5 * (hz[i][j] - hz[i][j - 1]);
        for (int i = 0; i < NX - 1; i++)
            for (int j = 0; j < NY - 1; j++)
                hz[i][j] -= 0.7 * (ex[i][j + 1] - ex[i][j] + ey[i + 1][j] - ey[i][j]);
    }
    return weighed(&ex[0][0], NX * NY) + weighed(&ey[0][0], NX * NY) + weighed(&hz[0][0], NX * NY);
}
