using System.Runtime.InteropServices;

namespace Backrun.Native;

// The structs of include/backrun.h with its names and in its order, so that a search works across the border; what each
// field means is said there. LayoutTests holds both sides together.
#pragma warning disable CS0649 // Many fields are written, or read, by the native side only.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_bytes
{
    public byte* data;
    public nuint len;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_str
{
    public byte* data;
    public nuint len;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_queue_options
{
    public uint struct_size;
    public uint workers;
    public uint concurrency_limit;
    public uint when_full;
    public backrun_str name;
    public ulong capacity;
    public ulong capacity_bytes;
    public long when_full_timeout_ms;
    public long stall_threshold_ms;
    public long ageing_step_ms;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_log_record
{
    public uint struct_size;
    public uint level;
    public long time_unix_us;
    public long task_id;
    public long lease;
    public backrun_str task_name;
    public backrun_str queue;
    public backrun_str message;
    public uint event_kind;
    public uint reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_event
{
    public uint struct_size;
    public uint kind;
    public long time_unix_us;
    public long task_id;
    public long lease;
    public uint attempt;
    public uint state;
    public backrun_str task_name;
    public backrun_str queue;
    public backrun_str error_type;
    public backrun_str message;
    public backrun_str detail;
    public long run_us;
    public ulong count;
    public int code;
    public uint reserved;
    public long run_at_unix_us;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_engine_options
{
    public uint struct_size;
    public uint abi_version;
    public uint workers;
    public uint max_workers;
    public uint store;
    public uint durability;
    public backrun_str store_address;
    public ulong worker_stack_bytes;
    public long keep_finished;
    public long keep_dead;
    public backrun_queue_options* default_queue;
    public delegate* unmanaged[Cdecl]<void*, backrun_log_record*, nuint, void> on_log;
    public delegate* unmanaged[Cdecl]<void*, backrun_event*, nuint, void> on_event;
    public void* observer_user_data;
    public delegate* unmanaged[Cdecl]<void*, void> observer_release;
    public ulong event_kinds;
    public uint log_level;
    public uint observer_capacity;
    public long owner_wait_ms;
    public delegate* unmanaged[Cdecl]<void*, long, long, uint, void> on_end;
    public uint flags;
    public uint max_crashes;
    public long keep_for_ms;
    public backrun_encryption_key* encryption_keys;
    public nuint encryption_key_count;
}

[StructLayout(LayoutKind.Sequential)]
internal struct backrun_encryption_key
{
    public uint struct_size;
    public uint reserved;
    public backrun_str id;
    public backrun_bytes secret;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_handler
{
    public uint struct_size;
    public uint flags;
    public void* user_data;
    public delegate* unmanaged[Cdecl]<void*, backrun_task*, backrun_bytes, void**, int> set_user_connection;
    public delegate* unmanaged[Cdecl]<void*, backrun_task*, backrun_bytes, void*, int> run;
    public delegate* unmanaged[Cdecl]<void*, void*, void> drop_task_state;
    public delegate* unmanaged[Cdecl]<void*, long, long, void> cancel_requested;
    public delegate* unmanaged[Cdecl]<void*, void> release;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_retry_policy
{
    public uint struct_size;
    public uint max_attempts;
    public uint kind;
    public int jitter_percent;
    public long delay_ms;
    public long max_delay_ms;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_task_options
{
    public uint struct_size;
    public uint flags;
    public backrun_str queue;
    public backrun_retry_policy* retry;
    public long time_limit_ms;
    public long grace_ms;
    public long result_retention_ms;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_filter
{
    public uint struct_size;
    public uint states;
    public backrun_str task_name;
    public backrun_str queue;
    public long after_id;
    public long final_for_ms;
    public uint limit;
    public uint reserved;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_header
{
    public uint struct_size;
    public uint reserved;
    public backrun_str name;
    public backrun_str value;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_submission
{
    public uint struct_size;
    public int priority;
    public backrun_str task_name;
    public backrun_bytes payload;
    public backrun_bytes user_context;
    public backrun_str queue;
    public backrun_header* headers;
    public nuint header_count;
    public uint payload_format;
    public uint payload_flags;
    public uint durability;
    public uint when_full;
    public long when_full_timeout_ms;
    public long delay_ms;
    public long run_at_unix_ms;
    public long time_limit_ms;
    public backrun_retry_policy* retry;
    public uint flags;
    public uint task_number;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_failure
{
    public uint struct_size;
    public uint reserved;
    public backrun_str error_type;
    public backrun_str message;
    public backrun_str detail;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct backrun_outcome
{
    public uint struct_size;
    public int code;
    public backrun_failure* failure;
    public long retry_after_ms;
    public backrun_bytes result;
}

[StructLayout(LayoutKind.Sequential)]
internal struct backrun_codec_settings
{
    public uint struct_size;
    public uint version;
    public uint flags;
    public uint max_depth;
    public uint compression;
    public uint reserved;
    public ulong max_decompressed;
}
