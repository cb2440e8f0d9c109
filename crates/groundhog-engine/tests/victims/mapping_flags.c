/* What a mapping is beyond its address and its protection: put on it by advice, or by another mapping in its place. */
#include "case.h"
#include <sys/mman.h>

enum { SIZE = 4 * PAGE };
static char *memory, *other;

static void prepare(void)
{
    memory = lonely(SIZE);
    memset(memory, 's', SIZE);
    if (is("lost") || is("beside"))
        check(madvise(memory, SIZE, MADV_DONTFORK) == 0, "MADV_DONTFORK");
    other = lonely(SIZE);
    memset(other, 'o', SIZE);
    if (is("later"))
        check(mlockall(MCL_FUTURE) == 0, "mlockall");
}

/* The flags of the mapping, as the kernel tells them, but for those that depend on who follows it. */
static void describe(char *text, size_t size)
{
    char line[512], wanted[64];
    FILE *smaps = fopen("/proc/self/smaps", "re");
    bool here = false;
    check(smaps != NULL, "smaps");
    snprintf(wanted, sizeof wanted, "%lx-", (unsigned long)memory);
    text[0] = '\0';
    while (fgets(line, sizeof line, smaps) != NULL) {
        if (strncmp(line, wanted, strlen(wanted)) == 0)
            here = true;
        if (!here || strncmp(line, "VmFlags:", 8) != 0)
            continue;
        for (char *flag = strtok(line + 8, " \n"); flag != NULL; flag = strtok(NULL, " \n"))
            if (strcmp(flag, "sd") != 0 && strcmp(flag, "uw") != 0 && strlen(text) + 4 < size)
                strcat(strcat(text, flag), " ");
        break;
    }
    fclose(smaps);
}

static void handle(const char *secret)
{
    char flags[200];
    size_t spoiled = other_than(memory, SIZE, 's');
    describe(flags, sizeof flags);
    int fixed = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, both = PROT_READ | PROT_WRITE;
    if (is("advice"))
        check(madvise(memory, SIZE, MADV_WIPEONFORK) == 0 && madvise(memory, SIZE, MADV_DONTDUMP) == 0, "madvise");
    else if (is("huge"))
        check(madvise(memory, SIZE, MADV_HUGEPAGE) == 0 || errno == EINVAL, "MADV_HUGEPAGE");
    else if (is("replaced"))
        check(mmap(memory, SIZE, both, fixed | MAP_GROWSDOWN, -1, 0) == memory, "mmap");
    else if (is("moved")) { /* advised where it was new */
        char *new = mmap(NULL, SIZE, both, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        check(new != MAP_FAILED && madvise(new, SIZE, MADV_DONTFORK) == 0, "MADV_DONTFORK");
        check(mremap(new, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, memory) == memory, "mremap");
    } else if (is("later")) { /* what is mapped anew there is locked */
        check(munmap(other, SIZE) == 0, "munmap");
    } else { /* "lost": by one that looks the same, "beside" one that is mapped anew */
        if (is("beside"))
            check(munmap(other + PAGE, PAGE) == 0, "munmap");
        check(mmap(memory, SIZE, both, fixed, -1, 0) == memory, "mmap");
    }
    leave(memory, SIZE, secret);
    answer("{\"spoiled\":%zu,\"flags\":\"%s\"}", spoiled, flags);
}
