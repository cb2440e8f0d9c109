/* Serves a function over ActionLoop, with random numbers that no other request got. C11 or C++11, Linux.
 *
 *     #include "groundhog.h"
 *
 *     static int answer(const char *request, FILE *out, void *context)
 *     {
 *         (void)request, (void)context;
 *         fprintf(out, "{\"number\":%ld}", random());
 *         return 0;
 *     }
 *
 *     int main(void)
 *     {
 *         static struct groundhog server;
 *         return groundhog_serve(&server, answer, NULL);
 *     }
 *
 * After each request Groundhog reverts the process to its snapshot, and with it the state of every generator of random
 * numbers. With each request it sends new ones. From those this seeds, before the function is called, `random`, `rand`,
 * `drand48` and their like, and OpenSSL if the program is linked with it; what else there is seeds
 * `groundhog_on_seed`. What asks the kernel, as `getrandom` does, needs nothing.
 *
 * Include it first, or compile with -std=gnu11: it needs more than ISO C. */
#ifndef GROUNDHOG_H
#define GROUNDHOG_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many bytes a seed has: 32 random ones, and the time, since clones of a machine may draw the same. */
#define GROUNDHOG_SEED_BYTES 40

/* Answers one request: a line of JSON, an object whose member "value" holds the parameters. Writes an object or array
 * in JSON, and returns 0; or writes what went wrong, in UTF-8, and returns something else. */
typedef int groundhog_handler(const char *request, FILE *answer, void *context);

/* Does what has to be done at a certain moment. What is not 0 ends the process, whose state is not what it should be;
 * before a restore it does not. */
typedef int groundhog_hook(void *context);

/* Makes a generator depend on the seed, which is secret, and the same for all of one request. As a hook does. */
typedef int groundhog_seeder(const unsigned char *seed, void *context);

struct groundhog_call {
    groundhog_hook *hook;
    groundhog_seeder *seeder;
    void *context;
};

struct groundhog_calls {
    struct groundhog_call *all;
    size_t count;
};

/* All zero at first, as a static one is. */
struct groundhog {
    struct groundhog_calls before_snapshot, before_restore, after_restore, seeders;
    int input;
    char *line; /* what has been read: `filled` of `size` bytes; the first `used` are the last line */
    size_t size, filled, used;
    int hooks_are_due;
};

/* OpenSSL's, if there is one: its check for forks sees the same process id as ever. */
extern void RAND_add(const void *bytes, int count, double entropy) __attribute__((weak));

static inline void groundhog_add_(struct groundhog_calls *calls, groundhog_hook *hook, groundhog_seeder *seeder,
                                  void *context)
{
    void *all = realloc(calls->all, (calls->count + 1) * sizeof *calls->all);
    if (all == NULL)
        abort();
    calls->all = (struct groundhog_call *)all;
    calls->all[calls->count].hook = hook;
    calls->all[calls->count].seeder = seeder;
    calls->all[calls->count++].context = context;
}

/* Called before the snapshot, the last one first: to close connections, say. */
static inline void groundhog_before_snapshot(struct groundhog *server, groundhog_hook *hook, void *context)
{
    groundhog_add_(&server->before_snapshot, hook, NULL, context);
}

/* Called after each response, before what the request left is reverted, the last one first: to send what waits in a
 * queue, say. If one fails, the log says so, and the process is reverted as ever. */
static inline void groundhog_before_restore(struct groundhog *server, groundhog_hook *hook, void *context)
{
    groundhog_add_(&server->before_restore, hook, NULL, context);
}

/* Called once after each restore, before the next request, the first one first. */
static inline void groundhog_after_restore(struct groundhog *server, groundhog_hook *hook, void *context)
{
    groundhog_add_(&server->after_restore, hook, NULL, context);
}

/* Called before each request, and before the hooks. */
static inline void groundhog_on_seed(struct groundhog *server, groundhog_seeder *seeder, void *context)
{
    groundhog_add_(&server->seeders, NULL, seeder, context);
}

/* From here on all is private. */

#define GROUNDHOG_SEED_AT_ 1
#define GROUNDHOG_TOKEN_AT_ (GROUNDHOG_SEED_AT_ + 2 * GROUNDHOG_SEED_BYTES)
#define GROUNDHOG_TOKEN_SIZE_ 32
#define GROUNDHOG_REQUEST_AT_ (GROUNDHOG_TOKEN_AT_ + GROUNDHOG_TOKEN_SIZE_)
#define GROUNDHOG_ANSWER_FD_ 3

