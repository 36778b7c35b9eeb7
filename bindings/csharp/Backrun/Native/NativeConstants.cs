namespace Backrun.Native;

// The numbers of include/backrun.h under their names; ConstantTests holds both sides together.
internal static class NativeConstants
{
    internal const uint BACKRUN_ABI_VERSION = 1;

    internal const uint BACKRUN_STORE_MEMORY = 1;
    internal const uint BACKRUN_STORE_SQLITE = 2;
    internal const uint BACKRUN_STORE_POSTGRES = 3;

    internal const uint BACKRUN_ENGINE_MANUAL_TIME = 1;
    internal const uint BACKRUN_ENGINE_ENCRYPTION_REQUIRED = 2;

    internal const uint BACKRUN_DURABILITY_COMMITTED = 1;
    internal const uint BACKRUN_DURABILITY_BUFFERED = 2;

    internal const uint BACKRUN_SHUTDOWN_DRAIN = 1;
    internal const uint BACKRUN_SHUTDOWN_CANCEL = 2;

    internal const int BACKRUN_RUN_DONE = 0;
    internal const int BACKRUN_RUN_FAILED = 1;
    internal const int BACKRUN_RUN_RETRY_AFTER = 2;
    internal const int BACKRUN_RUN_FATAL = 3;
    internal const int BACKRUN_RUN_CANCELLED = 4;
    internal const int BACKRUN_RUN_PENDING = 5;

    internal const uint BACKRUN_RETRY_FIXED = 1;
    internal const uint BACKRUN_RETRY_EXPONENTIAL = 2;

    internal const uint BACKRUN_STATE_SCHEDULED = 1;
    internal const uint BACKRUN_STATE_READY = 2;
    internal const uint BACKRUN_STATE_RUNNING = 3;
    internal const uint BACKRUN_STATE_PENDING = 4;
    internal const uint BACKRUN_STATE_SUCCEEDED = 5;
    internal const uint BACKRUN_STATE_DEAD = 6;
    internal const uint BACKRUN_STATE_CANCELLED = 7;
    internal const uint BACKRUN_STATE_DROPPED = 8;

    internal const uint BACKRUN_CANCEL_QUEUED = 1;
    internal const uint BACKRUN_CANCEL_RUNNING = 2;
    internal const uint BACKRUN_CANCEL_FINAL = 3;
    internal const uint BACKRUN_CANCEL_UNKNOWN = 4;

    internal const uint BACKRUN_EVENT_ACCEPTED = 1;
    internal const uint BACKRUN_EVENT_REFUSED = 2;
    internal const uint BACKRUN_EVENT_STARTED = 3;
    internal const uint BACKRUN_EVENT_SUCCEEDED = 4;
    internal const uint BACKRUN_EVENT_RUN_FAILED = 5;
    internal const uint BACKRUN_EVENT_DEAD = 6;
    internal const uint BACKRUN_EVENT_CANCELLED = 7;
    internal const uint BACKRUN_EVENT_DROPPED = 8;
    internal const uint BACKRUN_EVENT_INTERRUPTED = 9;
    internal const uint BACKRUN_EVENT_ABANDONED = 10;
    internal const uint BACKRUN_EVENT_PENDING = 11;
    internal const uint BACKRUN_EVENT_CANCEL_REQUESTED = 12;
    internal const uint BACKRUN_EVENT_STALE_SETTLE = 13;
    internal const uint BACKRUN_EVENT_EVENTS_LOST = 14;
    internal const uint BACKRUN_EVENT_RUN_STALLED = 15;
    internal const uint BACKRUN_EVENT_STALL_ENDED = 16;
    internal const uint BACKRUN_EVENT_WORKERS_EXHAUSTED = 17;
    internal const uint BACKRUN_EVENT_RUN_GIVEN_UP = 18;
    internal const uint BACKRUN_EVENT_REPLAYED = 19;

    internal const uint BACKRUN_LOG_ERROR = 1;
    internal const uint BACKRUN_LOG_WARNING = 2;
    internal const uint BACKRUN_LOG_INFO = 3;
    internal const uint BACKRUN_LOG_DEBUG = 4;
    internal const uint BACKRUN_LOG_OFF = 5;

    internal const uint BACKRUN_WHEN_FULL_REFUSE = 1;
    internal const uint BACKRUN_WHEN_FULL_WAIT = 2;
    internal const uint BACKRUN_WHEN_FULL_DROP_OLDEST = 3;

