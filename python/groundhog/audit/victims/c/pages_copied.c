/* Evasion: pages of a private file mapping, or untouched ones, written with what they hold already: their bytes tell nothing, but the
 * kernel counts them as the process's own. */
#include "mappings.h"

enum { SIZE = 8 * PAGE };
static char *mapped, *untouched;

static void prepare(void)
{
    static char bytes[SIZE];
    char path[256];
    int file = temporary_file(path);
    memset(bytes, 'f', sizeof bytes);
    write_all(file, bytes, sizeof bytes);
    mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    check(mapped != MAP_FAILED, "mmap");
    check(other_than(mapped, SIZE, 'f') == 0, "what was written");
    close(file);
    unlink(path);
    untouched = map_alone(SIZE, PROT_READ | PROT_WRITE);
}

static unsigned long own(const char *memory)
{
    return strtoul(mapping_field(memory, "Anonymous"), NULL, 10);
}

static void handle(const char *secret)
{
    unsigned long in_mapped = own(mapped), in_untouched = own(untouched);
    for (size_t at = 0; at <= (size_t)secret[7] % 8; at++) {
        *(volatile char *)(mapped + at * PAGE) = 'f';
        *(volatile char *)(untouched + at * PAGE) = 0;
    }
    answer("{\"mapped\":%lu,\"untouched\":%lu}", in_mapped, in_untouched);
}
