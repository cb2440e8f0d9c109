/* The covariance of each pair of the columns of a table. */
#include "kernel.h"

enum { COLUMNS = 240, ROWS = 260 };

static double data[ROWS][COLUMNS], covariance[COLUMNS][COLUMNS];

double run(void)
{
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLUMNS; j++)
            data[i][j] = (double)(i * j) / COLUMNS;

    for (int j = 0; j < COLUMNS; j++) {
        double mean = 0.0;
        for (int i = 0; i < ROWS; i++)
            mean += data[i][j];
        mean /= ROWS;
        for (int i = 0; i < ROWS; i++)
            data[i][j] -= mean;
    }
    for (int i = 0; i < COLUMNS; i++)
        for (int j = i; j < COLUMNS; j++) {
            double sum = 0.0;
            for (int k = 0; k < ROWS; k++)
                sum += data[k][i] * data[k][j];
            covariance[i][j] = covariance[j][i] = sum / (ROWS - 1.0);
        }
    return weighed(&covariance[0][0], COLUMNS * COLUMNS);
}
