#include "groundhog.h"
#include <stdint.h>

static uint64_t own = 1, openssl = 1;

static int seed(const unsigned char *bytes, void *context)
{
    return memcpy(context, bytes, sizeof own) == NULL;
}

/* A stand-in for OpenSSL's. */
void RAND_add(const void *bytes, int count, double entropy)
{
    if (count == GROUNDHOG_SEED_BYTES && entropy == count)
        memcpy(&openssl, (const char *)bytes + count / 2, sizeof openssl);
}

static int answer(const char *request, FILE *out, void *context)
{
    (void)request, (void)context;
    fprintf(out, "{\"own\":\"%llx\",", (unsigned long long)own);
    fprintf(out, "\"openssl\":\"%llx\",", (unsigned long long)openssl);
    fprintf(out, "\"random\":%ld,\"drand48\":%.17g}", random(), drand48());
    return 0;
}

int main(void)
{
    static struct groundhog server;
    groundhog_on_seed(&server, seed, &own);
    return groundhog_serve(&server, answer, NULL);
}