    internal const uint BACKRUN_STAT_ACCEPTED = 1;
    internal const uint BACKRUN_STAT_REFUSED = 2;
    internal const uint BACKRUN_STAT_STARTED = 3;
    internal const uint BACKRUN_STAT_SUCCEEDED = 4;
    internal const uint BACKRUN_STAT_RUNS_FAILED = 5;
    internal const uint BACKRUN_STAT_DEAD = 6;
    internal const uint BACKRUN_STAT_CANCELLED = 7;
    internal const uint BACKRUN_STAT_DROPPED = 8;
    internal const uint BACKRUN_STAT_INTERRUPTED = 9;
    internal const uint BACKRUN_STAT_ABANDONED = 10;
    internal const uint BACKRUN_STAT_STALE_SETTLES = 11;
    internal const uint BACKRUN_STAT_READY = 12;
    internal const uint BACKRUN_STAT_READY_BYTES = 13;
    internal const uint BACKRUN_STAT_RUNNING = 14;
    internal const uint BACKRUN_STAT_PENDING = 15;
    internal const uint BACKRUN_STAT_WORKERS = 16;
    internal const uint BACKRUN_STAT_IDLE_WORKERS = 17;
    internal const uint BACKRUN_STAT_EVENTS_LOST = 18;
    internal const uint BACKRUN_STAT_LOGS_LOST = 19;
    internal const uint BACKRUN_STAT_RETRIED = 20;
    internal const uint BACKRUN_STAT_STALLS = 21;
    internal const uint BACKRUN_STAT_SCHEDULED = 22;
    internal const uint BACKRUN_STAT_STALLED = 23;
    internal const uint BACKRUN_STAT_SCHEDULED_BYTES = 24;
    internal const uint BACKRUN_STAT_STORED = 25;
    internal const uint BACKRUN_STAT_STORED_OUTSIDE = 26;
    internal const uint BACKRUN_STAT_STORE_BYTES = 27;
    internal const uint BACKRUN_STAT_STORE_UNSAVED = 28;

    internal const uint BACKRUN_DURATION_WAITED_COUNT = 1;
    internal const uint BACKRUN_DURATION_WAITED_MEAN_US = 2;
    internal const uint BACKRUN_DURATION_WAITED_P50_US = 3;
    internal const uint BACKRUN_DURATION_WAITED_P90_US = 4;
    internal const uint BACKRUN_DURATION_WAITED_P99_US = 5;
    internal const uint BACKRUN_DURATION_WAITED_MAX_US = 6;
    internal const uint BACKRUN_DURATION_RAN_COUNT = 7;
    internal const uint BACKRUN_DURATION_RAN_MEAN_US = 8;
    internal const uint BACKRUN_DURATION_RAN_P50_US = 9;
    internal const uint BACKRUN_DURATION_RAN_P90_US = 10;
    internal const uint BACKRUN_DURATION_RAN_P99_US = 11;
    internal const uint BACKRUN_DURATION_RAN_MAX_US = 12;

    internal const int BACKRUN_OK = 0;
    internal const int BACKRUN_INVALID_ARGUMENT = 1;
    internal const int BACKRUN_ABI_MISMATCH = 2;
    internal const int BACKRUN_UNSUPPORTED_FIELD = 3;
    internal const int BACKRUN_NOT_SUPPORTED = 4;
    internal const int BACKRUN_NOT_FOUND = 5;
    internal const int BACKRUN_QUEUE_FULL = 6;
    internal const int BACKRUN_SHUTTING_DOWN = 7;

    internal const int BACKRUN_SHUTDOWN_INCOMPLETE = 8;
    internal const int BACKRUN_WOULD_DEADLOCK = 9;
    internal const int BACKRUN_STALE_LEASE = 10;
    internal const int BACKRUN_OUT_OF_MEMORY = 11;
    internal const int BACKRUN_FORKED = 12;
    internal const int BACKRUN_PANIC = 13;
    internal const int BACKRUN_TOO_LARGE = 14;
    internal const int BACKRUN_ALREADY_REGISTERED = 15;
    internal const int BACKRUN_NO_HANDLER = 16;
    internal const int BACKRUN_SYSTEM = 17;

    internal const int BACKRUN_STORE = 18;
    internal const int BACKRUN_INVALID_PAYLOAD = 19;

    internal const uint BACKRUN_FORMAT_CONTRACTLESS = 1;
    internal const uint BACKRUN_FORMAT_STANDARD = 2;
    internal const uint BACKRUN_FORMAT_TYPELESS = 3;

    internal const uint BACKRUN_PAYLOAD_LZ4_BLOCK = 1;
    internal const uint BACKRUN_PAYLOAD_LZ4_BLOCK_ARRAY = 2;
    internal const uint BACKRUN_PAYLOAD_ENCRYPTED = 4;

    internal const uint BACKRUN_MESSAGEPACK_2_5 = 1;
    internal const uint BACKRUN_MESSAGEPACK_3_1 = 2;

    internal const uint BACKRUN_CODEC_OLD_SPEC = 1;

    internal const long BACKRUN_TICKS_OF_1970 = 621355968000000000;

    internal const uint BACKRUN_DATETIME_UNSPECIFIED = 0;
    internal const uint BACKRUN_DATETIME_UTC = 1;
    internal const uint BACKRUN_DATETIME_LOCAL = 2;

    internal const uint BACKRUN_KIND_NIL = 1;
    internal const uint BACKRUN_KIND_BOOL = 2;
    internal const uint BACKRUN_KIND_INT = 3;
    internal const uint BACKRUN_KIND_FLOAT = 4;
    internal const uint BACKRUN_KIND_STR = 5;
    internal const uint BACKRUN_KIND_BIN = 6;
    internal const uint BACKRUN_KIND_ARRAY = 7;
    internal const uint BACKRUN_KIND_MAP = 8;
    internal const uint BACKRUN_KIND_EXT = 9;
    internal const uint BACKRUN_KIND_END = 10;

    internal const int BACKRUN_PRIORITY_LOWEST = -2;
    internal const int BACKRUN_PRIORITY_HIGHEST = 2;
}
