/* The random programs of mutate.c: one function for each kind of thing that a request can do. */
#ifndef MUTATE_H
#define MUTATE_H

#include "case.h"
#include <setjmp.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum { ARENA_PAGES = 2048, FILE_PAGES = 32, HEAP_PAGES = 16, SHARED_PAGES = 8, FILES = 3, GLOBAL_BYTES = 64 << 10, LONGEST = 24 };

static char *const ARENA = (char *)0x100000000000;
static int file, memory_file;
static char *heap, *heap_end, *shared;
static unsigned char globals[GLOBAL_BYTES];

/* Each thread has its own numbers and its own way out of a fault. */
static __thread uint64_t state;
static __thread sigjmp_buf on_fault;
static __thread bool may_fault;

static uint64_t below(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % limit;
}

static void seed_with(uint64_t seed)
{
    state = (seed + 1) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 4; i++)
        below(2);
}

static void escape(int number)
{
    if (!may_fault) {
        signal(number, SIG_DFL);
        raise(number);
    }
    siglongjmp(on_fault, 1);
}

static void catch_faults(void)
{
    struct sigaction action = {.sa_handler = escape};
    check(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0, "sigaction");
}

static const char *file_name(int which)
{
    static __thread char name[256];
    snprintf(name, sizeof name, "%s-%d", arguments[1], which);
    return name;
}

static int own_file(int which)
{
    int fd = open(file_name(which), O_RDONLY | O_CLOEXEC);
    check(fd >= 0, file_name(which));
    return fd;
}

/* Writes bytes where perhaps none can be written. */
static void try_to_fill(char *start, size_t length)
{
    may_fault = true;
    if (sigsetjmp(on_fault, 1) == 0)
        memset(start, (int)below(256), length);
    may_fault = false;
}

static void try_to_read(const volatile char *at)
{
    may_fault = true;
    if (sigsetjmp(on_fault, 1) == 0)
        (void)*at;
    may_fault = false;
}

static char *some_page(void)
{
    return ARENA + below(ARENA_PAGES) * PAGE;
}

/* A few pages, now and then many, that end in the arena. */
static size_t some_length(const char *start)
{
    size_t pages = below(8) == 0 ? 1 + below(600) : 1 + below(24);
    size_t room = ARENA_PAGES - (size_t)(start - ARENA) / PAGE;
    return (pages < room ? pages : room) * PAGE;
}

static int some_protection(void)
{
    static const int protections[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
                                      PROT_READ | PROT_WRITE | PROT_EXEC, PROT_READ | PROT_EXEC};
    return protections[below(6)];
}

static void write_memory(void)
{
    for (int i = (int)below(40); i >= 0; i--)
        try_to_fill(some_page() + below(PAGE), 1);
}

static void write_run(void)
{
    char *start = some_page();
    try_to_fill(start, some_length(start));
}

static void read_memory(void)
{
    for (int i = (int)below(60); i >= 0; i--)
        try_to_read(some_page() + below(PAGE));
}

