/* Memory that is shared and has no name, and the file behind it, which only root may open. */
#ifndef MAP_FILES_H
#define MAP_FILES_H

#include "victim.h"

enum { LENGTH = 2 * PAGE };
static char *shared;
/* Where the file is under /proc. */
static char behind[128];

static void prepare(void)
{
    shared = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    check(shared != MAP_FAILED, "mmap");
    shared[0] = 'a';
    unsigned long start = (unsigned long)shared;
    snprintf(behind, sizeof behind, "/proc/self/map_files/%lx-%lx", start, start + LENGTH);
}

#endif