static inline int groundhog_failed_(const char *what)
{
    fprintf(stderr, "groundhog.h: %s\n", what);
    return -1;
}

static inline int groundhog_write_(const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(GROUNDHOG_ANSWER_FD_, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return groundhog_failed_("the answer cannot be written");
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

/* The next line, with a NUL for its newline; NULL at the end of the input. */
static inline char *groundhog_read_(struct groundhog *server)
{
    size_t searched = 0;
    server->filled -= server->used;
    if (server->filled > 0)
        memmove(server->line, server->line + server->used, server->filled);
    server->used = 0;
    for (;;) {
        void *newline = NULL;
        if (searched < server->filled)
            newline = memchr(server->line + searched, '\n', server->filled - searched);
        if (newline != NULL) {
            server->used = (size_t)((char *)newline - server->line) + 1;
            *(char *)newline = '\0';
            return server->line;
        }
        searched = server->filled;
        if (server->filled == server->size) {
            size_t size = server->size == 0 ? 1 << 16 : 2 * server->size;
            void *line = realloc(server->line, size);
            if (line == NULL)
                abort();
            server->line = (char *)line;
            server->size = size;
        }
        ssize_t count = read(server->input, server->line + server->filled, server->size - server->filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return NULL;
        server->filled += (size_t)count;
    }
}

static inline int groundhog_reseed_(struct groundhog *server, const char *digits)
{
    unsigned char seed[GROUNDHOG_SEED_BYTES];
    unsigned first;
    unsigned short second[3];
    for (size_t i = 0; i < sizeof seed; i++)
        if (sscanf(digits + 2 * i, "%2hhx", &seed[i]) != 1)
            return groundhog_failed_("what stands before a request is no seed");
    memcpy(&first, seed, sizeof first);
    memcpy(second, seed + sizeof first, sizeof second); /* bytes that no other uses: these generators are no secret */
    srand(first);
    srandom(first);
    seed48(second);
    if (RAND_add != NULL)
        RAND_add(seed, (int)sizeof seed, (double)sizeof seed);
    for (size_t i = 0; i < server->seeders.count; i++)
        if (server->seeders.all[i].seeder(seed, server->seeders.all[i].context) != 0)
            return groundhog_failed_("a generator of random numbers could not be seeded");
    return 0;
}

/* Announces the snapshot to the hooks, and says how that went. */
static inline int groundhog_prepare_(struct groundhog *server, const char *token)
{
    char ready[160];
    int result = 0;
    for (size_t i = server->before_snapshot.count; i-- > 0 && result == 0;)
        result = server->before_snapshot.all[i].hook(server->before_snapshot.all[i].context);
    server->hooks_are_due = server->after_restore.count > 0;
    fflush(NULL);
    int size = result != 0 ? snprintf(ready, sizeof ready, "{\"ok\":false,\"error\":\"%s: it returned %d\"}%s\n",
                                      "a hook before the snapshot failed", result, token)
                           : snprintf(ready, sizeof ready, "{\"ok\":true,\"hooks\":%s,\"before_restore\":%s}%s\n",
                                      server->hooks_are_due ? "true" : "false",
                                      server->before_restore.count > 0 ? "true" : "false", token);
    return groundhog_write_(ready, (size_t)size);
}

/* Has the hooks called that see what a request left, all of them, and says how that went. */
static inline int groundhog_finish_(struct groundhog *server, const char *token)
{
    char done[160];
    int failed = 0;
    for (size_t i = server->before_restore.count; i-- > 0;) {
        int result = server->before_restore.all[i].hook(server->before_restore.all[i].context);
        failed = failed != 0 ? failed : result;
    }
    fflush(NULL);
    int size = failed != 0 ? snprintf(done, sizeof done, "{\"ok\":false,\"error\":\"it returned %d\"}%s\n", failed, token)
                           : snprintf(done, sizeof done, "{\"ok\":true}%s\n", token);
    return groundhog_write_(done, (size_t)size);
}

static inline int groundhog_resume_(struct groundhog *server)
{
    if (!server->hooks_are_due)
        return 0;
    server->hooks_are_due = 0; /* the next restore sets it again */
    for (size_t i = 0; i < server->after_restore.count; i++) {
        int result = server->after_restore.all[i].hook(server->after_restore.all[i].context);
        if (result != 0) { /* the process is not fit to serve */
            char line[80];
            int size = snprintf(line, sizeof line, "{\"groundhog\":\"hook\",\"error\":\"it returned %d\"}\n", result);
            fflush(NULL);
            groundhog_write_(line, (size_t)size);
            return groundhog_failed_("a hook after the restore failed");
        }
    }
    return groundhog_write_(" ", 1); /* they are done */
}

static inline void groundhog_quote_(const char *text, size_t size, FILE *out)
{
    fputc('"', out);
    for (; size > 0; size--, text++) {
        unsigned char c = (unsigned char)*text;
        if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

/* Calls the function, and sends what it wrote, with the token. */
static inline int groundhog_answer_(groundhog_handler *handler, void *context, const char *request, const char *token)
{
    char *text = NULL, *line = NULL;
    size_t size = 0, length = 0;
    FILE *answer = open_memstream(&text, &size);
    FILE *out = open_memstream(&line, &length);
    if (answer == NULL || out == NULL)
        return groundhog_failed_("no memory for an answer");
    int failed = handler(request, answer, context);
    if (fclose(answer) != 0)
        return groundhog_failed_("no memory for an answer");
    for (size_t i = 0; !failed && i < size; i++)
        if (text[i] == '\n')
            text[i] = ' '; /* only white space between tokens: strings have theirs escaped */
    if (failed) {
        fputs("{\"error\":", out);
        groundhog_quote_(text, size, out);
        fputs("} ", out); /* the space says that this was not returned */
    } else {
        fwrite(text, 1, size, out);
    }
    fprintf(out, "%s\n", token);
    if (fclose(out) != 0)
        return groundhog_failed_("no memory for an answer");
    fflush(NULL); /* all that the function printed is in the pipes before its answer is */
    int result = groundhog_write_(line, length);
    free(text);
    free(line);
    return result;
}

static inline int groundhog_nothing_(const char *request, FILE *answer, void *context)
{
    (void)request, (void)context;
    return fputs("{}", answer) < 0;
}

static inline int groundhog_take_(struct groundhog *server, char *line, groundhog_handler *handler, void *context)
{
    const char control[] = "{\"groundhog\":", prepare[] = "{\"groundhog\":\"prepare\"";
    const char finish[] = "{\"groundhog\":\"finish\"";
    char token[GROUNDHOG_TOKEN_SIZE_ + 1] = "";
    if (line[0] == '@') {
        if (strlen(line) < GROUNDHOG_REQUEST_AT_)
            return groundhog_failed_("what stands before a request is too short");
        memcpy(token, line + GROUNDHOG_TOKEN_AT_, GROUNDHOG_TOKEN_SIZE_);
        if (groundhog_reseed_(server, line + GROUNDHOG_SEED_AT_) != 0)
            return -1;
        if (groundhog_resume_(server) != 0)
            return -1;
        line += GROUNDHOG_REQUEST_AT_;
    }
    if (strncmp(line, prepare, sizeof prepare - 1) == 0)
        return groundhog_prepare_(server, token);
    if (strncmp(line, finish, sizeof finish - 1) == 0)
        return groundhog_finish_(server, token);
    if (strncmp(line, control, sizeof control - 1) == 0) /* not for the function */
        return groundhog_answer_(groundhog_nothing_, NULL, line, token);
    return groundhog_answer_(handler, context, line, token);
}

/* Answers requests until there are no more; what `main` returns. Call it once everything is loaded. */
static inline int groundhog_serve(struct groundhog *server, groundhog_handler *handler, void *context)
{
    const char ready[] = "{\"ok\":true,\"groundhog\":1}\n";
    int acknowledges = getenv("OW_WAIT_FOR_ACK") != NULL;
    int nothing = open("/dev/null", O_RDONLY);
    unsetenv("OW_WAIT_FOR_ACK");
    /* The request pipe is moved off stdin, where the function and its children would read from it. */
    server->input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, GROUNDHOG_ANSWER_FD_ + 1);
    if (nothing < 0 || server->input < 0 || dup2(nothing, STDIN_FILENO) < 0 ||
        fcntl(GROUNDHOG_ANSWER_FD_, F_SETFD, FD_CLOEXEC) != 0)
        return -groundhog_failed_("no request on descriptor 0, or no place for an answer on descriptor 3");
    close(nothing);
    fflush(NULL);
    if (acknowledges && groundhog_write_(ready, sizeof ready - 1) != 0)
        return 1;
    for (char *line; (line = groundhog_read_(server)) != NULL;)
        if (groundhog_take_(server, line, handler, context) != 0)
            return 1;
    return 0;
}

#ifdef __cplusplus
}
#endif
#endif
