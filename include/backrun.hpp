// Backrun for C++17: background tasks on the engine of backrun.h. Header only; link with libbackrun.
//
// Rules that hold for everything here:
//   * Errors are exceptions of type backrun::error with a code and a message. Nothing else is thrown but
//   std::bad_alloc.
//   * Objects own what they stand for and free it; views (bytes_view, std::string_view) are borrowed, and each comment
//   says
//     from what. Arguments are copied or used up before the call returns.
//   * backrun::engine may be used from many threads at once; every other object from one thread at a time.
//   * Callables that you hand over (handlers, observers, watchers) are called from threads of the engine. An exception
//   that
//     leaves one never crosses into C: a handler's fails the run, an observer's or watcher's is dropped.
//   * What an engine cannot do yet (docs/c-abi.md, "Not yet") has no name here yet.

#ifndef BACKRUN_HPP
#define BACKRUN_HPP

#include "backrun.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#if defined(__GNUG__)
#include <cxxabi.h>
#endif

namespace backrun {

/// The id of a task: positive, growing, never reused.
using task_id = std::int64_t;

/// The number of one claim of a task; a settle with an old one is refused.
using lease_number = std::int64_t;

/// Why a call failed. The numbers are those of backrun.h; a later library may use more.
enum class error_code : std::int32_t {
    invalid_argument = BACKRUN_INVALID_ARGUMENT,
    abi_mismatch = BACKRUN_ABI_MISMATCH,
    unsupported_field = BACKRUN_UNSUPPORTED_FIELD,
    not_supported = BACKRUN_NOT_SUPPORTED,
    not_found = BACKRUN_NOT_FOUND,
    queue_full = BACKRUN_QUEUE_FULL,
    shutting_down = BACKRUN_SHUTTING_DOWN,
    shutdown_incomplete = BACKRUN_SHUTDOWN_INCOMPLETE,
    would_deadlock = BACKRUN_WOULD_DEADLOCK,
    stale_lease = BACKRUN_STALE_LEASE,
    out_of_memory = BACKRUN_OUT_OF_MEMORY,
    forked = BACKRUN_FORKED,
    panic = BACKRUN_PANIC,
    too_large = BACKRUN_TOO_LARGE,
    already_registered = BACKRUN_ALREADY_REGISTERED,
    no_handler = BACKRUN_NO_HANDLER,
    system = BACKRUN_SYSTEM,
    store = BACKRUN_STORE,
    invalid_payload = BACKRUN_INVALID_PAYLOAD,
};

/// What every failing call throws. `what()` is for people: it names the value, the limit and what to do.
class error : public std::runtime_error {
public:
    error(error_code code, const std::string &message) : std::runtime_error(message), code_(code) {}
    /// Why, for programs.
    error_code code() const noexcept { return code_; }

private:
    error_code code_;
};

/// What a handler returns. A handler that returns nothing is done.
enum class run_result : std::int32_t {
    done = BACKRUN_RUN_DONE,     ///< The task succeeded.
    failed = BACKRUN_RUN_FAILED, ///< The run failed; say why by task::fail. As if an exception had been thrown.
    retry_after = BACKRUN_RUN_RETRY_AFTER, ///< It failed and wants to be tried again: see task::retry_after.
    fatal = BACKRUN_RUN_FATAL,             ///< The run failed for good; say why by task::fail.
    cancelled = BACKRUN_RUN_CANCELLED,     ///< The run stopped because it was asked to.
    pending = BACKRUN_RUN_PENDING,         ///< The task goes on elsewhere and holds no worker: engine::settle ends it.
};

/// Where a task stands.
enum class state : std::uint32_t {
    scheduled = BACKRUN_STATE_SCHEDULED,
    ready = BACKRUN_STATE_READY,
    running = BACKRUN_STATE_RUNNING,
    pending = BACKRUN_STATE_PENDING,
    succeeded = BACKRUN_STATE_SUCCEEDED,
    dead = BACKRUN_STATE_DEAD,
    cancelled = BACKRUN_STATE_CANCELLED,
    dropped = BACKRUN_STATE_DROPPED,
};

/// The name of a state, as in `state::dead`; "unknown" for one that this header does not know.
inline const char *to_string(state value) noexcept {
    switch (value) {
    case state::scheduled:
        return "scheduled";
    case state::ready:
        return "ready";
    case state::running:
        return "running";
    case state::pending:
        return "pending";
    case state::succeeded:
        return "succeeded";
    case state::dead:
        return "dead";
    case state::cancelled:
        return "cancelled";
    case state::dropped:
        return "dropped";
    }
    return "unknown";
}

/// What engine::cancel met.
enum class cancel_result : std::uint32_t {
    queued = BACKRUN_CANCEL_QUEUED,       ///< It was not running: it is cancelled.
    running = BACKRUN_CANCEL_RUNNING,     ///< It was running or pending: it was asked to stop.
    already_final = BACKRUN_CANCEL_FINAL, ///< It had ended: nothing changed.
    unknown = BACKRUN_CANCEL_UNKNOWN,     ///< There is no such task, or it is no longer kept.
};

/// What an event tells of.
enum class event_kind : std::uint32_t {
    accepted = BACKRUN_EVENT_ACCEPTED,
    refused = BACKRUN_EVENT_REFUSED,
    started = BACKRUN_EVENT_STARTED,
    succeeded = BACKRUN_EVENT_SUCCEEDED,
    run_failed = BACKRUN_EVENT_RUN_FAILED,
    dead = BACKRUN_EVENT_DEAD,
    cancelled = BACKRUN_EVENT_CANCELLED,
    dropped = BACKRUN_EVENT_DROPPED,
    interrupted = BACKRUN_EVENT_INTERRUPTED,
    abandoned = BACKRUN_EVENT_ABANDONED,
    pending = BACKRUN_EVENT_PENDING,
    cancel_requested = BACKRUN_EVENT_CANCEL_REQUESTED,
    stale_settle = BACKRUN_EVENT_STALE_SETTLE,
    events_lost = BACKRUN_EVENT_EVENTS_LOST,
    run_stalled = BACKRUN_EVENT_RUN_STALLED,
    stall_ended = BACKRUN_EVENT_STALL_ENDED,
    workers_exhausted = BACKRUN_EVENT_WORKERS_EXHAUSTED,
    run_given_up = BACKRUN_EVENT_RUN_GIVEN_UP,
    replayed = BACKRUN_EVENT_REPLAYED,
};

/// How severe a log record is, most severe first.
enum class log_level : std::uint32_t {
    error = BACKRUN_LOG_ERROR,
    warning = BACKRUN_LOG_WARNING,
    info = BACKRUN_LOG_INFO,
    debug = BACKRUN_LOG_DEBUG,
    off = BACKRUN_LOG_OFF,
};

/// How safe a task is when the submit returns.
enum class durability : std::uint32_t {
    committed = BACKRUN_DURABILITY_COMMITTED, ///< On disk, past a power cut. The default of a durable store.
    buffered = BACKRUN_DURABILITY_BUFFERED,   ///< Past the end of the process, with a durable store.
};

/// What a submit to a full queue does.
enum class when_full : std::uint32_t {
    refuse = BACKRUN_WHEN_FULL_REFUSE,           ///< It throws error_code::queue_full. The default.
    wait = BACKRUN_WHEN_FULL_WAIT,               ///< It waits for room, up to a time limit, then it is refused.
    drop_oldest = BACKRUN_WHEN_FULL_DROP_OLDEST, ///< The oldest queued task of the lowest level ends as dropped.
};

/// How the delay between attempts grows.
enum class backoff : std::uint32_t {
    fixed = BACKRUN_RETRY_FIXED,             ///< It stays what it is.
    exponential = BACKRUN_RETRY_EXPONENTIAL, ///< It doubles with each attempt. The default.
};

/// How an engine ends.
enum class shutdown_mode : std::uint32_t {
    drain = BACKRUN_SHUTDOWN_DRAIN,   ///< Run what is queued, wait for what runs.
    cancel = BACKRUN_SHUTDOWN_CANCEL, ///< Start nothing more, ask what runs to stop, wait for it.
};

/// Before or after others: five levels.
enum class priority : std::int32_t { lowest = -2, below_normal = -1, normal = 0, above_normal = 1, highest = 2 };

/// How the payload was written.
enum class payload_format : std::uint32_t {
    contractless = BACKRUN_FORMAT_CONTRACTLESS,
    standard = BACKRUN_FORMAT_STANDARD,
    typeless = BACKRUN_FORMAT_TYPELESS,
};

/// A counter: of statistics::value, and of statistics::queue_value but for events_lost and logs_lost.
enum class stat : std::uint32_t {
    accepted = BACKRUN_STAT_ACCEPTED,
    refused = BACKRUN_STAT_REFUSED,
    started = BACKRUN_STAT_STARTED,
    succeeded = BACKRUN_STAT_SUCCEEDED,
    runs_failed = BACKRUN_STAT_RUNS_FAILED,
    dead = BACKRUN_STAT_DEAD,
    cancelled = BACKRUN_STAT_CANCELLED,
    dropped = BACKRUN_STAT_DROPPED,
    interrupted = BACKRUN_STAT_INTERRUPTED,
    abandoned = BACKRUN_STAT_ABANDONED,
    stale_settles = BACKRUN_STAT_STALE_SETTLES,
    ready = BACKRUN_STAT_READY,
    ready_bytes = BACKRUN_STAT_READY_BYTES,
    running = BACKRUN_STAT_RUNNING,
    pending = BACKRUN_STAT_PENDING,
    workers = BACKRUN_STAT_WORKERS,
    idle_workers = BACKRUN_STAT_IDLE_WORKERS,
    events_lost = BACKRUN_STAT_EVENTS_LOST,
    logs_lost = BACKRUN_STAT_LOGS_LOST,
    retried = BACKRUN_STAT_RETRIED,
    stalls = BACKRUN_STAT_STALLS,
    scheduled = BACKRUN_STAT_SCHEDULED,
    stalled = BACKRUN_STAT_STALLED,
    scheduled_bytes = BACKRUN_STAT_SCHEDULED_BYTES,
    stored = BACKRUN_STAT_STORED,
    stored_outside = BACKRUN_STAT_STORED_OUTSIDE,
    store_bytes = BACKRUN_STAT_STORE_BYTES,
    store_unsaved = BACKRUN_STAT_STORE_UNSAVED,
};

namespace detail {

inline backrun_str str(std::string_view text) noexcept {
    return {text.data(), text.size()};
}

inline std::string_view view(backrun_str text) noexcept {
    return text.len == 0 ? std::string_view() : std::string_view(text.data, text.len);
}

/// Throws what a failed call told; frees it.
inline void check(std::int32_t code, backrun_error *object) {
    const std::unique_ptr<backrun_error, void (*)(backrun_error *)> owner(object, backrun_error_free);
    if (code != BACKRUN_OK) {
        std::string message(view(backrun_error_message(object)));
        if (message.empty()) {
            message = "Backrun: error " + std::to_string(code);
        }
        throw error(static_cast<error_code>(code), message);
    }
}

/// The milliseconds of a time limit, rounded up. A negative one is 0: only the overloads without a limit wait for ever.
template <class Rep, class Period>
std::int64_t milliseconds(std::chrono::duration<Rep, Period> limit) {
    using namespace std::chrono;
    if (!(limit > limit.zero())) {
        return 0;
    }
    if (duration<long double, std::milli>(limit).count() >= static_cast<long double>(INT64_MAX)) {
        return INT64_MAX;
    }
    return static_cast<std::int64_t>(ceil<std::chrono::milliseconds>(limit).count());
}

/// The milliseconds of a time, rounded up: where 0 would be the default, a short one is the shortest, and a negative
/// one is left for the library to refuse.
template <class Rep, class Period>
std::int64_t exact_milliseconds(std::chrono::duration<Rep, Period> time) {
    return time < time.zero() ? -1 : milliseconds(time);
}

inline std::chrono::system_clock::time_point time_point(std::int64_t unix_us) {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::microseconds(unix_us)));
}

