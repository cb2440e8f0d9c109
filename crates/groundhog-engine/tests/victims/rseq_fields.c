/* What the kernel's word on the processor has room for, and only newer kernels write: node and concurrency id. */
#include "case.h"
#include <sys/rseq.h>

enum { NODE = 20, IDS = 8 };
static char *ids;

static void prepare(void)
{
    ids = (char *)__builtin_thread_pointer() + __rseq_offset + NODE;
}

static void handle(const char *secret)
{
    bool found = memcmp(ids, secret, IDS) == 0;
    if (__rseq_size > 0)
        memcpy(ids, secret, IDS);
    answer("{\"found\":%d}", found);
}