static void map_memory(void)
{
    static const int kinds[] = {MAP_PRIVATE,           MAP_PRIVATE, MAP_PRIVATE | MAP_NORESERVE, MAP_SHARED,
                                MAP_PRIVATE | MAP_STACK, MAP_PRIVATE | MAP_POPULATE};
    char *start = some_page();
    mmap(start, some_length(start), some_protection(), kinds[below(6)] | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void map_file(void)
{
    char *start = some_page();
    int flags = MAP_FIXED | (below(4) == 0 ? MAP_SHARED : MAP_PRIVATE);
    int protection = flags & MAP_SHARED ? PROT_READ : some_protection();
    mmap(start, some_length(start), protection, flags, file, (off_t)below(FILE_PAGES) * PAGE);
}

/* Whole mappings of the snapshot, replaced by what looks the same in maps. */
static void map_the_same(void)
{
    const int read_write = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_FIXED;
    int other = -1;
    switch (below(4)) {
    case 0:
        mmap(ARENA, 64 * PAGE, read_write, flags | MAP_ANONYMOUS, -1, 0);
        break;
    case 1:
        other = own_file(1);
        mmap(ARENA + 112 * PAGE, 32 * PAGE, read_write, flags, other, 0);
        close(other);
        break;
    case 2:
        mmap(ARENA + 200 * PAGE, 96 * PAGE, read_write, flags | MAP_ANONYMOUS, -1, 0);
        break;
    default:
        mmap(ARENA + 160 * PAGE, 32 * PAGE, PROT_READ, flags | MAP_ANONYMOUS, -1, 0);
    }
}

static void unmap_memory(void)
{
    char *start = some_page();
    munmap(start, some_length(start));
}

static void protect_memory(void)
{
    char *start = some_page();
    mprotect(start, some_length(start), some_protection());
}

static void open_write_close(void)
{
    char *start = some_page();
    size_t length = some_length(start);
    if (mprotect(start, length, PROT_READ | PROT_WRITE) != 0)
        return;
    try_to_fill(start + below(length), 1);
    mprotect(start, length, PROT_READ);
}

static void move_memory(void)
{
    char *from = some_page(), *to = some_page();
    size_t length = some_length(from);
    if (to + length > ARENA + ARENA_PAGES * PAGE)
        return;
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (below(4) == 0 ? MREMAP_DONTUNMAP : 0);
    char *moved = mremap(from, length, length, flags, to);
    if (moved != MAP_FAILED && below(2))
        mremap(moved, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, from);
}

static void resize_memory(void)
{
    char *start = some_page();
    size_t length = some_length(start);
    mremap(start, length, below(2) ? length + PAGE * below(8) : length - PAGE * below(length / PAGE), 0);
}

static void advise_memory(void)
{
    /* DONTNEED (often), COLD, PAGEOUT, POPULATE_READ, POPULATE_WRITE, COLLAPSE */
    static const int advice[] = {4, 4, 4, 4, 20, 21, 22, 23, 25};
    char *start = some_page();
    madvise(start, some_length(start), advice[below(9)]);
    if (below(2))
        try_to_read(start);
}

static void move_break(void)
{
    char *end = below(2) ? heap_end + below(1 << 20) : heap + below(HEAP_PAGES * PAGE);
    if (brk(end) == 0 && end > heap) {
        heap[below((uint64_t)(end - heap))] = (char)below(256);
        end[-1] = (char)below(256);
    }
    if (below(2))
        (void)!brk(heap_end);
}

__attribute__((noinline)) static void recurse(uint64_t depth)
{
    volatile char frame[4096];
    frame[below(sizeof frame)] = (char)below(256);
    if (depth > 0)
        recurse(depth - 1);
    __asm__ volatile("" ::"r"(frame) : "memory");
}

static void use_stack(void)
{
    recurse(below(below(4) == 0 ? 400 : 20));
}

static void use_globals(void)
{
    for (int i = 0; i < 8; i++)
        globals[below(GLOBAL_BYTES)] = (unsigned char)below(256);
}

static void use_shared(void)
{
    for (int i = 0; i < 4; i++)
        shared[below(SHARED_PAGES * PAGE)] = (char)below(256);
}

static void allocate(void)
{
    /* Large ones are mapped, so that the break stays ours. */
    char *block = malloc(below(3) ? 200 : (256 << 10) + below(1 << 20));
    if (block == NULL)
        return;
    memset(block, (int)below(256), 150);
    if (below(2))
        free(block);
}

static void write_by_kernel(void)
{
    char *start = some_page() + below(PAGE);
    switch (below(3)) {
    case 0:
        (void)!pread(file, start, 1 + below(3 * PAGE), (off_t)below(4 * PAGE));
        break;
    case 1: /* even where it may not be written */
        (void)!pwrite(memory_file, globals, 1 + below(2 * PAGE), (off_t)(uintptr_t)start);
        break;
    default: {
        struct iovec from = {globals, 1 + below(PAGE)}, to = {start, from.iov_len};
        process_vm_writev(getpid(), &from, 1, &to, 1, 0);
    }
    }
}

static void use_descriptors(void)
{
    switch (below(5)) {
    case 0:
        (void)!open("/dev/null", O_RDWR | (below(2) ? O_CLOEXEC : 0));
        break;
    case 1:
        dup2((int)below(4), 20 + (int)below(30));
        break;
    case 2:
        lseek(file, (off_t)below(100000), SEEK_SET);
        break;
    case 3:
        fcntl(file, F_SETFL, below(2) ? O_APPEND : O_NONBLOCK);
        break;
    default:
        close(20 + (int)below(30));
    }
}

static void use_memory_file(void)
{
    int fd = memfd_create("mutate", MFD_CLOEXEC);
    char *start = some_page();
    if (fd < 0 || ftruncate(fd, 8 * PAGE) != 0)
        return;
    mmap(start, PAGE, PROT_READ | PROT_WRITE, MAP_FIXED | (below(2) ? MAP_SHARED : MAP_PRIVATE), fd, 0);
    (void)!pwrite(fd, globals, PAGE, 0);
    if (below(2))
        close(fd);
}

static void *thread_body(void *seed)
{
    seed_with((uint64_t)(uintptr_t)seed);
    write_memory();
    use_stack();
    switch (below(3)) {
    case 0:
        for (;;)
            pause();
    case 1:
        for (;;)
            globals[below(GLOBAL_BYTES)]++;
    default:
        return NULL;
    }
}

static sigset_t all_but_faults(void)
{
    sigset_t mask;
    sigfillset(&mask);
    sigdelset(&mask, SIGSEGV);
    sigdelset(&mask, SIGBUS);
    return mask;
}

static void start_thread(void)
{
    pthread_t thread;
    uint64_t seed = below(1u << 30);
    /* Signals for the process stay pending: none may be the end of it. */
    sigset_t mask = all_but_faults(), before;
    sigprocmask(SIG_BLOCK, &mask, &before);
    if (pthread_create(&thread, NULL, thread_body, (void *)(uintptr_t)seed) == 0)
        pthread_detach(thread);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void start_child(void)
{
    uint64_t what = below(4);
    pid_t child = what == 0 ? vfork() : fork();
    if (child == 0) {
        if (what == 0)
            _exit(0);
        write_memory();
        if (what == 1)
            _exit(0);
        for (;;)
            pause();
    }
    if (child > 0 && what == 1 && below(2))
        waitpid(child, NULL, 0);
    if (below(2))
        write_memory(); /* pages are shared with the child now */
}

static void use_signals(void)
{
    sigset_t mask = all_but_faults();
    sigprocmask(SIG_BLOCK, &mask, NULL);
    raise(below(2) ? SIGUSR1 : SIGTERM);
    sigqueue(getpid(), SIGRTMIN + (int)below(8), (union sigval){.sival_int = 1});
}

static void name_memory(void)
{
    char *start = some_page();
    prctl(0x53564d41 /* PR_SET_VMA */, 0, start, some_length(start), below(2) ? "named" : NULL);
}

static void (*const things_to_do[])(void) = {
    write_memory,    write_memory,  write_memory,    write_run,       write_run,    read_memory, map_memory,
    map_memory,      map_file,      map_file,        map_the_same,    unmap_memory, unmap_memory, protect_memory,
    protect_memory,  move_memory,   open_write_close, resize_memory,  advise_memory, advise_memory, advise_memory,
    move_break,      use_stack,     use_globals,     allocate,        write_by_kernel, write_by_kernel, use_descriptors,
    use_descriptors, use_memory_file, start_thread,  start_child,     use_signals,  name_memory,
    use_shared,
};

/* Runs the program that the seed stands for; answers how long it was. */
static int run_program(uint64_t seed)
{
    seed_with(seed);
    int length = 1 + (int)below(LONGEST);
    for (int i = 0; i < length; i++)
        things_to_do[below(sizeof things_to_do / sizeof things_to_do[0])]();
    return length;
}

/* The value of a line of /proc/self/status, without the C library's buffers. */
static const char *status_field_raw(const char *name)
{
    static char text[8192];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    char *value = strstr(text, name);
    check(value != NULL, "status");
    value += strlen(name);
    value[strcspn(value, "\n")] = '\0';
    return value + strspn(value, " \t");
}

#endif
