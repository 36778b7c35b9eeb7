// A malloc that fails when it is told to: of this program and of the libraries that it is linked with. It stands before
// glibc's, and so cannot be in one program with a sanitizer or under valgrind.

#ifndef BACKRUN_FAILING_MALLOC_H
#define BACKRUN_FAILING_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

// Lets the `number`-th allocation of at least `least` bytes fail that this thread makes from now on, and no other.
void fail_allocation(size_t least, int number);
// Ends that. Whether it has failed.
bool fail_no_more(void);
// Whether it has failed, so far.
bool has_failed(void);
// The last allocation that failed, on any thread: where it was called from, to the standard error. Allocates nothing.
void tell_where_it_failed(void);

#endif
