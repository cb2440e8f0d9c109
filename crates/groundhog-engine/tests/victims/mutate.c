/* Runs a random program over its own memory, descriptors, threads, children and signals ("run-SEED"), or answers hashes
 * of all that it owned at the snapshot ("hash"). Every program begins in the state of the snapshot, so that a seed says
 * all about it. */
#include "mutate.h"
#include <limits.h>
#include <malloc.h>

static unsigned char scratch[PAGE];

static char *map_here(size_t page, size_t pages, int protection, int flags, int fd, off_t offset)
{
    char *wanted = ARENA + page * PAGE;
    char *got = mmap(wanted, pages * PAGE, protection, flags | MAP_FIXED_NOREPLACE, fd, offset);
    check(got == wanted, "arena");
    return got;
}

static void fill(char *memory, size_t pages, size_t step)
{
    for (size_t page = 0; page < pages; page += step)
        memset(memory + page * PAGE, (int)(page % 250) + 1, PAGE);
}

/* A mapping of a file of its own, which is open no more: others are not mapped anew. */
static char *map_own(size_t page, size_t pages, int protection, int which, off_t offset)
{
    int fd = own_file(which);
    char *got = map_here(page, pages, protection, MAP_PRIVATE, fd, offset);
    close(fd);
    return got;
}

/* Mappings of every kind, with holes between them, and pages in every state. */
static void prepare_arena(void)
{
    const int read_write = PROT_READ | PROT_WRITE, own = MAP_PRIVATE | MAP_ANONYMOUS;
    fill(map_here(0, 64, read_write, own, -1, 0), 64, 1);
    map_here(80, 32, read_write, own, -1, 0);
    fill(map_own(112, 32, read_write, 1, 0), 16, 1);
    char *constant = map_here(160, 32, read_write, own, -1, 0);
    fill(constant, 32, 1);
    check(mprotect(constant, 32 * PAGE, PROT_READ) == 0, "mprotect");
    char *mixed = map_here(200, 96, read_write, own, -1, 0);
    fill(mixed, 96, 3);
    for (size_t page = 1; page < 96; page += 3)
        (void)((volatile char *)mixed)[page * PAGE];
    map_here(300, 16, PROT_NONE, own, -1, 0);
    map_own(320, 16, PROT_READ, 2, 4 * PAGE);
    /* Out of reach of what unmaps: anonymous shared memory that is gone is gone. */
    shared = map_here(ARENA_PAGES + 16, SHARED_PAGES, read_write, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fill(shared, SHARED_PAGES, 2);
    char *large = map_here(512, 1024, read_write, own, -1, 0);
    madvise(large, 1024 * PAGE, MADV_HUGEPAGE);
    fill(large, 600, 1);
}

static void prepare(void)
{
    unsigned char bytes[FILE_PAGES * PAGE];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i / 7 + i / PAGE);
    /* Not deleted: what is mapped from it can be mapped again. */
    for (int which = 0; which < FILES; which++) {
        int made = open(file_name(which), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        check(made >= 0, file_name(which));
        write_all(made, (char *)bytes, sizeof bytes);
        close(made);
    }
    /* For reading only: what is written to a file through a shared mapping stays written. */
    file = own_file(0);
    check(lseek(file, 1000, SEEK_SET) == 1000, "lseek");
    memory_file = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    check(memory_file >= 0, "/proc/self/mem");
    prepare_arena();
    /* The C library gets all it will ever want of the heap; what comes after that is ours to move. */
    check(mallopt(M_TOP_PAD, 4 << 20) == 1 && mallopt(M_TRIM_THRESHOLD, INT_MAX) == 1, "mallopt");
    static void *volatile first; /* volatile, or the compiler leaves both calls out */
    first = malloc(1000);
    free(first);
    heap = sbrk(HEAP_PAGES * PAGE);
    check(heap != (char *)-1, "sbrk");
    heap_end = heap + HEAP_PAGES * PAGE;
    fill(heap, HEAP_PAGES, 2);
    catch_faults();
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const char *at = bytes;
    for (; length >= 8; at += 8, length -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)at[i]) * 0x100000001b3u;
    return hash;
}

