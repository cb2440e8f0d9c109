/* The allocator's state: grown heap, chunks that were freed with a secret in them, a cache that is never emptied. */
#include "victim.h"
#include <malloc.h>

enum { CHUNKS = 3000, SIZE = 700 };

static char *cache[CHUNKS];
static int cached;
static char *heap_end;

static void prepare(void)
{
    free(malloc(SIZE));
    heap_end = sbrk(0);
}

static void handle(const char *secret)
{
    long grown = (char *)sbrk(0) - heap_end;
    int found = cached;
    /* What a fresh allocation contains: zero, or what its last owner left. */
    char *fresh = malloc(SIZE);
    check(fresh != NULL, "malloc");
    size_t leftovers = other_than(fresh + 64, SIZE - 64, 0);
    leave(fresh, SIZE, secret);
    free(fresh);
    cached = 0;
    for (int i = 0; i < CHUNKS; i++) {
        char *chunk = malloc(SIZE);
        check(chunk != NULL, "malloc");
        leave(chunk, SIZE, secret);
        cache[cached++] = chunk;
    }
    while (cached > CHUNKS / 2)
        free(cache[--cached]);
    answer("{\"grown\":%ld,\"cached\":%d,\"leftovers\":%zu}", grown, found, leftovers);
}
