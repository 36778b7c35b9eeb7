// A malloc that fails when it is told to: of this program and of the libraries that it is linked with. It stands before
// glibc's, and so cannot be in one program with a sanitizer or under valgrind.

#ifndef BACKRUN_FAILING_MALLOC_H
#define BACKRUN_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

// Lets the `number`-th allocation of at least `least` bytes fail that this thread makes from now on, and no other.
void fail_allocation(size_t least, int number);
// The same, and all that follow it.
void fail_allocations_from(size_t least, int number);
// Ends that. Whether any has failed.
bool fail_no_more(void);
// Whether any has failed, so far.
bool has_failed(void);

// Lets every `n`-th allocation fail, on all threads; 0: none.
void fail_every(unsigned n);
// How many have failed by that.
unsigned long long failed_of_every(void);

// The last allocation of this thread that failed: where it was called from, to the standard error. Allocates nothing.
void tell_where_it_failed(void);

#endif