#define START 0xcbf29ce484222325u

/* Contents of the arena, holes included, whatever its protection. */
static uint64_t hash_contents(void)
{
    uint64_t hash = START;
    for (size_t page = 0; page < ARENA_PAGES; page++) {
        ssize_t count = pread(memory_file, scratch, PAGE, (off_t)(uintptr_t)(ARENA + page * PAGE));
        hash = mix(hash, &count, sizeof count);
        if (count > 0)
            hash = mix(hash, scratch, (size_t)count);
    }
    return hash;
}

/* What is mapped where, and how, page by page: splits and joins make no difference. */
static uint64_t hash_mappings(void)
{
    static char text[1 << 18];
    static struct {
        char permissions[4];
        uint32_t offset;
    } pages[ARENA_PAGES];
    memset(pages, 0, sizeof pages);
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    for (ssize_t count; (count = read(maps, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)count;
    close(maps);
    check(length > 0 && length < sizeof text - 1, "maps");
    text[length] = '\0';
    for (char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        unsigned long start, end, offset, inode;
        char permissions[5];
        check(sscanf(line, "%lx-%lx %4s %lx %*s %lu", &start, &end, permissions, &offset, &inode) == 5, "maps line");
        for (unsigned long at = start; at < end; at += PAGE) {
            size_t page = (at - (unsigned long)ARENA) / PAGE;
            if (at < (unsigned long)ARENA || page >= ARENA_PAGES)
                break;
            memcpy(pages[page].permissions, permissions, 4);
            pages[page].offset = inode != 0 && permissions[3] == 'p' ? (uint32_t)(offset + at - start) : 0;
        }
    }
    return mix(START, pages, sizeof pages);
}

static uint64_t hash_descriptors(void)
{
    uint64_t hash = START;
    for (int fd = 0; fd < 64; fd++) {
        int flags = fcntl(fd, F_GETFL);
        off_t offset = flags < 0 ? -1 : lseek(fd, 0, SEEK_CUR);
        hash = mix(mix(hash, &flags, sizeof flags), &offset, fd == file ? sizeof offset : 0);
    }
    return hash;
}

static void answer_hashes(void)
{
    sigset_t blocked, pending;
    memset(&blocked, 0, sizeof blocked);
    memset(&pending, 0, sizeof pending);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigpending(&pending);
    uint64_t signals = mix(mix(START, &blocked, 8), &pending, 8);
    long broken = (char *)sbrk(0) - heap;
    int children = waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD ? 0 : 1;
    uint64_t in_heap = broken == HEAP_PAGES * PAGE ? mix(START, heap, HEAP_PAGES * PAGE) : 0;
    answer("contents %lx, shared %lx, mappings %lx, globals %lx, heap %lx at %ld, descriptors %lx, signals %lx, threads %s, children %d",
           hash_contents(), mix(START, shared, SHARED_PAGES * PAGE), hash_mappings(), mix(START, globals, sizeof globals), in_heap, broken, hash_descriptors(),
           signals, status_field_raw("Threads:"), children);
}

/* A short hash of each page of the arena, to tell which one differs. */
static void answer_pages(void)
{
    static char text[ARENA_PAGES * 4 + 1];
    for (size_t page = 0; page < ARENA_PAGES; page++) {
        ssize_t count = pread(memory_file, scratch, PAGE, (off_t)(uintptr_t)(ARENA + page * PAGE));
        snprintf(text + page * 4, 5, "%04x", count == PAGE ? (unsigned)mix(START, scratch, PAGE) & 0xffff : 0xffff);
    }
    answer("%s", text);
}

static void handle(const char *secret)
{
    unsigned long seed;
    if (sscanf(secret, "run-%lu", &seed) == 1) {
        int done = run_program(seed);
        answer("ran %d", done);
    } else if (strcmp(secret, "pages") == 0)
        answer_pages();
    else
        answer_hashes();
}
