// What the storms share: a storm's engine, its queues and handlers, and the books that are kept of every task.

#ifndef BACKRUN_STORM_H
#define BACKRUN_STORM_H

#include "test.h"

#include <stdatomic.h>

// How many tasks to hand over: as usual, or as BACKRUN_STORM_TASKS says, or, where BACKRUN_TORTURE is set, a million.
// To be called first thing: it also gives the test the time for a million.
int storm_tasks(int usual);

// What a run said of a task's end.
enum said { NEVER_RAN, SAID_DONE, SAID_FAILED, SAID_CANCELLED };

// By id.
typedef struct book {
    atomic_uchar given, said, connected, runs, watched, heard, asked, ended, end;
} book;

typedef struct pending_run {
    int64_t id, lease;
    bool late; // Its run is over, or nearly: a settle may come too late.
} pending_run;

typedef struct storm {
    backrun_engine *engine;
    book *books;
    int64_t most_ids;
    atomic_llong accepted, refused, stale, released, states_of_users;
    // Runs on their way to those who settle them.
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pending_run *pending;
    int64_t pending_first, pending_count;
    bool over;
    atomic_bool closed; // A submit was told that the engine is shutting down.
    bool is_observed;
    atomic_llong told[BACKRUN_EVENT_EVENTS_LOST + 1]; // events by kind
} storm;

extern const char *const STORM_QUEUES[4];

storm *storm_new(int tasks);
// Starts the engine, its queues and handlers. `observed`: every event is counted.
void storm_start(storm *storm, bool observed);
void storm_free(storm *storm);

// A task of any kind to any queue: submits it and keeps the books. The id, or 0 where it was refused.
int64_t storm_submit(storm *storm, chance *chance);
// Up to 32 of them at once. How many were accepted: all or none.
int storm_submit_many(storm *storm, chance *chance, int count, int64_t *last_id);
// Watches a task, to be told once.
void storm_watch(storm *storm, int64_t id);
// Asks to be told of a task's end.
void storm_ask(storm *storm, int64_t id);
// The body of a thread that settles pending runs, well and badly; ends once `over` is set.
void *storm_settle(void *argument);
void storm_settlers_may_end(storm *storm);
// After the shutdown: every task has ended once, as its run said, and all counters add up.
void storm_check(storm *storm, bool whole);

#endif
