#define _GNU_SOURCE
#include "failing_malloc.h"

#include <errno.h>
#include <execinfo.h>
#include <malloc.h>
#include <stdatomic.h>
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
    bool from_then_on;
    bool failed;
} plan;

static atomic_uint every;
static atomic_ullong counted, failed_in_all;

static _Thread_local void *frames[48];
static _Thread_local int frame_count;
static _Thread_local size_t failed_size;

__attribute__((constructor)) static void load_what_backtrace_needs(void) {
    frame_count = backtrace(frames, 2); // It allocates the first time.
}

void fail_allocation(size_t least, int number) {
    plan.least = least;
    plan.failed = false;
    plan.from_then_on = false;
    plan.left = number;
}

void fail_allocations_from(size_t least, int number) {
    fail_allocation(least, number);
    plan.from_then_on = true;
}

bool fail_no_more(void) {
    plan.left = 0;
    return plan.failed;
}

bool has_failed(void) {
    return plan.failed;
}

void fail_every(unsigned n) {
    atomic_store(&every, n);
}

unsigned long long failed_of_every(void) {
    return atomic_load(&failed_in_all);
}

void tell_where_it_failed(void) {
    char line[64];
    int length = snprintf(line, sizeof line, "an allocation of %zu bytes failed:\n", failed_size);
    if (write(STDERR_FILENO, line, (size_t)length) == length) {
        backtrace_symbols_fd(frames, frame_count, STDERR_FILENO);
    }
}

static bool is_to_fail(size_t size) {
    if (plan.left > 0 && size >= plan.least) {
        if (plan.left > 1) {
            plan.left--;
        } else {
            plan.left = plan.from_then_on ? 1 : 0;
            plan.failed = true;
            return true;
        }
    }
    unsigned n = atomic_load_explicit(&every, memory_order_relaxed);
    if (n > 0 && atomic_fetch_add(&counted, 1) % n == 0) {
        atomic_fetch_add(&failed_in_all, 1);
        return true;
    }
    return false;
}

static bool fails(size_t size) {
    if (!is_to_fail(size)) {
        return false;
    }
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