/// The text, with a question mark for each byte that is no UTF-8: what() of any exception can be reported.
inline std::string to_utf8(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto byte = [&](std::size_t offset) -> unsigned {
            return at + offset < text.size() ? static_cast<unsigned char>(text[at + offset]) : 0U;
        };
        const auto follows = [&](std::size_t offset) { return (byte(offset) & 0xC0U) == 0x80U; };
        const unsigned first = byte(0);
        std::size_t length = 0;
        if (first < 0x80U) {
            length = 1;
        } else if (first >= 0xC2U && first <= 0xDFU && follows(1)) {
            length = 2;
        } else if (first >= 0xE0U && first <= 0xEFU && follows(1) && follows(2)) {
            const bool overlong = first == 0xE0U && byte(1) < 0xA0U;
            const bool surrogate = first == 0xEDU && byte(1) > 0x9FU;
            length = overlong || surrogate ? 0 : 3;
        } else if (first >= 0xF0U && first <= 0xF4U && follows(1) && follows(2) && follows(3)) {
            const bool overlong = first == 0xF0U && byte(1) < 0x90U;
            const bool too_large = first == 0xF4U && byte(1) > 0x8FU;
            length = overlong || too_large ? 0 : 4;
        }
        if (length == 0) {
            clean += '?';
            at += 1;
        } else {
            clean.append(text.substr(at, length));
            at += length;
        }
    }
    return clean;
}

inline std::string type_name(const std::type_info &type) {
#if defined(__GNUG__)
    int status = 0;
    const std::unique_ptr<char, void (*)(void *)> name(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    if (name) {
        return name.get();
    }
#endif
    return type.name();
}

/// The type of an exception as it was thrown.
inline std::string type_name(const std::exception &thrown) {
#if defined(__cpp_rtti)
    return type_name(typeid(thrown));
#else
    return (void)thrown, "std::exception";
#endif
}

/// A struct from an array of the library's, which may know fewer or more fields than this header.
template <class T>
T read_sized(const T *array, std::size_t index) noexcept {
    T copy{};
    const std::size_t stride = array->struct_size;
    const auto *from = reinterpret_cast<const unsigned char *>(array) + index * stride;
    std::memcpy(&copy, from, stride < sizeof(T) ? stride : sizeof(T));
    return copy;
}

} // namespace detail

/// Borrowed bytes: a pointer and a size. Valid as long as what it was made from.
///
/// Made from anything with `data()` and `size()` over one-byte elements (vector, array, string, string_view, span) or
/// an array of bytes; a string literal or `const char *` gives its text without the NUL.
class bytes_view {
    template <class Container>
    using element_of = std::remove_cv_t<std::remove_pointer_t<decltype(std::data(std::declval<const Container &>()))>>;
    template <class Element>
    static constexpr bool is_byte = std::is_trivially_copyable_v<Element> && sizeof(Element) == 1;

public:
    constexpr bytes_view() noexcept = default;
    bytes_view(const void *data, std::size_t size) noexcept
        : data_(static_cast<const std::uint8_t *>(data)), size_(size) {}
    bytes_view(const char *text) noexcept : bytes_view(text, text == nullptr ? 0 : std::strlen(text)) {}
    template <class Container,
        std::enable_if_t<is_byte<element_of<Container>> && !std::is_same_v<Container, bytes_view> &&
                             !(std::is_array_v<Container> && std::is_same_v<element_of<Container>, char>),
            int> = 0>
    bytes_view(const Container &container) noexcept : bytes_view(std::data(container), std::size(container)) {}
    explicit bytes_view(backrun_bytes bytes) noexcept : data_(bytes.data), size_(bytes.len) {}

    constexpr const std::uint8_t *data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }
    constexpr const std::uint8_t *begin() const noexcept { return data_; }
    constexpr const std::uint8_t *end() const noexcept { return data_ + size_; }
    constexpr std::uint8_t operator[](std::size_t index) const noexcept { return data_[index]; }
    /// The same bytes as text, borrowed from the same owner.
    std::string_view text() const noexcept {
        return size_ == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char *>(data_), size_);
    }
    /// A copy.
    std::vector<std::uint8_t> to_vector() const { return std::vector<std::uint8_t>(begin(), end()); }
    /// For calls into backrun.h.
    backrun_bytes native() const noexcept { return {data_, size_}; }

private:
    const std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0;
};

/// Why a run failed.
struct failure {
    std::string message;    ///< One sentence for people. Kept up to 4 KiB.
    std::string error_type; ///< The kind of error, such as an exception's type name. Kept up to 512 bytes.
    std::string detail;     ///< More, such as a stack trace. Kept up to 32 KiB.
};

namespace detail {

/// A failure as backrun.h takes it.
class native_failure {
public:
    explicit native_failure(const failure &why)
        : message_(to_utf8(why.message)), error_type_(to_utf8(why.error_type)), detail_(to_utf8(why.detail)) {
        native_.struct_size = sizeof native_;
        native_.message = str(message_);
        native_.error_type = str(error_type_);
        native_.detail = str(detail_);
    }
    native_failure(const native_failure &) = delete;
    native_failure &operator=(const native_failure &) = delete;
    const backrun_failure *get() const noexcept { return &native_; }

private:
    std::string message_;
    std::string error_type_;
    std::string detail_;
    backrun_failure native_{};
};

} // namespace detail

/// A task during one callback of its run: valid until the callback returns. Its functions may be called from any thread
/// while the callback lasts.
class task {
public:
    explicit task(backrun_task *native) noexcept : native_(native) {}
    task(const task &) = delete;
    task &operator=(const task &) = delete;

