namespace Backrun.Native;

// Types that only the native side looks into: they cross as pointers.
internal struct backrun_buffer;

internal struct backrun_engine;

internal struct backrun_error;

internal struct backrun_reader;

internal struct backrun_shutdown_report;

internal struct backrun_stats;

internal struct backrun_task;

internal struct backrun_task_list;

internal struct backrun_task_status;

internal struct backrun_writer;
