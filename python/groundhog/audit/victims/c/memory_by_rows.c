/* Evasion: every call and advice that changes what mappings are, by the process, a thread and a
 * child that borrows its memory. */
#define PLACES BY_PROCESS, BY_THREAD, BY_BORROWER
#include "rows.h"
#include "mappings.h"

enum { PAGES = 8, SIZE = PAGES * PAGE, ADVISED = 24 };
enum { ANONYMOUS, OF_FILE, SHARED_FILE, SHARED_MEMORY, MAPPINGS };
enum { ADVICE_COLLAPSE = 25, GUARD_REMOVE = 103, NAME_MAPPING = 0x53564d41 };

static char *maps[MAPPINGS];
static int file;

/* Mapped so that none merges with another. */
static char *alone(int protection, int flags, int fd)
{
    char *whole = reserve_alone(SIZE);
    char *memory = mmap(whole + PAGE, SIZE, protection, flags | MAP_FIXED, fd, 0);
    check(memory == whole + PAGE, "mmap");
    return memory;
}

static void set_up(void)
{
    char path[256], text[PAGE];
    file = temporary_file(path);
    memset(text, 'f', sizeof text);
    for (int at = 0; at < PAGES; at++)
        write_all(file, text, sizeof text);
    maps[ANONYMOUS] = alone(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    maps[OF_FILE] = alone(PROT_READ | PROT_WRITE, MAP_PRIVATE, file);
    maps[SHARED_FILE] = alone(PROT_READ | PROT_WRITE, MAP_SHARED, file);
    maps[SHARED_MEMORY] = alone(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
    memset(maps[ANONYMOUS], 'a', SIZE / 2);
    memset(maps[OF_FILE], 'b', SIZE / 2);
    memset(maps[SHARED_MEMORY], 'd', SIZE);
    /* Advice that others take back. */
    madvise(maps[ANONYMOUS] + SIZE / 2, PAGE, MADV_DONTFORK);
    madvise(maps[ANONYMOUS] + SIZE / 2, PAGE, MADV_DONTDUMP);
    madvise(maps[ANONYMOUS] + SIZE / 2, PAGE, MADV_SEQUENTIAL);
    madvise(maps[ANONYMOUS] + SIZE / 2 + 2 * PAGE, PAGE, MADV_WIPEONFORK);
    madvise(maps[ANONYMOUS] + SIZE / 2 + 2 * PAGE, PAGE, MADV_MERGEABLE);
    unlink(path);
}

/* Which of our mappings this line of smaps is in. */
static int mapping_of(unsigned long start)
{
    for (int at = 0; at < MAPPINGS; at++)
        if (start >= (unsigned long)maps[at] && start < (unsigned long)maps[at] + SIZE)
            return at;
    return -1;
}

static void look(void)
{
    char line[4096], name[200], perms[8];
    unsigned long start, end, offset;
    int here = -1;
    FILE *smaps = fopen("/proc/self/smaps", "re");
    check(smaps != NULL, "smaps");
    while (fgets(line, sizeof line, smaps) != NULL) {
        name[0] = '\0';
        if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %199s", &start, &end, perms, &offset, name) >= 4) {
            here = mapping_of(start);
            if (here >= 0)
                say("%d: %lx %lx %s %lx %s\n", here, start - (unsigned long)maps[here], end - start, perms, offset,
                    strncmp(name, "[anon", 5) == 0 ? name : "");
        } else if (here >= 0 && strncmp(line, "VmFlags", 7) == 0) {
            /* Whether writes are watched, which is the engine's. */
            char *watched = strstr(line, " uw");
            if (watched != NULL)
                memmove(watched, watched + 3, strlen(watched + 3) + 1);
            say("%d: %s", here, line);
        } else if (here >= 0 && strncmp(line, "Locked", 6) == 0) {
            say("%d: %s", here, line);
        }
    }
    fclose(smaps);
    for (int at = 0; at < MAPPINGS; at++)
        for (int page = 0; page < PAGES; page++)
            say("%d: page %d %d\n", at, page, is_mapped(maps[at] + page * PAGE, PAGE));
    int policy = 0;
    syscall(SYS_get_mempolicy, &policy, NULL, 0, maps[ANONYMOUS], 2);
    int of_thread = 0;
    syscall(SYS_get_mempolicy, &of_thread, NULL, 0, NULL, 0);
    say("policy %d, of the thread %d, break %lx\n", policy, of_thread, syscall(SYS_brk, 0));
    say_lines("/proc/self/status", " VmLck: ");
    for (int at = 0; at < MAPPINGS; at++)
        for (int page = 0; page < PAGES; page++) {
            char byte = '?';
            struct iovec to = {&byte, 1};
            /* A page that must not be read is no end of the victim. */
            int ends[2];
            check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
            if (write(ends[1], maps[at] + page * PAGE, 1) == 1)
                attempt(readv(ends[0], &to, 1));
            say("%d: page %d has %c\n", at, page, byte);
            close(ends[0]);
            close(ends[1]);
        }
}

static void advise(int advice)
{
    for (int at = 0; at < MAPPINGS; at++)
        attempt(madvise(maps[at], 2 * PAGE, advice));
    attempt(madvise(maps[ANONYMOUS] + SIZE / 2, 4 * PAGE, advice));
}

static void rows(void)
{
    static const struct {
        const char *name;
        int advice;
    } advices[] = {
        {"MADV_NORMAL", MADV_NORMAL},
        {"MADV_RANDOM", MADV_RANDOM},
        {"MADV_SEQUENTIAL", MADV_SEQUENTIAL},
        {"MADV_WILLNEED", MADV_WILLNEED},
        {"MADV_DONTNEED", MADV_DONTNEED},
        {"MADV_REMOVE", MADV_REMOVE},
        {"MADV_DONTFORK", MADV_DONTFORK},
        {"MADV_DOFORK", MADV_DOFORK},
        {"MADV_MERGEABLE", MADV_MERGEABLE},
        {"MADV_UNMERGEABLE", MADV_UNMERGEABLE},
        {"MADV_HUGEPAGE", MADV_HUGEPAGE},
        {"MADV_NOHUGEPAGE", MADV_NOHUGEPAGE},
        {"MADV_DONTDUMP", MADV_DONTDUMP},
        {"MADV_DODUMP", MADV_DODUMP},
        {"MADV_WIPEONFORK", MADV_WIPEONFORK},
        {"MADV_KEEPONFORK", MADV_KEEPONFORK},
        {"MADV_COLD", 20},
        {"MADV_PAGEOUT", 21},
        {"MADV_POPULATE_READ", 22},
        {"MADV_POPULATE_WRITE", 23},
        {"MADV_DONTNEED_LOCKED", 24},
        {"MADV_COLLAPSE", ADVICE_COLLAPSE},
        {"MADV_GUARD_REMOVE", GUARD_REMOVE},
    };
    char *memory = maps[ANONYMOUS];
    const unsigned long node = 1;
    for (size_t at = 0; at < sizeof advices / sizeof advices[0]; at++)
        if (row(advices[at].name))
            advise(advices[at].advice);
    if (row("PR_SET_VMA"))
        attempt(prctl(NAME_MAPPING, 0, memory, SIZE, "secret"));
    if (row("mmap"))
        attempt(mmap(memory, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
    if (row("munmap"))
        attempt(munmap(maps[OF_FILE], PAGE));
    if (row("mprotect"))
        attempt(mprotect(maps[SHARED_FILE], PAGE, PROT_READ));
    if (row("mremap"))
        attempt(mremap(memory, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, memory + 4 * PAGE) == MAP_FAILED);
    if (row("remap_file_pages"))
        attempt(syscall(SYS_remap_file_pages, maps[SHARED_FILE], PAGE, 0, 3, 0));
    if (row("pkey_mprotect"))
        attempt(syscall(SYS_pkey_mprotect, memory, PAGE, PROT_READ, -1));
    if (row("mlock"))
        attempt(syscall(SYS_mlock, memory, PAGE));
    if (row("mlock2"))
        attempt(syscall(SYS_mlock2, memory, PAGE, 1));
    if (row("munlock"))
        attempt(syscall(SYS_munlock, memory, SIZE));
    if (row("mlockall"))
        attempt(mlockall(MCL_CURRENT | 4 /* MCL_ONFAULT */));
    if (row("munlockall"))
        attempt(munlockall());
    if (row("mbind"))
        attempt(syscall(SYS_mbind, memory, SIZE, 1, &node, 64, 0));
    if (row("mincore")) {
        unsigned char there;
        attempt(mincore(memory, PAGE, &there));
    }
    if (row("move_pages")) {
        void *page = memory;
        int status = 0, to = 0;
        attempt(syscall(SYS_move_pages, 0, 1, &page, &to, &status, 2));
    }
    if (row("migrate_pages"))
        attempt(syscall(SYS_migrate_pages, 0, 64, &node, &node));
    if (row("set_mempolicy"))
        attempt(syscall(SYS_set_mempolicy, 1, &node, 64));
    if (row("set_mempolicy_home_node"))
        attempt(syscall(450, memory, SIZE, 0, 0));
    if (row("brk"))
        attempt((long)sbrk(PAGE));
}
