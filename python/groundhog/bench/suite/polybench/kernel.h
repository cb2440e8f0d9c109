/* What a kernel of the suite has, and what all of them share. C11. */
#ifndef POLYBENCH_KERNEL_H
#define POLYBENCH_KERNEL_H

/* In the kernel's own file: initializes its data, computes, and returns the checksum of its output. */
double run(void);

/* The sum of the values, each with a weight of its place, so that swapped values show, too. */
double weighed(const double *values, int count);

/* Fills a symmetric, positive definite matrix: L times its transpose, where L has ones on its diagonal, and
 * 1 - column / n to the left of it. */
void positive_definite(int n, double matrix[n][n]);

#endif
