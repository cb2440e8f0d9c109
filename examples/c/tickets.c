/* Sells tickets of a raffle. No two may be the same, though each request starts from the same snapshot. */
#include "groundhog.h"

#include <stdint.h>

static uint64_t state; /* of a generator of our own: xorshift64* */

static int seed(const unsigned char *bytes, void *context)
{
    (void)context;
    memcpy(&state, bytes, sizeof state);
    return 0;
}

static unsigned long long number(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545F4914F6CDD1D;
}

static int answer(const char *request, FILE *out, void *context)
{
    (void)request, (void)context;
    fprintf(out, "{\"ticket\":\"%016llx\",\"number\":%.0f}", number(), 1e9 * drand48());
    return 0;
}

int main(void)
{
    static struct groundhog server;
    groundhog_on_seed(&server, seed, NULL);
    return groundhog_serve(&server, answer, NULL);
}
