/* The lengths of the shortest paths between all pairs of nodes of a graph, by Floyd and Warshall. */
#include "kernel.h"

enum { N = 500 };

static double path[N][N];

double run(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int far = (i + j) % 13 == 0 || (i + j) % 7 == 0 || (i + j) % 11 == 0;
            path[i][j] = far ? 999 : i * j % 7 + 1;
        }

    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double through = path[i][k] + path[k][j];
                path[i][j] = path[i][j] < through ? path[i][j] : through;
            }
    return weighed(&path[0][0], N * N);
}