    task_id id() const noexcept { return backrun_task_id(native_); }
    /// 1 for the first run; an interrupted run does not count.
    std::uint32_t attempt() const noexcept { return backrun_task_attempt(native_); }
    /// What engine::settle needs for a pending run.
    lease_number lease() const noexcept { return backrun_task_lease(native_); }
    /// Borrowed for the callback, as all texts here.
    std::string_view name() const noexcept { return detail::view(backrun_task_name(native_)); }
    std::string_view queue() const noexcept { return detail::view(backrun_task_queue(native_)); }
    backrun::priority priority() const noexcept {
        return static_cast<backrun::priority>(backrun_task_priority(native_));
    }
    backrun::payload_format payload_format() const noexcept {
        return static_cast<backrun::payload_format>(backrun_task_payload_format(native_));
    }
    /// Whether this run was asked to stop. Costs one load, so a loop may ask often.
    bool is_cancelled() const noexcept { return backrun_task_is_cancelled(native_) != 0; }
    /// The value of a header, or nothing if the task has none of that name.
    std::optional<std::string_view> header(std::string_view name) const noexcept {
        const backrun_str value = backrun_task_header(native_, detail::str(name));
        if (value.data == nullptr) {
            return std::nullopt;
        }
        return std::string_view(value.data, value.len);
    }
    std::size_t header_count() const noexcept { return backrun_task_header_count(native_); }
    /// Empty where there is no such index.
    std::string_view header_name(std::size_t index) const noexcept {
        return detail::view(backrun_task_header_name(native_, index));
    }
    /// Says why the run fails: `return task.fail("no such file");`. The last call counts. Bytes that are no UTF-8
    /// become question marks.
    run_result fail(const failure &why) {
        const detail::native_failure native(why);
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_task_fail_with(native_, native.get(), &object);
        detail::check(code, object);
        return run_result::failed;
    }
    run_result fail(std::string_view message) { return fail(failure{std::string(message), {}, {}}); }
    /// Says when the run wants to be tried again: `return task.retry_after(minutes(5));`. Zero: at once. As often as
    /// the retry policy says; without one, always. Whoever returns run_result::retry_after without it waits as the
    /// policy says, or, without one, a second. Throws invalid_argument.
    template <class Rep, class Period>
    run_result retry_after(std::chrono::duration<Rep, Period> delay) {
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_task_retry_after(native_, detail::exact_milliseconds(delay), &object);
        detail::check(code, object);
        return run_result::retry_after;
    }
    /// Tells how far the run is, from 0 to 1, and what it is at (kept up to 512 bytes). Throws invalid_argument,
    /// stale_lease (the run was given up), out_of_memory.
    void set_progress(double fraction, std::string_view text = {}) {
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_task_set_progress(native_, fraction, detail::str(text), &object);
        detail::check(code, object);
    }
    /// Leaves the result of the task, kept if the run succeeds; the last one counts. Up to 4 MiB. Throws too_large,
    /// stale_lease (the run was settled or given up), out_of_memory.
    void set_result(bytes_view result) {
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_task_set_result(native_, result.native(), &object);
        detail::check(code, object);
    }
    /// For calls into backrun.h.
    backrun_task *native() const noexcept { return native_; }

private:
    backrun_task *native_;
};

/// What was known of a task at one moment. Texts are borrowed from it.
class task_status {
public:
    /// Takes over a snapshot of backrun.h's, or borrows one for the time of a callback.
    explicit task_status(backrun_task_status *owned) noexcept : owned_(owned) {}
    explicit task_status(const backrun_task_status *borrowed) noexcept : borrowed_(borrowed) {}

    task_id id() const noexcept { return backrun_task_status_id(native()); }
    backrun::state state() const noexcept { return static_cast<backrun::state>(backrun_task_status_state(native())); }
    bool is_final() const noexcept { return backrun_task_status_is_final(native()) != 0; }
    bool has_succeeded() const noexcept { return state() == backrun::state::succeeded; }
    /// Runs begun so far, interrupted ones not counted.
    std::uint32_t attempt() const noexcept { return backrun_task_status_attempt(native()); }
    /// Of its last run; 0 before the first.
    lease_number lease() const noexcept { return backrun_task_status_lease(native()); }
    std::string_view name() const noexcept { return detail::view(backrun_task_status_name(native())); }
    std::string_view queue() const noexcept { return detail::view(backrun_task_status_queue(native())); }
    backrun::priority priority() const noexcept {
        return static_cast<backrun::priority>(backrun_task_status_priority(native()));
    }
    std::chrono::system_clock::time_point submitted_at() const {
        return detail::time_point(backrun_task_status_submitted_at(native()));
    }
    /// When its last run began; nothing before the first.
    std::optional<std::chrono::system_clock::time_point> started_at() const {
        return optional_time(backrun_task_status_started_at(native()));
    }
    /// When it came to its final state; nothing before.
    std::optional<std::chrono::system_clock::time_point> finished_at() const {
        return optional_time(backrun_task_status_finished_at(native()));
    }
    /// Of its last error; empty if there was none.
    std::string_view error_type() const noexcept { return detail::view(backrun_task_status_error_type(native())); }
    std::string_view error_message() const noexcept {
        return detail::view(backrun_task_status_error_message(native()));
    }
    std::string_view error_detail() const noexcept { return detail::view(backrun_task_status_error_detail(native())); }
    bool is_cancel_requested() const noexcept { return backrun_task_status_is_cancel_requested(native()) != 0; }
    /// Why it was cancelled or asked to stop; empty if it was not, or no reason was given.
    std::string_view cancel_reason() const noexcept {
        return detail::view(backrun_task_status_cancel_reason(native()));
    }
    /// When a scheduled task may run, as far as that is known now; nothing if it is not scheduled.
    std::optional<std::chrono::system_clock::time_point> run_at() const {
        return optional_time(backrun_task_status_run_at_unix_us(native()));
    }
    /// For how long its run has held up what waits behind it; zero: it does not.
    std::chrono::microseconds stalled_for() const noexcept {
        return std::chrono::microseconds(backrun_task_status_stalled_us(native()));
    }
    /// How far its last run said it is, from 0 to 1; nothing if it never said.
    std::optional<double> progress() const noexcept {
        const double fraction = backrun_task_status_progress(native());
        return fraction < 0 ? std::nullopt : std::make_optional(fraction);
    }
    std::string_view progress_text() const noexcept {
        return detail::view(backrun_task_status_progress_text(native()));
    }
    /// What it left; empty if that is nothing, or no longer kept. Borrowed from this object.
    bytes_view result() const noexcept { return bytes_view(backrun_task_status_result(native())); }
    /// For calls into backrun.h; still owned by this object.
    const backrun_task_status *native() const noexcept { return owned_ ? owned_.get() : borrowed_; }

private:
    struct free_status {
        void operator()(backrun_task_status *status) const noexcept { backrun_task_status_free(status); }
    };
    static std::optional<std::chrono::system_clock::time_point> optional_time(std::int64_t unix_us) {
        return unix_us == 0 ? std::nullopt : std::make_optional(detail::time_point(unix_us));
    }

    std::unique_ptr<backrun_task_status, free_status> owned_;
    const backrun_task_status *borrowed_ = nullptr;
};

/// Tasks that engine::list found. Owns what is known of them.
class task_list {
public:
    /// Takes over a list of backrun.h's.
    explicit task_list(backrun_task_list *owned) noexcept : native_(owned) {}

    std::size_t size() const noexcept { return backrun_task_list_count(native_.get()); }
    bool empty() const noexcept { return size() == 0; }
    /// Borrowed from this list: valid as long as it is. `index`: less than size().
    task_status operator[](std::size_t index) const noexcept {
        return task_status(backrun_task_list_at(native_.get(), index));
    }

    /// Steps through the list; what it gives is borrowed from it.
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = task_status;
        using difference_type = std::ptrdiff_t;
        using pointer = void;
        using reference = task_status;

        iterator(const task_list *list, std::size_t index) noexcept : list_(list), index_(index) {}
        task_status operator*() const noexcept { return (*list_)[index_]; }
        iterator &operator++() noexcept {
            ++index_;
            return *this;
        }
        bool operator==(const iterator &other) const noexcept { return index_ == other.index_; }
        bool operator!=(const iterator &other) const noexcept { return index_ != other.index_; }

    private:
        const task_list *list_;
        std::size_t index_;
    };
    iterator begin() const noexcept { return iterator(this, 0); }
    iterator end() const noexcept { return iterator(this, size()); }

private:
    struct free_list {
        void operator()(backrun_task_list *list) const noexcept { backrun_task_list_free(list); }
    };
    std::unique_ptr<backrun_task_list, free_list> native_;
};

/// A run that holds up what waits behind it. Texts are borrowed from the statistics.
struct stalled_run {
    task_id task;
    std::string_view task_name;
    std::string_view queue;
    std::uint64_t worker;               ///< Its number, as in the name of the thread.
    std::chrono::microseconds runs_for; ///< As long as it has been seen to run.
};

/// Counters at one moment.
class statistics {
public:
    /// Takes over a snapshot of backrun.h's.
    explicit statistics(backrun_stats *owned) noexcept : native_(owned) {}

