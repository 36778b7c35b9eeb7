#define _GNU_SOURCE
#include "failing_malloc.h"

#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

// glibc's own, by the names that it keeps for this.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local struct {
    size_t least;
    int left; // 0: none is to fail
    bool failed;
} plan;

static void *frames[48];
static int frame_count;
static size_t failed_size;

__attribute__((constructor)) static void load_what_backtrace_needs(void) {
    frame_count = backtrace(frames, 2); // It allocates the first time.
}

void fail_allocation(size_t least, int number) {
    plan.least = least;
    plan.failed = false;
    plan.left = number;
}

bool fail_no_more(void) {
    plan.left = 0;
    return plan.failed;
}

bool has_failed(void) {
    return plan.failed;
}

void tell_where_it_failed(void) {
    char line[64];
    int length = snprintf(line, sizeof line, "an allocation of %zu bytes failed:\n", failed_size);
    if (write(STDERR_FILENO, line, (size_t)length) == length) {
        backtrace_symbols_fd(frames, frame_count, STDERR_FILENO);
    }
}

static bool fails(size_t size) {
    if (plan.left == 0 || size < plan.least || --plan.left > 0) {
        return false;
    }
    plan.failed = true;
    failed_size = size;
    frame_count = backtrace(frames, sizeof frames / sizeof frames[0]);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size) {
    return fails(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    size_t all = 0;
    return __builtin_mul_overflow(count, size, &all) || fails(all) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    return fails(size) ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails(size) ? NULL : __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
    return fails(size) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (fails(size)) {
        return ENOMEM;
    }
    void *memory = __libc_memalign(alignment, size);
    *out = memory != NULL ? memory : *out;
    return memory != NULL ? 0 : ENOMEM;
}
