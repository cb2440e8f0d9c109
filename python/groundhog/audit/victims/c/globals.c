/* Secrets in initialised data, in zeroed data, in data that is read-only after start, and in live heap chunks. */
#include "victim.h"

static char data[3 * PAGE] = {'d'};
static char bss[3 * PAGE];
static char *chunk;

static void prepare(void)
{
    chunk = malloc(512);
    check(chunk != NULL, "malloc");
    memset(chunk, 'c', 512);
}

static void handle(const char *secret)
{
    size_t in_data = other_than(data + 1, sizeof data - 1, 0), in_bss = other_than(bss, sizeof bss, 0);
    size_t in_chunk = other_than(chunk, 512, 'c');
    leave(data + 1, sizeof data - 1, secret);
    leave(bss, sizeof bss, secret);
    leave(chunk, 512, secret);
    answer("{\"data\":%zu,\"bss\":%zu,\"chunk\":%zu}", in_data, in_bss, in_chunk);
}