    /// A counter of the whole engine.
    std::uint64_t value(stat which) const {
        std::uint64_t value = 0;
        backrun_error *object = nullptr;
        const std::int32_t code =
            backrun_stats_value(native_.get(), static_cast<std::uint32_t>(which), &value, &object);
        detail::check(code, object);
        return value;
    }
    std::size_t queue_count() const noexcept { return backrun_stats_queue_count(native_.get()); }
    /// Borrowed from this snapshot; empty where there is no such index.
    std::string_view queue_name(std::size_t index) const noexcept {
        return detail::view(backrun_stats_queue_name(native_.get(), index));
    }
    /// A counter of one queue, by its index from 0.
    std::uint64_t queue_value(std::size_t index, stat which) const {
        std::uint64_t value = 0;
        backrun_error *object = nullptr;
        const std::int32_t code =
            backrun_stats_queue_value(native_.get(), index, static_cast<std::uint32_t>(which), &value, &object);
        detail::check(code, object);
        return value;
    }
    /// The runs that hold up what waits behind them, of all queues.
    std::vector<stalled_run> stalled_runs() const {
        const backrun_stats *stats = native_.get();
        std::vector<stalled_run> all;
        all.reserve(backrun_stats_stalled_count(stats));
        for (std::size_t index = 0; index < backrun_stats_stalled_count(stats); ++index) {
            all.push_back({backrun_stats_stalled_task_id(stats, index),
                detail::view(backrun_stats_stalled_task_name(stats, index)),
                detail::view(backrun_stats_stalled_queue(stats, index)), backrun_stats_stalled_worker(stats, index),
                std::chrono::microseconds(backrun_stats_stalled_us(stats, index))});
        }
        return all;
    }

    /// How many task names there are.
    std::size_t task_name_count() const noexcept { return backrun_stats_task_name_count(native_.get()); }
    /// Borrowed from this snapshot; empty where there is no such index.
    std::string_view task_name(std::size_t index) const noexcept {
        return detail::view(backrun_stats_task_name(native_.get(), index));
    }
    /// How long tasks of a name waited or ran, by its index from 0: one of BACKRUN_DURATION_WAITED_COUNT and its kin.
    std::uint64_t duration(std::size_t index, std::uint32_t which) const {
        std::uint64_t value = 0;
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_stats_task_name_duration(native_.get(), index, which, &value, &object);
        detail::check(code, object);
        return value;
    }

private:
    struct free_stats {
        void operator()(backrun_stats *stats) const noexcept { backrun_stats_free(stats); }
    };
    std::unique_ptr<backrun_stats, free_stats> native_;
};

/// What a shutdown left behind.
struct shutdown_report {
    struct left_task {
        task_id id;
        std::string name;
    };
    /// Whether everything ended: no callback of the engine runs or will run, and each handler was released.
    bool complete = false;
    /// Tasks that were still running (or pending) at the time limit. Their outcomes will be refused.
    std::vector<left_task> running;
    /// How many queued tasks the shutdown cancelled.
    std::uint64_t queued = 0;
};

/// Something that happened; views are valid for the call only.
struct event {
    event_kind kind; ///< A later library has more kinds: skip those you do not know.
    std::chrono::system_clock::time_point time;
    task_id task;          ///< 0 where none is meant (refused, events lost).
    lease_number lease;    ///< 0 before the first run.
    std::uint32_t attempt; ///< 0 before the first run.
    backrun::state state;  ///< The state after it.
    std::string_view task_name;
    std::string_view queue;
    std::string_view error_type;
    std::string_view message; ///< The error's message, or the reason of a cancel.
    std::string_view detail;
    std::chrono::microseconds run_time; ///< How long the run took, where one ended.
    std::uint64_t count;                ///< How many, for events_lost and refused batches; else 1.
    std::int32_t code;                  ///< Why, for refused: an error_code; else 0.
    /// When the next run may begin, for run_failed where another one follows and that is known.
    std::optional<std::chrono::system_clock::time_point> run_at;
};

/// A line for the log; views are valid for the call only.
struct log_record {
    log_level level;
    std::chrono::system_clock::time_point time;
    task_id task;       ///< 0 if it is about none.
    lease_number lease; ///< 0 if it is about no run.
    std::string_view task_name;
    std::string_view queue;
    std::string_view message;
};

/// The end of a task that engine::tell_end asked for.
struct task_end {
    task_id id;
    lease_number lease;              ///< Of its last run; 0 if it never ran.
    std::optional<state> last_state; ///< The final one; nothing if the engine ended first: no end will be recorded.
};

namespace detail {

/// The observers of one engine, which owns them until `release`.
struct observers {
    std::function<void(const event &)> on_event;
    std::function<void(const log_record &)> on_log;
    std::function<void(const task_end &)> on_end;

    static void receive_end(void *user_data, std::int64_t id, std::int64_t lease, std::uint32_t native) noexcept {
        task_end end{id, lease, std::nullopt};
        if (native != 0) {
            end.last_state = static_cast<state>(native);
        }
        try {
            static_cast<observers *>(user_data)->on_end(end);
        } catch (...) { // It may not stop whoever records the end.
        }
    }

    static void receive_events(void *user_data, const backrun_event *events, std::size_t count) noexcept {
        for (std::size_t index = 0; index < count; ++index) {
            const backrun_event native = read_sized(events, index);
            const event one{static_cast<event_kind>(native.kind), time_point(native.time_unix_us), native.task_id,
                native.lease, native.attempt, static_cast<state>(native.state), view(native.task_name),
                view(native.queue), view(native.error_type), view(native.message), view(native.detail),
                std::chrono::microseconds(native.run_us), native.count, native.code,
                native.run_at_unix_us == 0 ? std::nullopt : std::make_optional(time_point(native.run_at_unix_us))};
            try {
                static_cast<observers *>(user_data)->on_event(one);
            } catch (...) { // An observer may not stop the engine.
            }
        }
    }

    static void receive_logs(void *user_data, const backrun_log_record *records, std::size_t count) noexcept {
        for (std::size_t index = 0; index < count; ++index) {
            const backrun_log_record native = read_sized(records, index);
            const log_record one{static_cast<log_level>(native.level), time_point(native.time_unix_us), native.task_id,
                native.lease, view(native.task_name), view(native.queue), view(native.message)};
            try {
                static_cast<observers *>(user_data)->on_log(one);
            } catch (...) { // Likewise.
            }
        }
    }

    static void release(void *user_data) noexcept { delete static_cast<observers *>(user_data); }
};

} // namespace detail

