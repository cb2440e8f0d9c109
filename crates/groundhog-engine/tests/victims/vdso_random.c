/* Random numbers of the kernel's getrandom in the vDSO, as glibc draws them from 2.41 on: its state is in memory that
 * the caller maps. In memory that is "droppable" as the vDSO asks for, or "ordinary", where a revert brings it back. */
#include "case.h"
#include <elf.h>
#include <sys/auxv.h>

typedef struct {
    uint32_t size_of_opaque_state, mmap_prot, mmap_flags, reserved[13];
} opaque_params;
typedef ssize_t draw_from(void *buffer, size_t length, unsigned flags, void *state, size_t state_length);

static draw_from *draw;
static opaque_params params;
static void *state;

static draw_from *find(const char *name)
{
    const char *base = (const char *)getauxval(AT_SYSINFO_EHDR);
    if (base == NULL)
        return NULL;
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)base;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(base + header->e_phoff);
    const Elf64_Sym *symbols = NULL;
    const char *strings = NULL;
    for (int at = 0; at < header->e_phnum; at++) {
        if (segments[at].p_type != PT_DYNAMIC)
            continue;
        for (const Elf64_Dyn *entry = (const Elf64_Dyn *)(base + segments[at].p_offset); entry->d_tag; entry++) {
            if (entry->d_tag == DT_SYMTAB)
                symbols = (const Elf64_Sym *)(base + entry->d_un.d_ptr);
            if (entry->d_tag == DT_STRTAB)
                strings = base + entry->d_un.d_ptr;
        }
    }
    if (symbols == NULL || strings == NULL)
        return NULL;
    /* The vDSO's string table follows its symbols. */
    for (const Elf64_Sym *symbol = symbols; (const char *)symbol < strings; symbol++)
        if (strcmp(strings + symbol->st_name, name) == 0)
            return (draw_from *)(uintptr_t)(base + symbol->st_value);
    return NULL;
}

static void prepare(void)
{
    draw = find("__vdso_getrandom");
    if (draw == NULL)
        draw = find("__kernel_getrandom"); /* its name on aarch64 */
    if (draw == NULL || draw(NULL, 0, 0, &params, ~(size_t)0) != 0) {
        draw = NULL;
        return;
    }
    int flags = is("droppable") ? (int)params.mmap_flags : MAP_PRIVATE | MAP_ANONYMOUS;
    state = mmap(NULL, PAGE, (int)params.mmap_prot, flags, -1, 0);
    check(state != MAP_FAILED, "mmap");
    uint64_t number;
    check(draw(&number, sizeof number, 0, state, params.size_of_opaque_state) == sizeof number, "getrandom");
}

static void handle(const char *secret)
{
    (void)secret;
    uint64_t number = 0;
    if (draw == NULL) {
        answer("[\"absent\"]");
        return;
    }
    check(draw(&number, sizeof number, 0, state, params.size_of_opaque_state) == sizeof number, "getrandom");
    answer("[\"%016lx\"]", (unsigned long)number);
}
