/* What /proc tells of mappings beyond their permissions. */
#include "victim.h"

/* Room between two pages that are shared, each by itself, so that nothing in it merges with a neighbour. */
__attribute__((unused)) static char *reserve_alone(size_t length)
{
    char *whole = mmap(NULL, length + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(whole != MAP_FAILED, "mmap");
    char *const guards[] = {whole, whole + PAGE + length};
    for (int i = 0; i < 2; i++)
        check(mmap(guards[i], PAGE, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == guards[i], "guard");
    return whole;
}

/* A mapping that merges with no neighbour. */
__attribute__((unused)) static char *map_alone(size_t length, int protection)
{
    char *whole = reserve_alone(length);
    char *memory = mmap(whole + PAGE, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    check(memory == whole + PAGE, "mmap");
    return memory;
}

/* How many mappings a range has parts of. */
__attribute__((unused)) static size_t mappings_within(const void *from, size_t length)
{
    unsigned long start, end, low = (unsigned long)from, high = low + length;
    char line[4096];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    check(maps != NULL, "maps");
    while (fgets(line, sizeof line, maps) != NULL)
        count += sscanf(line, "%lx-%lx ", &start, &end) == 2 && start < high && end > low;
    fclose(maps);
    return count;
}

/* What smaps says after the name of a field of the mapping at an address. */
__attribute__((unused)) static const char *mapping_field(const void *address, const char *name)
{
    static char value[256];
    unsigned long start, end, wanted = (unsigned long)address;
    char line[4096];
    bool here = false;
    FILE *maps = fopen("/proc/self/smaps", "re");
    check(maps != NULL, "smaps");
    value[0] = '\0';
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            here = start <= wanted && wanted < end;
        size_t length = strlen(name);
        if (here && strncmp(line, name, length) == 0 && line[length] == ':')
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + length + 1, "\n"), line + length + 1);
    }
    fclose(maps);
    return value;
}

/* Whether the mapping at an address has a flag, by its two letters. */
__attribute__((unused)) static bool has_flag(const void *address, const char *flag)
{
    char spaced[8];
    snprintf(spaced, sizeof spaced, " %s ", flag);
    return strstr(mapping_field(address, "VmFlags"), spaced) != NULL;
}

/* How many pages are in memory, which mincore(2) tells without touching them. */
__attribute__((unused)) static size_t resident(void *memory, size_t length)
{
    static unsigned char pages[1 << 10];
    size_t count = 0;
    check(length / PAGE <= sizeof pages && mincore(memory, length, pages) == 0, "mincore");
    for (size_t at = 0; at < length / PAGE; at++)
        count += pages[at] & 1;
    return count;
}

/* The middle of the largest gap between mappings, where an engine has its own. */
__attribute__((unused)) static uintptr_t find_hole(void)
{
    const uintptr_t lowest = 1 << 20, highest = 0x7ffffffff000;
    static char text[1 << 16];
    size_t length = 0;
    ssize_t count;
    uintptr_t end = lowest, largest = 0, found = 0, from, to;
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    check(maps >= 0, "maps");
    while ((count = read(maps, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)count;
    close(maps);
    for (char *line = text; sscanf(line, "%lx-%lx", &from, &to) == 2 && to <= highest; line = strchr(line, '\n') + 1) {
        if (from > end && from - end > largest) {
            largest = from - end;
            found = (end / 2 + from / 2) & ~(uintptr_t)(PAGE - 1);
        }
        end = to;
    }
    return found;
}
