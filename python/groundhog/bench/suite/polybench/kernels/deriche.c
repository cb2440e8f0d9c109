/* Deriche's recursive filter, which smooths an image: along each line forward and backward, then along each column. */
#include "kernel.h"

#include <math.h>

enum { W = 720, H = 480 };

static double image[W][H], forward[W][H], backward[W][H], smooth[W][H];

/* Filters `lines` lines of `length` cells, whose strides are `line` and `cell`, both ways, and adds what comes of it.
 * `a` weighs the input, `b` the output before. */
static void filter(const double *in, double *out, int lines, int line, int length, int cell, const double a[4],
                   const double b[2])
{
    for (int i = 0; i < lines; i++) {
        double x1 = 0.0, x2 = 0.0, y1 = 0.0, y2 = 0.0;
        for (int at = i * line, n = 0; n < length; n++, at += cell) {
            double y = a[0] * in[at] + a[1] * x1 + b[0] * y1 + b[1] * y2;
            x1 = in[at];
            y2 = y1;
            y1 = (&forward[0][0])[at] = y;
        }
        x1 = x2 = y1 = y2 = 0.0;
        for (int at = i * line + (length - 1) * cell, n = 0; n < length; n++, at -= cell) {
            double y = a[2] * x1 + a[3] * x2 + b[0] * y1 + b[1] * y2;
            x2 = x1;
            x1 = in[at];
            y2 = y1;
            y1 = (&backward[0][0])[at] = y;
        }
    }
    for (int at = 0; at < W * H; at++)
        out[at] = (&forward[0][0])[at] + (&backward[0][0])[at];
}

double run(void)
{
    const double alpha = 0.25, decay = exp(-alpha);
    const double k = (1.0 - decay) * (1.0 - decay) / (1.0 + 2.0 * alpha * decay - exp(2.0 * alpha));
    const double a[4] = {k, k * decay * (alpha - 1.0), k * decay * (alpha + 1.0), -k * exp(-2.0 * alpha)};
    const double b[2] = {pow(2.0, -alpha), -exp(-2.0 * alpha)};
    for (int i = 0; i < W; i++)
        for (int j = 0; j < H; j++)
            image[i][j] = (313 * i + 991 * j) % 65536 / 65535.0;
    filter(&image[0][0], &smooth[0][0], W, H, H, 1, a, b);
    filter(&smooth[0][0], &smooth[0][0], H, 1, W, H, a, b);
    return weighed(&smooth[0][0], W * H);
}
