// A walk of a path with scarce memory: a path is a few calls of the library; it is walked again and again, each time in
// a process of its own and with another of its allocations failing, until it comes through without.

#ifndef BACKRUN_WALK_H
#define BACKRUN_WALK_H

#include "failing_malloc.h"
#include "test.h"

// What is large: payloads, segments, tables that grow. Or allocations of any size.
enum { LARGE = 1024, ANY = 1 };

// What a path has: an engine with a queue "second" beside the default one, a worker each, of which that of the default
// queue is held by a task; "nothing" is a task that does nothing.
typedef struct walk {
    backrun_engine *engine;
    hold hold;
    size_t least;
    int number;
    bool from_then_on; // All after the first one fail too.
    bool observed;     // The engine tells of events and logs everything.
    long long accepted;
    long long replayed; // Each of these has ended once more than it was accepted.
    bool failed;        // An allocation did fail.
} walk;

// From here on the allocation of this walk fails, if the path comes to it, on this thread.
void begin(walk *walk);
bool has_begun_to_fail(walk *walk);
void end(walk *walk);
// The answer to a call: OK, or an error because of memory. `error`: where the call has put one, which is freed.
bool worked(walk *walk, int32_t code, backrun_error **error);
// How often a path does something: often, or less often where every single allocation is to fail.
int times(const walk *walk, int often, int seldom);
backrun_submission submission_with(size_t size);

// Walks a path as often as it has allocations of at least this size, in each way: one of them fails or all from there
// on, unobserved and observed. After it the engine goes on, and what was accepted and nothing else has ended. How many
// of the walks did not end as they should. BACKRUN_LEAST in the environment stands in place of `least`.
int walk_all(const char *path, void (*body)(walk *walk), size_t least);

#define WALK(path, least) walk_all(#path, path, least)

// Walks a path that need not allocate anything.
int walk_frugal(const char *path, void (*body)(walk *walk));

#define WALK_FRUGAL(path) walk_frugal(#path, path)

// Runs a body in a process of its own. Whether it came to its end; if it ended by an abort, it tells where memory
// failed.
bool in_child(void (*body)(void *argument), void *argument);

#endif
