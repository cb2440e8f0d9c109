/* The correlation of each pair of the columns of a table. */
#include "kernel.h"

#include <math.h>

enum { COLUMNS = 240, ROWS = 260 };

static double data[ROWS][COLUMNS], correlation[COLUMNS][COLUMNS], mean[COLUMNS], deviation[COLUMNS];

static void standardize(void)
{
    for (int j = 0; j < COLUMNS; j++) {
        mean[j] = deviation[j] = 0.0;
        for (int i = 0; i < ROWS; i++)
            mean[j] += data[i][j];
        mean[j] /= ROWS;
        for (int i = 0; i < ROWS; i++)
            deviation[j] += (data[i][j] - mean[j]) * (data[i][j] - mean[j]);
        deviation[j] = sqrt(deviation[j] / ROWS);
        if (deviation[j] <= 0.1)
            deviation[j] = 1.0; /* a column that is nearly constant */
    }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            data[i][j] = (data[i][j] - mean[j]) / (sqrt((double)ROWS) * deviation[j]);
}

double run(void)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            data[i][j] = (double)(i * j) / COLUMNS + i;
    standardize();
    for (int i = 0; i < COLUMNS; i++) {
        correlation[i][i] = 1.0;
        for (int j = i + 1; j < COLUMNS; j++) {
            double sum = 0.0;
            for (int k = 0; k < ROWS; k++)
                sum += data[k][i] * data[k][j];
            correlation[i][j] = correlation[j][i] = sum;
        }
    }
    return weighed(&correlation[0][0], COLUMNS * COLUMNS);
}
