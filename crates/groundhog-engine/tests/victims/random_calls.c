/* Makes the system calls that a request names, whatever they are: "WHERE CALL CALL ...".
 *
 * WHERE: p in the process, t in a thread that ends, s in one that stays, c in a child that ends, k in one that stays,
 *        dN in a child, after the parent has closed descriptor N.
 * CALL:  NUMBER:ARGUMENT,ARGUMENT,...
 * ARGUMENT: xHEX a number, bN buffer N, wHEX a pointer to these bytes, mN+HEX an address in mapping N, rN the result of the
 *        Nth call of this program, vN+HEX an iovec of N pieces that many bytes long, h a msghdr, P the process's id, T the
 *        sleeping thread's, C the caller's, K+HEX an address beyond the break. */
#define VICTIM_OWN_READ
#include "random_calls.h"
#include <ctype.h>

enum { BUFFERS = 4, BUFFER_SIZE = 1 << 14, MAX_CALLS = 32, ARGUMENTS = 6, MAX_BYTES = 256, WORDS = 8, MAX_PIECES = 4 };

struct argument {
    char kind;
    unsigned long number, offset;
    unsigned char *bytes;
};

struct call {
    long number;
    struct argument arguments[ARGUMENTS];
};

static char program[1 << 14];
static struct call calls[MAX_CALLS];
static size_t count;
static long results[MAX_CALLS];
static char buffers[BUFFERS][BUFFER_SIZE] __attribute__((aligned(PAGE)));
static unsigned char words[MAX_CALLS * ARGUMENTS][MAX_BYTES] __attribute__((aligned(16)));
static struct iovec vector[MAX_PIECES];
static struct msghdr message;
static size_t used_words;

static unsigned long hex(char **at)
{
    return strtoul(*at, at, 16);
}

static unsigned char *parse_bytes(char **at)
{
    unsigned char *bytes = words[used_words++];
    memset(bytes, 0, MAX_BYTES);
    for (size_t i = 0; i < MAX_BYTES && isxdigit((unsigned char)**at); i++, *at += 2)
        bytes[i] = (unsigned char)strtoul((char[]){(*at)[0], (*at)[1], '\0'}, NULL, 16);
    return bytes;
}

static struct argument parse_argument(char **at)
{
    struct argument parsed = {.kind = *(*at)++};
    if (parsed.kind == 'w') {
        parsed.bytes = parse_bytes(at);
        return parsed;
    }
    if (strchr("xbmrv", parsed.kind) != NULL)
        parsed.number = hex(at);
    if (**at == '+') {
        ++*at;
        parsed.offset = hex(at);
    }
    return parsed;
}

/* Everything before anything is called: afterwards the memory may be another. */
static void parse(char *at)
{
    count = used_words = 0;
    while (*at == ' ' && count < MAX_CALLS) {
        struct call *call = &calls[count++];
        memset(call, 0, sizeof *call);
        at++;
        call->number = strtol(at, &at, 10);
        for (int i = 0; (*at == ':' || *at == ',') && i < ARGUMENTS; i++) {
            at++;
            if (*at != ' ' && *at != '\n')
                call->arguments[i] = parse_argument(&at);
        }
    }
    check(*at == '\0' || *at == '\n', "a call that cannot be parsed");
}

static long value(const struct argument *argument)
{
    switch (argument->kind) {
    case 'b':
        return (long)(buffers[argument->number % BUFFERS] + argument->offset % BUFFER_SIZE);
    case 'w':
        return (long)argument->bytes;
    case 'm':
        return (long)(mappings[argument->number % MAPPINGS] + argument->offset);
    case 'r':
        return results[argument->number % MAX_CALLS];
    case 'v':
    case 'h':
        for (size_t i = 0; i < MAX_PIECES; i++)
            vector[i] = (struct iovec){buffers[i % BUFFERS], argument->offset % BUFFER_SIZE};
        message = (struct msghdr){.msg_iov = vector, .msg_iovlen = 2};
        return argument->kind == 'v' ? (long)vector : (long)&message;
    case 'P':
        return getpid();
    case 'T':
        return sleeper;
    case 'C':
        return syscall(SYS_gettid);
    case 'K':
        return syscall(SYS_brk, 0) + (long)argument->offset;
    default:
        return (long)argument->number;
    }
}

static void run(void)
{
    for (size_t i = 0; i < count; i++) {
        long values[ARGUMENTS];
        for (int at = 0; at < ARGUMENTS; at++)
            values[at] = value(&calls[i].arguments[at]);
        long result = syscall(calls[i].number, values[0], values[1], values[2], values[3], values[4], values[5]);
        results[i] = result == -1 ? -errno : result;
    }
}

/* A pipe whose other end tells when something is done, or over. */
static int done[2], gate[2];

static void say_done(void)
{
    ssize_t told = write(done[1], "", 1);
    (void)told;
}

static void wait_until_done(void)
{
    struct pollfd end = {.fd = done[0], .events = POLLIN};
    while (poll(&end, 1, -1) < 0 && errno == EINTR)
        ;
}

static void *run_in_thread(void *stays)
{
    run();
    say_done();
    while (*(bool *)stays)
        poll(NULL, 0, -1);
    return NULL;
}

static void in_thread(bool stays)
{
    static bool thread_stays;
    pthread_t thread;
    thread_stays = stays;
    if (pthread_create(&thread, NULL, run_in_thread, &thread_stays) != 0)
        return;
    if (stays)
        wait_until_done();
    else
        pthread_join(thread, NULL);
}

static void in_child(bool stays, int closed)
{
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(gate[1]);
        ssize_t opened = read(gate[0], &byte, 1);
        (void)opened;
        run();
        say_done();
        while (stays)
            poll(NULL, 0, -1);
        _exit(0);
    }
    if (closed >= 0)
        close(closed);
    close(gate[0]);
    close(gate[1]);
    close(done[1]);
    if (child < 0)
        return;
    wait_until_done();
    while (!stays && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void answer_results(void)
{
    char text[MAX_CALLS * 24] = "";
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, " %ld", results[i]);
    /* Not by answer(), which ends the process when it cannot: that would look as if it had been refused. */
    dprintf(ANSWER_FD, "done%s\n", text);
}

static void handle(const char *unused)
{
    (void)unused;
    char where = program[0], *rest = program + 1;
    int closed = where == 'd' ? (int)strtol(rest, &rest, 10) : -1;
    parse(rest);
    memset(results, 0xff, sizeof results);
    if (where == 'p')
        run();
    else {
        check(pipe2(done, O_CLOEXEC) == 0 && pipe2(gate, O_CLOEXEC) == 0, "pipe2");
        if (where == 't' || where == 's')
            in_thread(where == 's');
        else
            in_child(where == 'k', closed);
    }
    answer_results();
}

/* One line is one program. The next one comes after the restore, so that none is swallowed. */
static ssize_t read_request(char *line, size_t size)
{
    size_t length = 0;
    while (length == 0 || program[length - 1] != '\n') {
        check(length < sizeof program - 1, "program too long");
        /* The program may have made it non-blocking. */
        poll(&(struct pollfd){.fd = REQUEST_FD, .events = POLLIN}, 1, -1);
        ssize_t got = read(REQUEST_FD, program + length, sizeof program - 1 - length);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return got;
        length += (size_t)got;
    }
    program[length] = '\0';
    return snprintf(line, size, "{\"secret\":\"program\"}\n");
}
