/* Code that the kernel lends to the process (the vDSO) moved away, then something else mapped in its place. */
#include "victim.h"
#include <sys/auxv.h>

static char *lent;
static size_t length;

static void prepare(void)
{
    unsigned long start, end;
    char line[4096];
    FILE *maps = fopen("/proc/self/maps", "re");
    check(maps != NULL, "maps");
    while (fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, "[vdso]") != NULL && sscanf(line, "%lx-%lx ", &start, &end) == 2)
            lent = (char *)start, length = end - start;
    fclose(maps);
    check(lent != NULL && lent == (char *)getauxval(AT_SYSINFO_EHDR), "the vDSO");
}

static void handle(const char *secret)
{
    bool found = memcmp(lent, "\177ELF", 4) == 0;
    char *place = map_anonymous(NULL, length);
    /* The kernel may refuse to move what is sealed. */
    if (found && mremap(lent, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, place) == place)
        leave(map_anonymous(lent, length), length, secret);
    answer("{\"lent\":%d}", found);
}
