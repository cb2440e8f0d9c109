/* The most pairs of bases that a strand of RNA can form when it folds, by Nussinov's dynamic programming. */
#include "kernel.h"

enum { N = 500 };

static double pairs[N][N]; /* the most pairs between two places of the strand, both included */
static int base[N];

static double larger(double one, double other)
{
    return one > other ? one : other;
}

double run(void)
{
    for (int i = 0; i < N; i++) {
        base[i] = (i + 1) % 4;
        for (int j = 0; j < N; j++)
            pairs[i][j] = 0.0;
    }

    for (int i = N - 2; i >= 0; i--)
        for (int j = i + 1; j < N; j++) {
            int match = i < j - 1 && base[i] + base[j] == 3; /* neighbours cannot bend to each other */
            double most = larger(larger(pairs[i][j - 1], pairs[i + 1][j]), pairs[i + 1][j - 1] + match);
            for (int k = i + 1; k < j; k++)
                most = larger(most, pairs[i][k] + pairs[k + 1][j]);
            pairs[i][j] = most;
        }
    return weighed(&pairs[0][0], N * N);
}