/// What follows a failed run. What is not set is the default.
class retry_policy {
public:
    /// So many runs in all, the first included: 1 to 100,000.
    explicit retry_policy(std::uint32_t max_attempts) noexcept {
        native_.struct_size = sizeof native_;
        native_.max_attempts = max_attempts;
    }
    /// How the delay grows. Not set: exponential.
    retry_policy &kind(backoff how) noexcept {
        native_.kind = static_cast<std::uint32_t>(how);
        return *this;
    }
    /// Before the second run, from 1 ms on. Not set, or zero: 1 s.
    template <class Rep, class Period>
    retry_policy &delay(std::chrono::duration<Rep, Period> time) {
        native_.delay_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// No delay is longer; up to a year. Not set, or zero: 1 h.
    template <class Rep, class Period>
    retry_policy &max_delay(std::chrono::duration<Rep, Period> time) {
        native_.max_delay_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// Spread of each delay in percent of it, up and down: 0 (none) to 100. Not set: 20.
    retry_policy &jitter_percent(std::int32_t percent) noexcept {
        native_.jitter_percent = percent == 0 ? -1 : percent == -1 ? -2 : percent;
        return *this;
    }
    /// For calls into backrun.h; borrowed from this object.
    const backrun_retry_policy *native() const noexcept { return &native_; }

private:
    backrun_retry_policy native_{};
};

/// Which tasks engine::list and engine::purge mean. What is not set is any.
class task_filter {
public:
    task_filter() noexcept { native_.struct_size = sizeof native_; }
    task_filter &states(std::initializer_list<state> states) noexcept {
        native_.states = 0;
        for (const state one : states) {
            native_.states |= std::uint32_t{1} << static_cast<std::uint32_t>(one);
        }
        return *this;
    }
    task_filter &task_name(std::string name) {
        task_name_ = std::move(name);
        return *this;
    }
    task_filter &queue(std::string name) {
        queue_ = std::move(name);
        return *this;
    }
    /// Tasks with a larger id: to page on.
    task_filter &after(task_id id) noexcept {
        native_.after_id = id;
        return *this;
    }
    /// Tasks in a final state for at least so long.
    template <class Rep, class Period>
    task_filter &final_for(std::chrono::duration<Rep, Period> time) {
        native_.final_for_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// At most so many, smallest id first. 0: 1,000 for a list, no limit for a purge.
    task_filter &limit(std::uint32_t count) noexcept {
        native_.limit = count;
        return *this;
    }
    /// For calls into backrun.h; borrowed from this object.
    backrun_filter native() const noexcept {
        backrun_filter copy = native_;
        copy.task_name = detail::str(task_name_);
        copy.queue = detail::str(queue_);
        return copy;
    }

private:
    std::string task_name_;
    std::string queue_;
    backrun_filter native_{};
};

/// How a queue is made or changed. What is not set is the default.
class queue_options {
public:
    /// 1 to 64 bytes of printable UTF-8; empty: the queue `default`.
    explicit queue_options(std::string name = {}) : name_(std::move(name)) { native_.struct_size = sizeof native_; }
    /// Workers that normally run for this queue. 0: the engine's.
    queue_options &workers(std::uint32_t count) {
        native_.workers = count;
        return *this;
    }
    /// Runs at one time, stuck and pending ones included: a hard limit. 0: none.
    queue_options &concurrency_limit(std::uint32_t count) {
        native_.concurrency_limit = count;
        return *this;
    }
    /// Ready tasks it may hold. 0: 1,000,000.
    queue_options &capacity(std::uint64_t tasks) {
        native_.capacity = tasks;
        return *this;
    }
    /// Bytes of payload, user context and headers that its ready tasks may hold together. 0: 512 MiB.
    queue_options &capacity_bytes(std::uint64_t bytes) {
        native_.capacity_bytes = bytes;
        return *this;
    }
    /// What a submit to it does when it is full, unless the submission says.
    queue_options &when_full(backrun::when_full what) {
        native_.when_full = static_cast<std::uint32_t>(what);
        return *this;
    }
    /// Waits for room, up to the limit (30 s if it is not positive).
    template <class Rep, class Period>
    queue_options &wait_when_full(std::chrono::duration<Rep, Period> limit) {
        native_.when_full_timeout_ms = detail::milliseconds(limit);
        return when_full(backrun::when_full::wait);
    }
    /// Ageing: a task waits at most this much longer for each level of priority above its own.
    template <class Rep, class Period>
    queue_options &ageing_step(std::chrono::duration<Rep, Period> step) {
        native_.ageing_step_ms = detail::milliseconds(step);
        return *this;
    }
    /// How long a run may keep others waiting before its worker gets a replacement. Zero: 100 ms.
    template <class Rep, class Period>
    queue_options &stall_threshold(std::chrono::duration<Rep, Period> time) {
        native_.stall_threshold_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// For calls into backrun.h; borrowed from this object.
    backrun_queue_options native() const noexcept {
        backrun_queue_options copy = native_;
        copy.name = detail::str(name_);
        return copy;
    }

private:
    std::string name_;
    backrun_queue_options native_{};
};

/// How an engine is made. What is not set is the default.
class engine_options {
public:
    engine_options() {
        native_.struct_size = sizeof native_;
        native_.abi_version = BACKRUN_ABI_VERSION;
    }
    /// Workers of a queue that does not say how many. 0: one a core, at least 2.
    engine_options &workers(std::uint32_t count) {
        native_.workers = count;
        return *this;
    }
    /// Worker threads of the whole engine at one time. 0: 64.
    engine_options &max_workers(std::uint32_t count) {
        native_.max_workers = count;
        return *this;
    }
    /// Keeps accepted tasks in this SQLite file, made if it is not there, in a folder that is: they outlive the
    /// process. Not set: in memory.
    engine_options &sqlite(std::string path) {
        native_.store = BACKRUN_STORE_SQLITE;
        store_address_ = std::move(path);
        return *this;
    }
    /// For submissions that do not say. Not set: committed with a durable store, buffered with the memory store.
    engine_options &durability(backrun::durability level) {
        native_.durability = static_cast<std::uint32_t>(level);
        return *this;
    }
    /// How long the constructor of the engine waits for another process that has the file; zero: not at all. Not set:
    /// 30 s.
    template <class Rep, class Period>
    engine_options &owner_wait(std::chrono::duration<Rep, Period> limit) {
        const std::int64_t ms = detail::exact_milliseconds(limit);
        native_.owner_wait_ms = ms == 0 ? -1 : ms == -1 ? INT64_MIN : ms;
        return *this;
    }
    /// Stack of each worker. 0: 8 MiB.
    engine_options &worker_stack_bytes(std::uint64_t bytes) {
        native_.worker_stack_bytes = bytes;
        return *this;
    }
    /// Finished tasks whose status is kept, newest first. 0: 10,000; -1: none. Where it is 0 or 10,000 and more, up to
    /// 1,000,000 older ones are kept too for a second from their end on.
    engine_options &keep_finished(std::int64_t count) {
        native_.keep_finished = count;
        return *this;
    }
    /// Dead tasks whose status is kept, newest first. 0: 10,000; -1: none.
    engine_options &keep_dead(std::int64_t count) {
        native_.keep_dead = count;
        return *this;
    }
    /// A task of a durable store that ran at so many unclean ends of a process is dead and not run again, unless it is
    /// replayed. 1: nothing that ran at one is. 0: 3. Only with a durable store.
    engine_options &max_crashes(std::uint32_t count) {
        native_.max_crashes = count;
        return *this;
    }
    /// How long a durable store keeps tasks that have ended, finished and dead ones, where keep_finished and keep_dead
    /// leave them: what is older is forgotten with one of the next commits. Zero or not set: however long ago they have
    /// ended.
    template <class Rep, class Period>
    engine_options &keep_for(std::chrono::duration<Rep, Period> time) {
        native_.keep_for_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// Encrypts payloads, user contexts and results in the store's file (AES-256-GCM). The first key that is added
    /// encrypts, the others only decrypt what was encrypted with them before. Both are copied; the bytes are not wiped
    /// when these options go. `id`: 1 to 64 of the letters a to z and A to Z, digits, '-', '_' and '.'; `secret`: 32
    /// random bytes.
    engine_options &encryption_key(std::string id, bytes_view secret) {
        encryption_keys_.emplace_back(std::move(id), std::string(secret.text()));
        return *this;
    }
    /// Refuses a store that has something that is not encrypted. Only with encryption_key.
    engine_options &encryption_required(bool required = true) {
        const std::uint32_t flag = BACKRUN_ENGINE_ENCRYPTION_REQUIRED;
        native_.flags = required ? native_.flags | flag : native_.flags & ~flag;
        return *this;
    }
    /// Options of the queue `default`.
    engine_options &default_queue(queue_options options) {
        default_queue_ = std::move(options);
        return *this;
    }
    /// Called with each event, on the engine's observer thread: must return promptly, may not wait for the engine.
    /// Copied; the copy is destroyed when nothing of the engine can call it any more.
    engine_options &on_event(std::function<void(const event &)> observer) {
        on_event_ = std::move(observer);
        return *this;
    }
    /// Called with each log record; else as on_event.
    engine_options &on_log(std::function<void(const log_record &)> observer) {
        on_log_ = std::move(observer);
        return *this;
    }
    /// Called once for each task that engine::tell_end asked for, at its end, by the thread that records it: a worker,
    /// or one of yours that cancels, settles, submits to a full queue or shuts down, several at once. Must be quick;
    /// may call the engine, but not wait for it, nor once its end has begun. Else as on_event.
    engine_options &on_end(std::function<void(const task_end &)> observer) {
        on_end_ = std::move(observer);
        return *this;
    }
    /// Only these events are wanted. None named: all.
    engine_options &event_kinds(std::initializer_list<event_kind> kinds) {
        native_.event_kinds = mask(kinds);
        return *this;
    }
    /// The least severe log records wanted. Not set: log_level::info.
    engine_options &log_level(backrun::log_level level) {
        native_.log_level = static_cast<std::uint32_t>(level);
        return *this;
    }
    /// Events, and as many log records, that may wait for the observer thread. 0: 8192.
    engine_options &observer_capacity(std::uint32_t count) {
        native_.observer_capacity = count;
        return *this;
    }
    /// Time passes by engine::advance_time only: for tests of what delays, retries and time limits do.
    engine_options &manual_time() noexcept {
        native_.flags |= BACKRUN_ENGINE_MANUAL_TIME;
        return *this;
    }
    /// The sum of (1 << kind) that backrun.h takes.
    static std::uint64_t mask(std::initializer_list<event_kind> kinds) noexcept {
        std::uint64_t sum = 0;
        for (const event_kind kind : kinds) {
            sum |= std::uint64_t{1} << static_cast<std::uint32_t>(kind);
        }
        return sum;
    }

private:
    friend class engine;
    backrun_engine_options native_{};
    std::string store_address_;
    std::vector<std::pair<std::string, std::string>> encryption_keys_;
    std::optional<queue_options> default_queue_;
    std::function<void(const event &)> on_event_;
    std::function<void(const log_record &)> on_log_;
    std::function<void(const task_end &)> on_end_;
};

/// Options of all tasks of one name.
class task_options {
public:
    /// The queue of tasks whose submission names none. Empty: `default`.
    task_options &queue(std::string name) {
        queue_ = std::move(name);
        return *this;
    }
    /// What follows a failed run. Not set: nothing, the task is dead.
    task_options &retry(retry_policy policy) noexcept {
        retry_ = policy;
        return *this;
    }
    /// How long each run may take; then it is asked to stop. Not set, or zero: as long as it likes.
    template <class Rep, class Period>
    task_options &time_limit(std::chrono::duration<Rep, Period> limit) {
        native_.time_limit_ms = detail::exact_milliseconds(limit);
        return *this;
    }
    /// How long a run may take to stop from its time limit on; then it is given up. Not set, or zero: 5 s.
    template <class Rep, class Period>
    task_options &grace(std::chrono::duration<Rep, Period> time) {
        native_.grace_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// How long a result is kept. Not set, or zero: 1 h.
    template <class Rep, class Period>
    task_options &result_retention(std::chrono::duration<Rep, Period> time) {
        native_.result_retention_ms = detail::exact_milliseconds(time);
        return *this;
    }
    /// Called on the engine's observer thread when a running or pending task of this name is asked to stop: must return
    /// promptly. The run may have ended meanwhile: compare the lease.
    task_options &on_cancel_requested(std::function<void(task_id, lease_number)> callable) {
        on_cancel_requested_ = std::move(callable);
        return *this;
    }

private:
    friend class engine;

    /// Borrows from this object.
    backrun_task_options native() const noexcept {
        backrun_task_options copy = native_;
        copy.struct_size = sizeof copy;
        copy.queue = detail::str(queue_);
        copy.retry = retry_ ? retry_->native() : nullptr;
        return copy;
    }

    std::string queue_;
    std::optional<retry_policy> retry_;
    backrun_task_options native_{};
    std::function<void(task_id, lease_number)> on_cancel_requested_;
};

/// The number of a task name (engine::number_of), to submit by in place of the name, which costs less. Good in the
/// engine that gave it, for its life.
enum class task_number : std::uint32_t {};

/// Work to be handed over. Owns what it was given. What is not set is the default.
class submission {
public:
    /// `task_name`: that of a registered handler. `payload`: the MessagePack bytes of the parameters; copied.
    submission(std::string task_name, bytes_view payload)
        : task_name_(std::move(task_name)), payload_(payload.to_vector()) {}
    /// `payload`: taken over.
    submission(std::string task_name, std::vector<std::uint8_t> &&payload)
        : task_name_(std::move(task_name)), payload_(std::move(payload)) {}
    /// By the number of the task name. `payload`: copied.
    submission(backrun::task_number number, bytes_view payload) : number_(number), payload_(payload.to_vector()) {}
    /// `payload`: taken over.
    submission(backrun::task_number number, std::vector<std::uint8_t> &&payload)
        : number_(number), payload_(std::move(payload)) {}

    /// On whose behalf the task runs; copied. Empty: nobody's.
    submission &user_context(bytes_view context) {
        user_context_ = context.to_vector();
        return *this;
    }
    submission &queue(std::string name) {
        queue_ = std::move(name);
        return *this;
    }
    submission &priority(backrun::priority level) {
        priority_ = level;
        return *this;
    }
    submission &payload_format(backrun::payload_format format) {
        format_ = format;
        return *this;
    }
    /// Adds a small named text that travels with the task; each name once.
    submission &header(std::string name, std::string value) {
        headers_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    /// What to do when the queue is full. Not set: as the queue says.
    submission &when_full(backrun::when_full what) {
        when_full_ = static_cast<std::uint32_t>(what);
        return *this;
    }
    /// Waits for room, up to the limit (30 s if it is not positive).
    template <class Rep, class Period>
    submission &wait_when_full(std::chrono::duration<Rep, Period> limit) {
        when_full_timeout_ms_ = detail::milliseconds(limit);
        return when_full(backrun::when_full::wait);
    }
    /// Not to be started before so much time has passed. Zero: at once.
    template <class Rep, class Period>
    submission &delay(std::chrono::duration<Rep, Period> time) {
        delay_ms_ = detail::exact_milliseconds(time);
        return *this;
    }
    /// Not to be started before this time of day, as the machine's clock says then.
    submission &run_at(std::chrono::system_clock::time_point time) {
        // Where 0 would be "not given", the first moment of 1970 is a moment later, and as long past.
        const std::int64_t unix_ms = detail::exact_milliseconds(time.time_since_epoch());
        run_at_unix_ms_ = unix_ms == 0 ? 1 : unix_ms;
        return *this;
    }
    /// How safe the task is when the submit returns. Not set: as the engine's options say.
    submission &durability(backrun::durability level) {
        durability_ = static_cast<std::uint32_t>(level);
        return *this;
    }
    /// How long each run may take. Not set, or zero: as the task's options say.
    template <class Rep, class Period>
    submission &time_limit(std::chrono::duration<Rep, Period> limit) {
        time_limit_ms_ = detail::exact_milliseconds(limit);
        return *this;
    }
    /// What follows a failed run. Not set: as the task's options say.
    submission &retry(retry_policy policy) noexcept {
        retry_ = policy;
        return *this;
    }

private:
    friend class engine;

    /// Borrows from this object; `headers` receives what the result points to.
    backrun_submission native(std::vector<backrun_header> &headers) const {
        headers.clear();
        headers.reserve(headers_.size());
        for (const auto &[name, value] : headers_) {
            backrun_header header{};
            header.struct_size = sizeof header;
            header.name = detail::str(name);
            header.value = detail::str(value);
            headers.push_back(header);
        }
        backrun_submission native{};
        native.struct_size = sizeof native;
        native.priority = static_cast<std::int32_t>(priority_);
        native.task_name = detail::str(task_name_);
        native.payload = bytes_view(payload_).native();
        native.user_context = bytes_view(user_context_).native();
        native.queue = detail::str(queue_);
        native.headers = headers.data();
        native.header_count = headers.size();
        native.payload_format = static_cast<std::uint32_t>(format_);
        native.durability = durability_;
        native.when_full = when_full_;
        native.when_full_timeout_ms = when_full_timeout_ms_;
        native.task_number = static_cast<std::uint32_t>(number_);
        native.delay_ms = delay_ms_;
        native.run_at_unix_ms = run_at_unix_ms_;
        native.time_limit_ms = time_limit_ms_;
        native.retry = retry_ ? retry_->native() : nullptr;
        return native;
    }

    std::string task_name_;
    backrun::task_number number_{};
    std::vector<std::uint8_t> payload_;
    std::vector<std::uint8_t> user_context_;
    std::string queue_;
    std::vector<std::pair<std::string, std::string>> headers_;
    backrun::priority priority_ = backrun::priority::normal;
    backrun::payload_format format_ = backrun::payload_format::contractless;
    std::uint32_t durability_ = 0;
    std::uint32_t when_full_ = 0;
    std::int64_t when_full_timeout_ms_ = 0;
    std::int64_t delay_ms_ = 0;
    std::int64_t run_at_unix_ms_ = 0;
    std::int64_t time_limit_ms_ = 0;
    std::optional<retry_policy> retry_;
};

namespace detail {

/// What a user-connection callable's result is kept as, and what the handler gets a pointer to.
template <class Result>
struct connection_of {
    using type = Result;
    static type *keep(Result &&result) { return new Result(std::move(result)); }
};
template <class T>
struct connection_of<std::unique_ptr<T>> {
    using type = T;
    static type *keep(std::unique_ptr<T> &&result) noexcept { return result.release(); }
};

/// Runs a part of a handler; an exception becomes the reason of a failed run.
template <class Body>
std::int32_t guarded(backrun::task &task, const Body &body) noexcept {
    try {
        try {
            return static_cast<std::int32_t>(body());
        } catch (const std::exception &thrown) {
            return static_cast<std::int32_t>(task.fail({thrown.what(), type_name(thrown), {}}));
        } catch (...) {
            failure why{"the handler threw something that is not a std::exception", {}, {}};
#if defined(__GNUG__)
            if (const std::type_info *type = abi::__cxa_current_exception_type()) {
                why.error_type = type_name(*type);
            }
#endif
            return static_cast<std::int32_t>(task.fail(why));
        }
    } catch (...) { // No memory to say why.
        return BACKRUN_RUN_FAILED;
    }
}

/// The result of a handler that returns void or run_result.
template <class Call>
run_result result_of(const Call &call) {
    using result = decltype(call());
    static_assert(std::is_void_v<result> || std::is_same_v<result, run_result>,
        "a Backrun handler returns nothing or a backrun::run_result");
    if constexpr (std::is_void_v<result>) {
        call();
        return run_result::done;
    } else {
        return call();
    }
}

/// What every registration keeps, whatever its callables are.
struct registration {
    std::function<void(task_id, lease_number)> on_cancel_requested;

    template <class Derived>
    backrun_handler table(Derived *self) const noexcept {
        backrun_handler handler{};
        handler.struct_size = sizeof handler;
        handler.user_data = self;
        handler.run = [](void *user_data, backrun_task *native, backrun_bytes payload, void *state) noexcept {
            return static_cast<Derived *>(user_data)->run(native, bytes_view(payload), state);
        };
        handler.release = [](void *user_data) noexcept { delete static_cast<Derived *>(user_data); };
        if (on_cancel_requested) {
            handler.cancel_requested = [](void *user_data, std::int64_t id, std::int64_t lease) noexcept {
                try {
                    static_cast<Derived *>(user_data)->on_cancel_requested(id, lease);
                } catch (...) { // There is nobody to tell.
                }
            };
        }
        return handler;
    }
};

template <class Run>
struct plain_registration : registration {
    explicit plain_registration(Run &&run) : run_(std::move(run)) {}
    explicit plain_registration(const Run &run) : run_(run) {}

    std::int32_t run(backrun_task *native, bytes_view payload, void *) noexcept {
        backrun::task task(native);
        return guarded(task, [&] { return result_of([&] { return run_(task, payload); }); });
    }
    backrun_handler handler() noexcept { return table(this); }

private:
    Run run_;
};

template <class Run, class Open>
struct connected_registration : registration {
    using opened = std::invoke_result_t<Open &, backrun::task &, bytes_view>;
    static constexpr bool has_connection = !std::is_void_v<opened>;

    template <class R, class O>
    connected_registration(R &&run, O &&open) : run_(std::forward<R>(run)), open_(std::forward<O>(open)) {}

    std::int32_t run(backrun_task *native, bytes_view payload, void *state) noexcept {
        backrun::task task(native);
        if constexpr (has_connection) {
            using connection = typename connection_of<opened>::type;
            const std::unique_ptr<connection> owner(static_cast<connection *>(state));
            return guarded(task, [&] { return result_of([&] { return run_(task, payload, owner.get()); }); });
        } else {
            (void)state;
            return guarded(task, [&] { return result_of([&] { return run_(task, payload); }); });
        }
    }
    backrun_handler handler() noexcept {
        backrun_handler handler = table(this);
        handler.set_user_connection = [](void *user_data, backrun_task *native, backrun_bytes user_context,
                                          void **state) noexcept {
            return static_cast<connected_registration *>(user_data)->connect(native, bytes_view(user_context), state);
        };
        if constexpr (has_connection) {
            handler.drop_task_state = [](void *, void *state) noexcept {
                delete static_cast<typename connection_of<opened>::type *>(state);
            };
        }
        return handler;
    }

private:
    std::int32_t connect(backrun_task *native, bytes_view user_context, void **state) noexcept {
        backrun::task task(native);
        return guarded(task, [&] {
            if constexpr (has_connection) {
                *state = connection_of<opened>::keep(open_(task, user_context));
            } else {
                (void)state;
                open_(task, user_context);
            }
            return run_result::done;
        });
    }

    Run run_;
    Open open_;
};

} // namespace detail

/// A background-task engine: queues, workers, and the tasks in them. Move-only; may be used from many threads at once.
///
/// Its end (destructor, move assignment) is backrun_engine_free: an engine that was not shut down is shut down as by
/// shutdown_mode::cancel with 5 s, and from a thread of the engine it is abandon(). Nobody else may be using it then.
/// Calls on a moved-from or abandoned engine throw error_code::invalid_argument.
class engine {
public:
    /// Starts the threads. Throws not_supported, invalid_argument, abi_mismatch, system, store (the file cannot be
    /// opened, or another process has it).
    explicit engine(const engine_options &options = engine_options()) {
        backrun_engine_options native = options.native_;
        native.store_address = detail::str(options.store_address_);
        std::vector<backrun_encryption_key> keys;
        for (const auto &[id, secret] : options.encryption_keys_) {
            keys.push_back({sizeof(backrun_encryption_key), 0, detail::str(id), bytes_view(secret).native()});
        }
        native.encryption_keys = keys.empty() ? nullptr : keys.data();
        native.encryption_key_count = keys.size();
        backrun_queue_options queue{};
        if (options.default_queue_) {
            queue = options.default_queue_->native();
            native.default_queue = &queue;
        }
        std::unique_ptr<detail::observers> observers;
        if (options.on_event_ || options.on_log_ || options.on_end_) {
            observers = std::make_unique<detail::observers>();
            observers->on_event = options.on_event_;
            observers->on_log = options.on_log_;
            observers->on_end = options.on_end_;
            native.on_event = options.on_event_ ? detail::observers::receive_events : nullptr;
            native.on_log = options.on_log_ ? detail::observers::receive_logs : nullptr;
            native.on_end = options.on_end_ ? detail::observers::receive_end : nullptr;
            native.observer_user_data = observers.get();
            native.observer_release = detail::observers::release;
        }
        backrun_engine *made = nullptr;
        backrun_error *object = nullptr;
        const std::int32_t code = backrun_engine_new(&native, &made, &object);
        native_.reset(made);
        detail::check(code, object);
        (void)observers.release(); // The engine releases them.
    }
    engine(engine &&other) noexcept = default;
    engine &operator=(engine &&other) noexcept = default;
    engine(const engine &) = delete;
    engine &operator=(const engine &) = delete;
    ~engine() = default;

    /// Adds a queue or changes one; every option applies anew.
    void configure_queue(const queue_options &options) {
        const backrun_queue_options native = options.native();
        call(backrun_engine_configure_queue, &native);
    }

    /// Tells what runs tasks of a name: `run(backrun::task &, backrun::bytes_view payload)`, returning nothing (done)
    /// or a run_result. An exception fails the run with its what() and its type.
    ///
    /// The callable is kept until nothing of the engine will use it any more, and is called from many workers at once.
    /// The payload is borrowed for the call. Throws already_registered, invalid_argument, not_found (the queue).
    template <class Run>
    void register_handler(std::string_view name, Run &&run, const task_options &options = task_options()) {
        using registration = detail::plain_registration<std::decay_t<Run>>;
        add(name, std::make_unique<registration>(std::forward<Run>(run)), options);
    }

    /// As above, for tasks with a user context: `open(backrun::task &, backrun::bytes_view user_context)` is called
    /// right before `run`, on the same thread, if the task has one; if it throws, `run` is not called and the run has
    /// failed.
    ///
    /// Where it returns nothing, `run` is as above. Where it returns a connection (a movable value, or a
    /// std::unique_ptr), `run(backrun::task &, backrun::bytes_view payload, Connection *)` gets it, or nullptr for a
    /// task without user context, and it is destroyed after the run.
    template <class Run, class Open, std::enable_if_t<!std::is_convertible_v<Open &&, const task_options &>, int> = 0>
    void register_handler(std::string_view name, Run &&run, Open &&open, const task_options &options = task_options()) {
        using registration = detail::connected_registration<std::decay_t<Run>, std::decay_t<Open>>;
        add(name, std::make_unique<registration>(std::forward<Run>(run), std::forward<Open>(open)), options);
    }

    /// Hands a task over: it will run. Returns its id. Throws queue_full, no_handler, not_found (the queue), too_large,
    /// invalid_argument, shutting_down, would_deadlock (waiting for room on a thread of the engine); nothing was
    /// accepted then.
    task_id submit(const submission &work) {
        std::vector<backrun_header> headers;
        const backrun_submission native = work.native(headers);
        return submit_native(native);
    }
    /// The short form: name and payload, everything else by default. The payload is copied once, by the engine.
    task_id submit(std::string_view task_name, bytes_view payload) {
        backrun_submission native{};
        native.struct_size = sizeof native;
        native.task_name = detail::str(task_name);
        native.payload = payload.native();
        return submit_native(native);
    }
    /// The shortest: by the number of the task name.
    task_id submit(task_number number, bytes_view payload) {
        backrun_submission native{};
        native.struct_size = sizeof native;
        native.task_number = static_cast<std::uint32_t>(number);
        native.payload = payload.native();
        return submit_native(native);
    }

    /// Hands a task over without waiting until a durable store has it: one thread can have thousands on their way.
    /// `done` is called once, unless this throws (what submit throws): with the id, or with what went wrong in the
    /// store. It is called on the store's thread (with the memory store on this one, before this returns): it must
    /// return promptly, may not throw, and may not wait for the store (would_deadlock), as submit does.
    void submit_async(const submission &work, std::function<void(std::optional<error_code>, task_id)> done) {
        std::vector<backrun_header> headers;
        const backrun_submission native = work.native(headers);
        auto callback = std::make_unique<submitted>(submitted{std::move(done)});
        call(backrun_engine_submit_async, &native, submitted::tell, callback.get());
        (void)callback.release(); // It deletes itself when it is called, which may have been already.
    }

    /// What to submit by in place of the name of a registered handler. Throws no_handler.
    task_number number_of(std::string_view task_name) const {
        std::uint32_t number = 0;
        call(backrun_engine_task_number, detail::str(task_name), &number);
        return task_number{number};
    }

    /// Hands many tasks over, all or none, in one step. Returns their ids in the same order.
    std::vector<task_id> submit_many(const std::vector<submission> &all) {
        std::vector<std::vector<backrun_header>> headers(all.size());
        std::vector<backrun_submission> native;
        native.reserve(all.size());
        for (std::size_t index = 0; index < all.size(); ++index) {
            native.push_back(all[index].native(headers[index]));
        }
        std::vector<task_id> ids(all.size());
        call(backrun_engine_submit_many, native.data(), native.size(), ids.data());
        return ids;
    }

    /// What is known of a task; nothing if there is no such task or it is no longer kept.
    std::optional<task_status> status(task_id id) {
        try {
            return look(id, 0);
        } catch (const error &thrown) {
            if (thrown.code() == error_code::not_found) {
                return std::nullopt;
            }
            throw;
        }
    }

    /// Waits until a task is in a final state, for ever. Throws not_found, shutdown_incomplete (a shutdown left it
    /// running), would_deadlock (on a thread of the engine).
    task_status wait(task_id id) { return look(id, -1); }
    /// Waits up to a limit (a negative one is 0); a limit that passes is no error: ask is_final().
    template <class Rep, class Period>
    task_status wait(task_id id, std::chrono::duration<Rep, Period> limit) {
        return look(id, detail::milliseconds(limit));
    }

    /// Cancels a task: a queued one at once; a running or pending one is asked to stop. `reason` may be empty.
    cancel_result cancel(task_id id, std::string_view reason = {}) {
        std::uint32_t what = 0;
        call(backrun_engine_cancel, id, detail::str(reason), &what);
        return static_cast<cancel_result>(what);
    }

    /// Ends a pending run, from any thread; legal even before the handler has returned run_result::pending. Once: else
    /// it throws stale_lease.
    void settle(task_id id, lease_number lease, run_result result = run_result::done) {
        settle_native(id, lease, result, nullptr);
    }
    /// Ends a pending run that failed.
    void settle(task_id id, lease_number lease, run_result result, const failure &why) {
        const detail::native_failure native(why);
        settle_native(id, lease, result, native.get());
    }
    /// Ends a pending run that is done, and leaves the task's result, in one step. Throws too_large besides.
    void settle_with_result(task_id id, lease_number lease, bytes_view result) {
        settle_native(id, lease, run_result::done, nullptr, 0, result.native());
    }
    /// Ends a pending run that failed and wants to be tried again, from 1 ms on. Zero: as the retry policy says, or,
    /// without one, a second.
    template <class Rep, class Period>
    void settle_to_retry(
        task_id id, lease_number lease, std::chrono::duration<Rep, Period> delay, const failure &why = {}) {
        const detail::native_failure native(why);
        settle_native(id, lease, run_result::retry_after, native.get(), detail::exact_milliseconds(delay));
    }

    /// Tells how far a run is that is known by id and lease, such as a pending one: task::set_progress. Throws
    /// stale_lease, not_found, invalid_argument.
    void set_progress(task_id id, lease_number lease, double fraction, std::string_view text = {}) {
        call(backrun_engine_set_progress, id, lease, fraction, detail::str(text));
    }

    /// Lets no further task of a queue start; what runs goes on, submits are still taken. Empty: `default`. Throws
    /// not_found.
    void pause(std::string_view queue = {}) { call(backrun_engine_pause, detail::str(queue)); }
    /// Ends a pause.
    void resume(std::string_view queue = {}) { call(backrun_engine_resume, detail::str(queue)); }

    /// What is known of tasks, smallest id first.
    task_list list(const task_filter &filter = task_filter()) {
        const backrun_filter native = filter.native();
        backrun_task_list *found = nullptr;
        call(backrun_engine_list, &native, &found);
        return task_list(found);
    }
    /// Has a dead task run again, its attempts counted anew. Throws not_found, invalid_argument (it is not dead),
    /// queue_full, shutting_down.
    void replay(task_id id) { call(backrun_engine_replay, id); }
    /// Forgets tasks in a final state. How many.
    std::uint64_t purge(const task_filter &filter = task_filter()) {
        const backrun_filter native = filter.native();
        std::uint64_t count = 0;
        call(backrun_engine_purge, &native, &count);
        return count;
    }

    /// Lets time pass for an engine with engine_options::manual_time, and waits until what is due then has been done.
    /// Throws invalid_argument, would_deadlock (on a thread of the engine).
    template <class Rep, class Period>
    void advance_time(std::chrono::duration<Rep, Period> by) {
        call(backrun_engine_advance_time, detail::exact_milliseconds(by));
    }
    /// Has the clock on the wall of such an engine jump, forward or back, while no time passes.
    void jump_wall_clock(std::chrono::milliseconds by) {
        call(backrun_engine_jump_wall_clock, static_cast<std::int64_t>(by.count()));
    }

    /// Asks that engine_options::on_end be called when a task is in a final state: once, however often it is asked for.
    /// It costs a fraction of watch. The state that it is in already, and then nobody is called. Throws not_found,
    /// invalid_argument (without on_end), shutdown_incomplete (the engine has ended and recorded no end).
    std::optional<state> tell_end(task_id id) {
        std::uint32_t native = 0;
        call(backrun_engine_tell_end, id, &native, nullptr);
        return native == 0 ? std::nullopt : std::optional<state>(static_cast<state>(native));
    }

    /// Calls `done(const backrun::task_status &)` once, on the engine's observer thread, when the task is in a final
    /// state, or with its last known, not final one if the engine ends before it. It must return promptly. Destroyed
    /// after it.
    template <class Done>
    void watch(task_id id, Done &&done) {
        using callable = std::decay_t<Done>;
        auto owner = std::make_unique<callable>(std::forward<Done>(done));
        const backrun_watch_fn trampoline = [](void *user_data, std::int32_t,
                                                const backrun_task_status *native) noexcept {
            const std::unique_ptr<callable> taken(static_cast<callable *>(user_data));
            const task_status status(native);
            try {
                (*taken)(status);
            } catch (...) { // There is nobody to tell.
            }
        };
        call(backrun_engine_watch, id, trampoline, static_cast<void *>(owner.get()));
        (void)owner.release(); // The engine calls it, and it frees itself.
    }

    /// Changes which events are wanted, from now on. None named: all.
    void set_event_kinds(std::initializer_list<event_kind> kinds) {
        call(backrun_engine_set_event_kinds, engine_options::mask(kinds));
    }

    /// A copy of a task's payload, while it waits for a worker. Throws not_found.
    std::vector<std::uint8_t> payload(task_id id) {
        backrun_buffer *buffer = nullptr;
        call(backrun_engine_payload, id, &buffer);
        const std::unique_ptr<backrun_buffer, void (*)(backrun_buffer *)> owner(buffer, backrun_buffer_free);
        return bytes_view(backrun_buffer_bytes(buffer)).to_vector();
    }

    /// All counters at this moment.
    statistics stats() {
        backrun_stats *made = nullptr;
        call(backrun_engine_stats, &made);
        return statistics(made);
    }

    /// Takes no new work, ends the old as `mode` says, waits for it without limit, joins every thread.
    /// Throws would_deadlock on a thread of the engine.
    shutdown_report shutdown(shutdown_mode mode) { return shut_down(mode, -1); }
    /// Likewise up to a limit; what still runs then is in the report (complete is false), and is left behind.
    template <class Rep, class Period>
    shutdown_report shutdown(shutdown_mode mode, std::chrono::duration<Rep, Period> limit) {
        return shut_down(mode, detail::milliseconds(limit));
    }

    /// Gives the engine up without waiting; running callbacks go on and may outlive this object.
    void abandon() noexcept { backrun_engine_abandon(native_.release()); }

    /// For calls into backrun.h; still owned by this object. nullptr after a move or abandon().
    backrun_engine *native() const noexcept { return native_.get(); }

private:
    struct free_engine {
        void operator()(backrun_engine *engine) const noexcept { backrun_engine_free(engine); }
    };

    /// Calls a function of backrun.h that takes the engine first and the error last.
    template <class Function, class... Arguments>
    void call(Function function, Arguments... arguments) const {
        backrun_error *object = nullptr;
        const std::int32_t code = function(native_.get(), arguments..., &object);
        detail::check(code, object);
    }

    template <class Registration>
    void add(std::string_view name, std::unique_ptr<Registration> registration, const task_options &options) {
        registration->on_cancel_requested = options.on_cancel_requested_;
        const backrun_handler handler = registration->handler();
        const backrun_task_options native = options.native();
        call(backrun_engine_register, detail::str(name), &handler, &native);
        (void)registration.release(); // The engine releases it.
    }

    struct submitted {
        std::function<void(std::optional<error_code>, task_id)> done;

        static void tell(void *self, std::int32_t code, task_id id) noexcept {
            const std::unique_ptr<submitted> owner(static_cast<submitted *>(self));
            owner->done(
                code == BACKRUN_OK ? std::nullopt : std::optional<error_code>(static_cast<error_code>(code)), id);
        }
    };

    task_id submit_native(const backrun_submission &native) {
        task_id id = 0;
        call(backrun_engine_submit, &native, &id);
        return id;
    }

    task_status look(task_id id, std::int64_t timeout_ms) {
        backrun_task_status *found = nullptr;
        call(backrun_engine_wait, id, timeout_ms, &found);
        return task_status(found);
    }

    void settle_native(task_id id, lease_number lease, run_result result, const backrun_failure *failure,
        std::int64_t retry_after_ms = 0, backrun_bytes left = {}) {
        backrun_outcome native{};
        native.struct_size = sizeof native;
        native.code = static_cast<std::int32_t>(result);
        native.failure = failure;
        native.retry_after_ms = retry_after_ms;
        native.result = left;
        call(backrun_task_settle, id, lease, &native);
    }

    shutdown_report shut_down(shutdown_mode mode, std::int64_t timeout_ms) {
        backrun_shutdown_report *made = nullptr;
        backrun_error *object = nullptr;
        const std::int32_t code =
            backrun_engine_shutdown(native_.get(), static_cast<std::uint32_t>(mode), timeout_ms, &made, &object);
        const std::unique_ptr<backrun_shutdown_report, void (*)(backrun_shutdown_report *)> owner(
            made, backrun_shutdown_report_free);
        if (code == BACKRUN_SHUTDOWN_INCOMPLETE) {
            backrun_error_free(object);
        } else {
            detail::check(code, object);
        }
        shutdown_report report;
        report.complete = code == BACKRUN_OK;
        report.queued = backrun_shutdown_report_queued_count(made);
        const std::size_t left = backrun_shutdown_report_running_count(made);
        for (std::size_t index = 0; index < left; ++index) {
            report.running.push_back({backrun_shutdown_report_running_id(made, index),
                std::string(detail::view(backrun_shutdown_report_running_name(made, index)))});
        }
        return report;
    }

    std::unique_ptr<backrun_engine, free_engine> native_;
};

/// The version of the library, such as "0.1.0".
inline std::string_view version() noexcept {
    return backrun_version();
}

} // namespace backrun

#include "backrun_codec.hpp"

#endif // BACKRUN_HPP
